"""The documentation: its links lead somewhere, its commands parse, its outputs are real, and what it names exists."""

import ast
import re
import shlex
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
COMMAND = re.compile(r"(?:\./run )?diagnose (.+)")


def _pages():
    return sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])


def _blocks(page, *languages):
    return [body for language, body in FENCE.findall(page.read_text("utf-8")) if language in languages]


def _anchors(page):
    """Return the fragments that GitHub gives the headings of a page."""
    text = FENCE.sub("", page.read_text("utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def _commands():
    """Return each command line of `diagnose` in the documentation, with the page that it stands in."""
    found = []
    for page in _pages():
        text = page.read_text("utf-8")
        lines = [line.removeprefix("$ ") for body in _blocks(page, "sh", "console") for line in body.splitlines()]
        lines += re.findall(r"`([^`\n]+)`", FENCE.sub("", text))
        found += [(page.name, match[1]) for line in lines if (match := COMMAND.fullmatch(line))]
    return found


@pytest.fixture(scope="module")
def parse():
    """Return a function that parses a command line, runs nothing, and says what is wrong with it, if anything."""
    import click
    import typer

    from diagnose.cli import app

    commands = typer.main.get_command(app).commands

    def wrong(line):
        name, *arguments = shlex.split(line, comments=True)
        if name.startswith("-"):
            return "" if name in ("--version", "--help") else f"unknown option {name}"
        if name not in commands:
            return f"unknown command {name}"
        if not arguments and name not in ("report", "probe", "models"):
            return ""  # the command is named, and not called
        try:
            commands[name].make_context(name, arguments)
        except click.exceptions.Exit:
            return ""  # --help
        except Exception as error:  # an option's own parser may raise anything
            return getattr(error, "message", None) or repr(error)
        return ""

    return wrong


def test_relative_links_lead_to_a_file_and_a_heading():
    dead = []
    for page in _pages():
        for link in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
            if re.match(r"[a-z]+:", link):
                continue
            path, _, anchor = link.partition("#")
            target = page.parent / path if path else page
            if not target.is_file() or (anchor and anchor not in _anchors(target)):
                dead.append(f"{page.name}: {link}")
    assert not dead


def test_command_lines_parse(parse):
    commands = _commands()
    assert len(commands) > 50
    assert not [f"{page}: diagnose {line}: {error}" for page, line in commands if (error := parse(line))]


def test_an_unknown_option_is_noticed(parse):
    assert parse("diff torch mm --no-such-option")
    assert parse("compare torch mm")


def test_command_lines_in_help_parse(parse):
    from diagnose.cli import app

    helps = [command.callback.__doc__ for command in app.registered_commands]
    lines = [line.strip().removeprefix("diagnose ") for text in helps for line in text.splitlines()
             if line.strip().startswith("diagnose ")]  # fmt: skip
    lines += [line for text in helps for line in re.findall(r"`diagnose ([^`]+)`", " ".join(text.split()))]
    assert len(lines) > 10
    assert not [f"diagnose {line}: {error}" for line in lines if (error := parse(line))]


def test_python_examples_are_python():
    for page in _pages():
        for body in _blocks(page, "python"):
            ast.parse(body, filename=str(page))


def test_python_examples_name_what_there_is():
    import diagnose

    missing = []
    for page in _pages():
        for body in _blocks(page, "python"):
            for node in ast.walk(ast.parse(body)):
                if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("diagnose"):
                    assert find_spec(node.module), node.module
                owner = getattr(node, "value", None)
                if isinstance(node, ast.Attribute) and isinstance(owner, ast.Name) and owner.id == "diagnose":
                    missing += [f"{page.name}: {node.attr}"] if not hasattr(diagnose, node.attr) else []
    assert not missing


def test_paths_and_functions_that_are_named_exist():
    missing = []
    for page in (ROOT / "ARCHITECTURE.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md")):
        text = FENCE.sub("", page.read_text("utf-8"))
        for path in re.findall(r"`((?:diagnose|tests|benchmarks|reports)/[\w/.-]*)`", text):
            missing += [] if (ROOT / path).exists() or "NAME" in path else [f"{page.name}: {path}"]
    for path, names in re.findall(
        r"`(\w+/[\w/]+\.py)`: ((?:`\w+`(?:, )?)+)", (ROOT / "ARCHITECTURE.md").read_text("utf-8")
    ):
        file = ROOT / "diagnose" / path
        defined = (
            set(re.findall(r"^(?:def|class) (\w+)", file.read_text("utf-8"), re.MULTILINE)) if file.is_file() else ()
        )
        missing += [f"{path}: {name}" for name in re.findall(r"\w+", names) if name not in defined]
    assert not missing


def test_the_action_is_documented_input_for_input():
    action = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
    page = (ROOT / "docs" / "gate.md").read_text("utf-8")
    assert not [name for name in action["inputs"] if f"| `{name}` |" not in page]
    used = set(re.findall(r"inputs\.([\w-]+)", (ROOT / "action.yml").read_text("utf-8")))
    assert used == set(action["inputs"])


def test_hooks_are_commands(parse):
    hooks = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text("utf-8"))
    page = (ROOT / "docs" / "gate.md").read_text("utf-8")
    for hook in hooks:
        assert f"`{hook['id']}`" in page
        assert not parse(
            f"{hook['entry'].removeprefix('diagnose ')} torch mm".removesuffix(" mm" if "params" in hook["id"] else "")
        )


@pytest.mark.slow
def test_outputs_that_are_shown_are_real():
    """Each line below a `$ diagnose …` of a console block stands in what the command writes; … stands for the rest."""
    script = Path(sys.executable).with_name("diagnose")
    shown = []
    for page in _pages():
        for body in _blocks(page, "console"):
            for part in re.split(r"^\$ diagnose ", body, flags=re.MULTILINE)[1:]:
                line, _, output = part.partition("\n")
                if not line.startswith("probe "):  # it trains
                    shown.append((page.name, line, [row for row in output.splitlines() if row not in ("", "…")]))
    assert shown
    for page, line, rows in shown:
        done = subprocess.run(
            [script, *shlex.split(line)], capture_output=True, encoding="utf-8", timeout=600, check=False
        )
        written = done.stdout.splitlines()
        assert not [row for row in rows if row not in written], f"{page}: diagnose {line}\n{done.stderr}"
