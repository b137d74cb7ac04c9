"""Case files: what is read, and how every mistake is answered."""

import re
import subprocess
import sys
import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.case import case
from diagnose.case.claims import KINDS
from diagnose.case.keys import Key
from diagnose.errors import DiagnoseError, UsageError

GOOD = '''title = "A case"
summary = """
Two lines,
[[claim]]
model = "not a key, but part of this text"
"""
[models]
ours = "torch"
"the paper's" = "mm"

[[claim]]
kind = "parameter count"
says = "It has 11.2M."
model = "ours"
number = "11.2M"

[[claim]]
id = "functions"
kind = "same function"
says = "They differ."
holds = false
a = "ours"
b = "ours"
belief = "different"
'''.replace('"the paper\'s"', "theirs")


def wrong(content, name="case"):
    with pytest.raises(DiagnoseError) as caught:
        case.parse(content, name, "my.toml")
    assert isinstance(caught.value, UsageError)
    return caught.value


def test_what_a_file_says_is_read():
    read = case.parse(GOOD, "mine", "mine.toml")
    assert read.models == (("ours", "torch"), ("theirs", "mm"))
    first, second = read.claims
    assert (first.id, first.kind, first.holds, first.get("number")) == (
        "1-parameter-count",
        "parameter count",
        True,
        "11.2M",
    )
    assert (second.id, second.holds, second.get("belief"), second.get("in")) == ("functions", False, "different", None)
    assert [GOOD.splitlines()[claim.line - 1] for claim in read.claims] == ["[[claim]]", "[[claim]]"]
    assert second.line > first.line > 7


@pytest.mark.parametrize(
    ("old", "new", "line", "hint"),
    [
        ("title =", "titel =", 1, "title"),
        ("[models]", "[modells]", 7, "models"),
        ('ours = "torch"', "ours = 3", 8, ""),
        ('ours = "torch"', 'ours = "torch(depth"', 8, "MODEL"),
        ('kind = "parameter count"', 'kind = "parameter cuont"', 12, "parameter count"),
        ('number = "11.2M"', 'nubmer = "11.2M"', 15, "number"),
        ('number = "11.2M"', "number = 11.2", 15, ""),
        ('number = "11.2M"', 'number = "eleven"', 15, ""),
        ('model = "ours"', 'model = "our"', 14, "ours"),
        ('says = "They differ."\n', "", 17, ""),
        ('belief = "different"', 'belief = "diferent"', 24, ""),
        ('id = "functions"', 'id = "../../etc"', 18, ""),
        ('id = "functions"', 'id = "1-parameter-count"', 18, ""),
        ("holds = false", 'holds = "no"', 21, ""),
    ],
)
def test_a_mistake_is_answered_with_its_line_and_the_right_key(old, new, line, hint):
    content = (
        GOOD.replace(old, new, 1) if old != 'model = "ours"' else GOOD.replace('\nmodel = "ours"', '\nmodel = "our"')
    )
    error = wrong(content)
    assert error.message.startswith(f"my.toml, line {line}: "), error.message
    assert hint in error.hint + error.message


@pytest.mark.parametrize(
    "content",
    [
        "",
        "title = 1",
        "=",
        "claim = 3\ntitle = 'a'\nsummary = 'b'",
        "claim = [[1]]\ntitle = 'a'\nsummary = 'b'",
        "a = " + "[" * 5_000,
        "a = " + "9" * 5_000,
        "#" * (case.LONGEST + 1),
        'title = "a"\nsummary = "b"\nmodels = [1]\nclaim = []',
        'title = "a"\nsummary = "b"\n' + '[[claim]]\nkind = "norm"\n' * (case.MOST_CLAIMS + 1),
        'title = "a"\nsummary = "b"\n[models]\n"<script>" = "torch"\n[[claim]]\n',
        'title = "a"\nsummary = "b"\n[[claim]]\nkind = ["norm"]\nsays = "c"',
    ],
)
def test_hostile_files_end_with_one_message(content):
    assert len(wrong(content).message) < 600


@given(st.text(max_size=200))
def test_no_text_makes_the_reader_crash(content):
    with pytest.raises(DiagnoseError):
        case.parse(content, "case", "my.toml")


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_every_kind_names_its_keys_and_measures(kind):
    names = [key.name for key in kind.keys]
    assert len(set(names)) == len(names)
    assert all(isinstance(key, Key) for key in kind.keys)
    assert not set(names) & {"kind", "says", "source", "id", "holds"}


def test_the_template_reads_as_it_is_and_with_every_example():
    template = case.template()
    read = case.parse(template, "template", "template.toml")
    assert len(read.claims) >= 3
    full = re.sub(r"^# (?=\[\[|\w+ = )", "", template, flags=re.MULTILINE)
    kinds = {claim["kind"] for claim in tomllib.loads(full)["claim"]}
    assert kinds == set(KINDS)
    assert {claim.kind for claim in case.parse(full, "template", "template.toml").claims} == set(KINDS)


def test_names_that_are_no_case():
    with pytest.raises(DiagnoseError, match="no case 'pinets-tabel5'") as caught:
        case.load("pinets-tabel5")
    assert "pinets-table5" in caught.value.hint
    with pytest.raises(DiagnoseError, match="cannot read the case"):
        case.load("nowhere.toml")


def test_a_file_is_trusted_only_where_that_is_said(tmp_path):
    path = tmp_path / "Mine & Yours.toml"
    path.write_text(GOOD)
    assert not case.load(str(path)).trusted
    read = case.load(str(path), trusted=True)
    assert (read.trusted, read.name) == (True, "mine-yours")


def test_reading_a_case_loads_no_torch():
    code = (
        "import sys; from diagnose.case.case import template, parse; parse(template(), 'a', 'a')\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
