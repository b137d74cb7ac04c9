"""`diagnose params` from the outside: its answer, its formats, its exit codes."""

import json
import re
from pathlib import Path

import pytest

TOYS = Path(__file__).parents[1] / "toys.py"
BY = {"stage": "stem", "kind": "3×3 convolution", "block": "backbone.layer1.0", "layer": "backbone.conv1"}


@pytest.fixture(scope="module")
def reported(script):
    return script("params", "prodpoly", "--reported", "6.0M")


@pytest.fixture(scope="module")
def as_json(diagnose):
    done = diagnose("params", "prodpoly", "--reported", "6.0M", "--also", "torch=11.2M", "--cross-check",
                    "--against", "mm", "--format", "json", "--quiet")  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(done.stdout)


def test_two_1x1_convolutions_stand_first_at_one_decimal(as_json):
    first = as_json["data"]["candidates"][0]
    assert first["edits"] == ["two 1×1 convolutions per block"]
    assert (first["total"], first["verified"]) == (6_012_234, True)
    assert sorted(first["fits"]) == ["rounded", "truncated"]


def test_the_terminal_says_it_too_and_that_a_coarser_number_changes_the_answer(reported):
    assert reported.returncode == 0
    said = " ".join(reported.stdout.split())
    assert "two 1×1 convolutions per block → 6,012,234" in said
    assert "Another rounding changes the answer: read as “6M”" in said
    assert "one 1×1 convolution per block already fits" in said
    assert "5,643,594" in said
    assert "A matching count does not prove a design" in said


def test_what_the_paper_states_excludes_depths_and_widths(as_json, reported):
    excluded = {item["edits"][0]: item for item in as_json["data"]["excluded"]}
    depth = next(item for text, item in excluded.items() if "[4, 4, 1, 1]" in text)
    width = next(item for text, item in excluded.items() if "68" in text)
    assert depth["total"] == 6_014_538
    assert [stated["facet"] for stated in depth["excluded"]] == ["blocks"]
    assert [stated["facet"] for stated in width["excluded"]] == ["widths"]
    assert "Table 5 of arXiv 2006.13026" in depth["excluded"][0]["source"]
    assert "Table 5 of arXiv 2006.13026" in reported.stdout


def test_the_other_row_and_the_peer_and_the_other_tools_are_counted(as_json):
    data = as_json["data"]
    assert [row["fits"] for row in data["candidates"][0]["also"]] == [True]
    assert data["against"]["total"] == 11_173_962
    assert sum(item["parameters"] for item in data["against"]["differences"]) == 11_173_962 - 5_274_954
    assert {check["value"] for check in data["cross_check"]} == {5_274_954}


def test_the_envelope_has_its_keys_and_its_rows_add_up(as_json):
    assert {"schema", "title", "environment", "sections", "findings", "skipped", "data"} <= as_json.keys()
    data = as_json["data"]
    assert as_json["schema"] == "diagnose.params/1"
    assert {"model", "total", "trainable", "frozen", "buffers", "rows", "reported", "candidates"} <= data.keys()
    keys = {"path", "kind", "shape", "parameters", "stage", "block", "tied_to", "used"}
    assert all(keys <= row.keys() for row in data["rows"])
    assert sum(row["parameters"] for row in data["rows"]) == data["total"] == 5_274_954
    assert data["reported"]["rounded"] == [5_950_000, 6_050_000]
    assert data["reported"]["truncated"] == [6_000_000, 6_099_999]
    assert all({"total", "edits", "cost", "fits", "verified", "source"} <= c.keys() for c in data["candidates"])


@pytest.mark.slow
def test_without_a_decimal_the_published_variant_already_fits(diagnose):
    done = diagnose("params", "prodpoly", "--reported", "6M", "--format", "json")
    first = json.loads(done.stdout)["data"]["candidates"][0]
    assert (first["edits"], first["total"]) == (["one 1×1 convolution per block"], 5_643_594)
    assert "pinet_1x1_relu" in first["source"]


@pytest.mark.slow
def test_keeping_nothing_excludes_nothing(diagnose):
    done = diagnose("params", "prodpoly", "--reported", "6.0M", "--keep", "nothing", "--format", "json")
    data = json.loads(done.stdout)["data"]
    assert (data["excluded"], data["stated"]) == ([], [])
    assert any("width" in edit or "blocks" in edit for c in data["candidates"] for edit in c["edits"])


def test_a_number_that_nothing_gives_is_said_to_be_given_by_no_edit_known_here(diagnose):
    done = diagnose("params", f"{TOYS}:single", "--reported", "3.1B")
    assert done.returncode == 0
    assert "No edit known here gives 3.1B" in " ".join(done.stdout.split())
    assert "may be wrong" not in done.stdout
    assert diagnose("params", f"{TOYS}:single", "--reported", "3.1B", "--strict").returncode == 1
    assert diagnose("params", f"{TOYS}:single", "--reported", "15", "--strict").returncode == 0


@pytest.mark.parametrize("by", BY)
def test_by_chooses_the_open_table(diagnose, by):
    done = diagnose("params", "prodpoly", "--by", by)
    assert done.returncode == 0
    assert BY[by] in done.stdout
    assert re.search(r"Total\s.*5,274,954", done.stdout)


@pytest.mark.parametrize("model", ["Empty", "single", "Toy", "Lazy", "Hostile", "Decoder"])
def test_odd_models_are_counted_in_every_format(diagnose, model, tmp_path):
    for suffix in ("json", "html") if model == "Hostile" else ("md",):
        path = tmp_path / f"out.{suffix}"
        done = diagnose("params", f"{TOYS}:{model}", "--by", "layer", "-o", path)
        assert (done.returncode, done.stdout) == (0, "")
        text = path.read_text()
        assert text
        assert "<script>alert" not in text or suffix == "json"
        assert "\x1b" not in text


def test_a_hostile_name_is_shown_and_not_obeyed(diagnose):
    done = diagnose("params", f"{TOYS}:Hostile", "--by", "layer", FORCE_COLOR="1")
    assert "[bold]x[/bold]" in done.stdout
    assert "\x1b[31mred" not in done.stdout


def test_a_forward_pass_that_fails_is_said_with_its_reason(diagnose):
    done = diagnose("params", f"{TOYS}:Raises")
    assert done.returncode == 0
    said = " ".join(done.stdout.split())
    assert "unknown" in said
    assert "no forward" in said


WRONG_CALLS = (
    ("torchvison:resnet18",),
    ("prodpolly",),
    ("torchvision:resnet19",),
    (f"{TOYS}:Smal",),
    ("torch(num_class=3)",),
    ("torch(",),
    ("torch", "--reported", "six"),
    ("torch", "--input", "3by3"),
    ("torch", "--reported", "6M", "--keep", "blokcs"),
    ("torch", "--keep", "blocks"),
    ("torch", "--reported", "6M", "--also", "torch"),
    ("torch", "--by", "colour"),
)


@pytest.mark.parametrize("arguments", WRONG_CALLS, ids=lambda a: " ".join(a).rpartition("/")[2])
def test_a_wrong_call_ends_with_2_and_says_what_to_try(diagnose, arguments):
    done = diagnose("params", *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr
    assert "hint:" in done.stderr or "Try" in done.stderr or "is not one of" in done.stderr


def test_a_file_that_is_not_there_is_a_wrong_call(diagnose):
    done = diagnose("params", "no/such/file.py:f")
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: There is no file")


def test_a_model_whose_code_fails_ends_with_3_and_no_traceback_of_ours(diagnose):
    done = diagnose("params", f"{TOYS}:broken")
    assert (done.returncode, done.stdout) == (3, "")
    assert "this code is broken" in done.stderr
    assert "diagnose/cli" not in done.stderr
