"""One concept has one name: what the house asks of names, checked by reading the source alone."""

import ast
import re
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "diagnose"
FILES = sorted(ROOT.rglob("*.py"))

MOST_LINES = 350
MOST_MODULES = 13
"""Of a folder, which should have a dozen: lower it where the last folder of more was parted."""

SHARED_MODULES = {"__init__", "run", "report", "phrases"}
"""The names that stand for the same step in every folder."""

PARTICIPLES = re.compile(
    r"_*(\w+[a-df-z]ed|Asked|Built|Found|Fed|Given|Held|Kept|Known|Left|Made|Said|Seen|Shown|Taken|Told|Written|Drawn|Spoilt"
    r"|NotStated|Apart|AtHand)$"
)
NO_PARTICIPLES = {
    "Skipped",  # its key in JSON is `skipped`, and plugins make values of it
    "Widened",  # a network whose class name stands in reports
    "_ZeroPadded",  # the same
}
VAGUE = {"each", "one", "other"}


def relative(path):
    """Return a path as it is named from the root of the repository, for messages."""
    return path.relative_to(ROOT.parent).as_posix()


@cache
def parsed(path):
    """Return the syntax tree of a file."""
    return ast.parse(path.read_text("utf-8"))


def nodes(kind):
    """Return every node of a kind in the house, with its file."""
    return [(path, node) for path in FILES for node in ast.walk(parsed(path)) if isinstance(node, kind)]


def repeated(places):
    """Return what stands in more than one place."""
    return {name: where for name, where in places.items() if len(where) > 1}


def test_no_class_name_is_used_twice():
    places = defaultdict(list)
    for path, node in nodes(ast.ClassDef):
        places[node.name].append(f"{relative(path)}:{node.lineno}")
    assert not repeated(places)


def test_no_module_name_is_used_twice():
    places = defaultdict(list)
    for path in FILES:
        # A command's file is named like the command, as the folder of its capability is.
        if path.stem not in SHARED_MODULES and path.parent.name != "cli":
            places[path.stem].append(relative(path))
    assert not repeated(places)


def test_classes_are_nouns_and_no_participles():
    named = {node.name: f"{relative(path)}:{node.lineno}" for path, node in nodes(ast.ClassDef)}
    assert not {name: place for name, place in named.items() if PARTICIPLES.match(name) and name not in NO_PARTICIPLES}


def test_the_exceptions_are_still_needed():
    assert {node.name for _, node in nodes(ast.ClassDef)} >= NO_PARTICIPLES


def test_a_loop_variable_names_the_thing():
    vague = [
        f"{relative(path)}:{name.lineno} {name.id}"
        for path, loop in nodes((ast.For, ast.comprehension))
        for name in ast.walk(loop.target)
        if isinstance(name, ast.Name) and name.id in VAGUE
    ]
    assert not vague


@pytest.mark.parametrize("path", FILES, ids=relative)
def test_a_module_is_short(path):
    assert len(path.read_text("utf-8").splitlines()) <= MOST_LINES


def test_a_folder_is_small():
    sizes = defaultdict(int)
    for path in FILES:
        sizes[relative(path.parent)] += path.stem != "__init__"
    assert {folder: size for folder, size in sizes.items() if size > MOST_MODULES} == {}


def test_every_package_says_what_it_is_for():
    said = {relative(path): ast.get_docstring(parsed(path)) or "" for path in FILES if path.name == "__init__.py"}
    assert not {path: text for path, text in said.items() if len(text.split()) <= 5}
    assert {path.parent for path in FILES} == {path.parent for path in FILES if path.name == "__init__.py"} | {
        ROOT / "pinets" / "configs"  # mmengine reads it as a file
    }


ERRORS = {"DiagnoseError", "UsageError", "CannotRun", "MissingDependency"}


def texts_of_errors(path):
    """Return the texts, with their lines, that a file gives to errors of ours."""
    calls = (node for node in ast.walk(parsed(path)) if isinstance(node, ast.Call))
    ours = (call for call in calls if isinstance(call.func, ast.Name) and call.func.id in ERRORS)
    parts = (part for call in ours for part in ast.walk(call) if isinstance(part, ast.Constant))
    return [(part.lineno, part.value) for part in parts if isinstance(part.value, str)]


@pytest.mark.parametrize("path", [path for path in FILES if ROOT / "cli" not in path.parents], ids=relative)
def test_only_the_command_line_knows_its_flags(path):
    """An error names options by `Option`, which the command line and Python spell differently."""
    assert not [
        line for line, text in texts_of_errors(path) if re.search(r"(^|[\s`(])--[a-z]", text) and "`ray " not in text
    ]
