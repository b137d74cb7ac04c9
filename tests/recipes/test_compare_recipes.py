"""What is called a difference, what is left open, and what is flagged."""

import pytest

from diagnose.recipes import compare, load
from diagnose.recipes.fields import FIELDS
from diagnose.recipes.report import diff_report, show_report
from diagnose.recipes.toml import parse
from diagnose.render import FORMATS, render
from diagnose.values import NOT_STATED, Recipe, Setting, Significance


def statuses(a, b):
    return {field.key: field.status for field in compare(load(a), load(b)).fields}


def test_the_reproduction_against_the_paper():
    found = statuses("paper", "reproduction")
    assert "differs" not in found.values()
    unstated = {key for key, status in found.items() if status == "unstated"}
    assert {"momentum", "weight_decay", "train_images", "normalisation", "evaluated_epoch", "init"} <= unstated
    assert found["learning_rate"] == found["schedule"] == found["epochs"] == "equal"


def test_the_reproduction_against_the_authors():
    found = statuses("reproduction", "authors-2022")
    differing = {key for key, status in found.items() if status == "differs"}
    assert differing == {
        "momentum",
        "weight_decay",
        "schedule_steps",
        "train_images",
        "held_out",
        "normalisation",
        "evaluated_epoch",
        "seed",
    }


def test_what_one_leaves_unstated_is_never_called_a_difference():
    diff = compare(load("paper"), load("reproduction"))
    assert {finding.verdict for finding in diff.findings} == {Significance.UNDETERMINED}


def test_a_seed_and_a_rounding_are_no_real_difference():
    a = parse("seed = 1\nnormalisation = {mean = [125.3, 123.0, 113.9], std = [63, 62.1, 66.7]}", "a", "a")
    b = parse("seed = 2\nnormalisation = {mean = [125.31, 122.96, 113.86], std = [63.04, 62.09, 66.7]}", "b", "b")
    assert {finding.verdict for finding in compare(a, b).findings} == {Significance.COSMETIC}
    second = parse("normalisation = {mean = [125.4, 123.0, 113.9], std = [63, 62.1, 66.7]}", "c", "c")
    assert [f.verdict for f in compare(a, second).findings if f.kind == "recipe.normalisation"] == [Significance.REAL]


def test_selection_on_test_and_held_out_images_are_flagged():
    diff = compare(load("reproduction"), load("authors-2022"))
    kinds = {(finding.kind, finding.where) for finding in diff.flagged}
    assert kinds == {("recipe.held-out", ("reproduction",)), ("recipe.selection-on-test", ("authors-2022",))}
    held = next(finding for finding in diff.flagged if finding.kind == "recipe.held-out")
    assert "10,000 of 50,000 training images (20 %)" in held.message
    assert not compare(load("mmpretrain"), load("mmpretrain")).flagged


def test_comparing_is_symmetric():
    ab, ba = (compare(load(a), load(b)) for a, b in (("lightning", "paper"), ("paper", "lightning")))
    assert [(f.status, f.verdict, f.a, f.b) for f in ab.fields] == [(f.status, f.verdict, f.b, f.a) for f in ba.fields]


@pytest.mark.parametrize("form", FORMATS)
def test_the_reports_are_drawn_in_every_format(form):
    hostile = parse('title = "<script>[bold]|"\nloss = "<script>"\n', "<b>", "x.toml")
    assert render(diff_report(compare(load("reproduction"), hostile)), form)
    assert render(show_report(hostile), form)


def test_the_data_hold_raw_values():
    report = diff_report(compare(load("paper"), load("reproduction")))
    rows = {row["field"]: row for row in report.data["fields"]}
    assert list(rows) == list(FIELDS)
    assert rows["momentum"] == rows["momentum"] | {"a": None, "b": 0.0, "status": "unstated"}
    assert rows["schedule"]["a"]["milestones"] == (40.0, 60.0, 80.0, 100.0)
    assert report.schema == "diagnose.recipe/1"


def test_a_recipe_moves_one_field_and_keeps_the_others():
    paper = load("paper")
    moved = paper.moved([s for s in load("lightning").settings if s.key == "momentum"])
    assert moved.get("momentum") == 0.9
    assert paper.get("momentum") is NOT_STATED
    assert moved.get("epochs") == 120


def test_the_hint_names_every_factor_that_a_probe_can_move_and_no_length():
    def recipe(name, **values):
        return Recipe(name, name, tuple(Setting(key, value, "test") for key, value in values.items()))

    a = recipe("a", batch_size=64, held_out=0, epochs=60, optimizer="SGD")
    b = recipe("b", batch_size=128, held_out=500, epochs=160, optimizer="Adam")
    hint = next(prose.text for prose in diff_report(compare(a, b)).sections[0].items if prose.tone == "hint")
    assert "--ablate train_images,batch_size`" in hint
