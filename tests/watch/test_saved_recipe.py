"""The recipe that acted as TOML: what is written is what is read."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from diagnose.recipes.toml import parse
from diagnose.render import FORMATS, render
from diagnose.values import (
    Augmentation,
    Basis,
    Ending,
    FactKind,
    Fault,
    FaultKind,
    Normalisation,
    ObservedFact,
    ObservedSetting,
    RateCourse,
    Schedule,
    Sighting,
    SightingKind,
    Significance,
    WatchedScript,
)
from diagnose.watch import phrases, recipe_of, toml_of
from diagnose.watch.report import watch_report

numbers = st.floats(1e-6, 1e6)
texts = st.text(max_size=40)
milestones = st.lists(st.integers(1, 500), min_size=1, max_size=5, unique=True).map(
    lambda xs: tuple(map(float, sorted(xs)))
)
values = st.fixed_dictionaries(
    {
        "optimizer": texts.filter(bool),
        "learning_rate": numbers,
        "nesterov": st.booleans(),
        "epochs": st.integers(1, 10**6),
        "schedule": st.sampled_from([Schedule("constant"), Schedule("cosine")])
        | st.builds(Schedule, st.just("step"), milestones, numbers)
        | st.builds(Schedule, st.just("one-cycle"), peak=numbers)
        | st.builds(Schedule, st.just("other"), text=texts),
        "normalisation": st.builds(Normalisation, st.tuples(*[numbers] * 3), st.tuples(*[numbers] * 3)),
        "augmentation": st.builds(
            Augmentation, st.integers(0, 8), st.integers(0, 64), st.floats(0, 1), st.lists(texts, max_size=3).map(tuple)
        ),
    }
)


def script_of(settings=(), facts=(), faults=()):
    return WatchedScript(
        ("train.py",), Ending.BY_ITSELF, 0, settings, facts, faults, (), RateCourse((), (), ()),
        {"epochs": 1, "steps": 2, "backwards": 2, "evaluations": 0, "processes": 1}, {},
    )  # fmt: skip


@given(values, texts)
def test_what_is_written_is_read(chosen, place):
    sighting = Sighting(SightingKind.STEPS, {"steps": 2}, place)
    settings = tuple(ObservedSetting(key, value, Basis.OBSERVED, sighting) for key, value in chosen.items())
    script = script_of(settings, (ObservedFact(FactKind.WORKERS, place, Basis.READ, sighting),))
    recipe = parse(toml_of(script), "observed", "observed.toml")
    assert {key: recipe.get(key) for key in chosen} == chosen
    assert [setting.source for setting in recipe.settings] == [s.source for s in recipe_of(script).settings]


@pytest.mark.parametrize("words", [phrases.EVIDENCE, phrases.FACTS, phrases.FAULTS, phrases.ENDINGS])
def test_every_kind_has_its_words(words):
    assert set(words) == set(type(next(iter(words))))


@pytest.mark.parametrize("form", FORMATS)
def test_a_hostile_script_is_drawn_in_every_format(form):
    fault = Fault(FaultKind.ONE_LABEL, Significance.REAL, 3, 3, "<script>[bold]|.py:1", {"label": "\x1b[31m"})
    script = replace(script_of(faults=(fault,)), command=("<script>", "[red]"))
    assert "\x1b[31m" not in render(watch_report(script), form)


def test_the_data_hold_raw_values():
    fault = Fault(FaultKind.ONE_LABEL, Significance.REAL, 3, 4, "train.py:7", {"label": "2"})
    setting = ObservedSetting("epochs", 5, Basis.OBSERVED, Sighting(SightingKind.PASSES, {"epochs": 5}))
    data = json.loads(render(watch_report(script_of((setting,), (), (fault,))), "json"))["data"]
    assert data["settings"]["epochs"] == {
        "value": 5, "basis": "observed", "evidence": "passes", "numbers": {"epochs": 5}, "place": "",
    }  # fmt: skip
    assert data["faults"] == [
        {"kind": "one-label", "verdict": "real", "seen": 3, "of": 4, "place": "train.py:7", "numbers": {"label": "2"}}
    ]
