"""The report of trials made by hand, in every format: interrupted, diverged and hostile ones too."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from diagnose.probe.answer import ProbeAnswer, TrialSchedule
from diagnose.probe.data.load_images import load_images
from diagnose.probe.effects.effects import effects_of
from diagnose.probe.plan.arms import arms_of
from diagnose.probe.plan.plan import Plan
from diagnose.probe.plan.stored_plan import StoredPlan
from diagnose.probe.report.report import plan_text, probe_report
from diagnose.probe.request import ProbeRequest
from diagnose.probe.trial.mend import DamagedFile
from diagnose.probe.trial.spec import TrialLength, TrialSpec
from diagnose.render import FORMATS, render
from diagnose.render.as_json.schema import shipped
from diagnose.values import EpochResult, Numerics, Recipe, Setting, TrialEnd, TrialOutcome


def recipe(name, momentum):
    return Recipe(name, name, (Setting("momentum", momentum, "test"), Setting("learning_rate", 0.1, "test")))


@pytest.fixture(scope="module")
def images():
    return load_images("synthetic:100")


def answered(images, *, interrupted=False, lost=()):
    start, end, model = recipe("<b>start", 0.0), recipe("end|", 0.9), "[bold]m|<script>"
    arms, notes = arms_of(start, end)
    plan = Plan((model,), arms, 3, (2,), 1_280, notes)
    specs = tuple(
        TrialSpec(model, arm.name, arm.recipe, arm.changed, arm.first_seed + seed, arm.settings,
                  TrialLength(2, 1_280, 100), images.name, images.key, Numerics())
        for seed in range(3)
        for arm in arms
    )  # fmt: skip
    trials = []
    for index, spec in enumerate(specs):
        high = 0.9 if dict(spec.changed).get("momentum") else 0.8
        curve = tuple(EpochResult(epoch, 1.0, high + epoch / 100 + spec.seed % 10 / 500, 2.0) for epoch in (1, 2))
        gone = index in lost
        trials.append(
            spec.result(curve[:1] if gone else curve, TrialEnd.parse("diverged in step 12" if gone else "done"))
        )
    decision = StoredPlan((model,), tuple(arm.name for arm in arms), plan.seeds, 1_280, (), Numerics(), 1, (), ())
    prepared = TrialSchedule(ProbeRequest((model,), start, end), plan, images, specs, 60.0, decision, Path("plan.json"))
    return ProbeAnswer(prepared, tuple(trials), effects_of(plan, trials), interrupted)


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("lost", [(), (0, 5), tuple(range(100))])
def test_every_format_draws_it(images, form, lost):
    text = render(probe_report(answered(images, lost=lost, interrupted=bool(lost))), form)
    assert "<script>" not in text or form in ("terminal", "json")
    assert not lost or "diverged in step 12" in text


def test_every_number_says_on_what_it_stands(images):
    text = render(probe_report(answered(images)), "markdown")
    assert (
        "3 seeds, 2 epochs, up to 1,280 training and 50 test images from 100 synthetic images, on cpu in fp32" in text
    )
    assert "compressed" in text


def test_the_data_are_raw(images):
    data = json.loads(render(probe_report(answered(images, lost=(1,))), "json"))["data"]
    assert data["images_per_second"] == pytest.approx(640)  # 1,280 images in 2 seconds
    assert [t["accuracy"] for t in data["trials"]][1] is None
    assert data["effects"][0]["factor"] == "momentum"
    assert data["effects"][0]["to"] == "0.9"
    assert data["controls"][0]["reason"] == "trials of the A/A arm diverged"  # index 1 is one of it
    effect = {"factor", "from", "to", "model", "steps", "epochs", "difference", "low", "high", "n", "verdict"}
    assert (
        effect | {"smallest_detectable", "share_of_gap", "p", "p_single", "seeds_needed"} <= data["effects"][0].keys()
    )
    trial = {
        "model",
        "recipe",
        "changed",
        "seed",
        "epochs",
        "steps",
        "images",
        "data",
        "device",
        "precision",
        "threads",
    }
    assert trial | {"curve", "accuracy", "status"} <= data["trials"][0].keys()
    assert data["trials"][0]["curve"][0].keys() == {"epoch", "train_loss", "test_accuracy", "seconds"}
    assert {"plan", "trials", "effects", "images_per_second"} <= data.keys()


@pytest.mark.parametrize("lost", [(), (0, 5)])
def test_the_shipped_schema_holds(images, lost):
    report = json.loads(render(probe_report(answered(images, lost=lost)), "json"))
    Draft202012Validator(shipped()).validate(report)
    validator = Draft202012Validator({"$ref": "#/$defs/ProbeData", "$defs": shipped()["$defs"]})
    validator.validate(report["data"])
    del report["data"]["effects"][0]["steps"]
    assert not validator.is_valid(report["data"])


def test_the_plan_is_told_beforehand(images):
    text = plan_text(answered(images).prepared)
    assert "12 trials: 4 arms × 3 seeds" in text or "15 trials: 5 arms × 3 seeds" in text
    assert "20 steps" in text  # 2 epochs of 1,280 images in batches of 128
    assert "standard deviation of 1 point, which is an assumption" in text


def test_an_interrupted_probe_says_how_many_seeds_it_has(images):
    answer = answered(images, interrupted=True)
    unfinished = TrialEnd(TrialOutcome.UNFINISHED)
    trials = tuple(
        trial if trial.seed % 1_000 < 2 else replace(trial, accuracy=None, end=unfinished) for trial in answer.trials
    )
    text = render(probe_report(replace(answer, trials=trials)), "markdown")
    assert "stands on 2 of 3 seeds, 2 epochs" in text


def test_a_damaged_file_is_named_with_the_trial_that_is_trained_anew(images):
    answer = answered(images)
    spec = answer.prepared.specs[0]
    answer = replace(answer, prepared=replace(answer.prepared, damaged=(DamagedFile(Path("runs/1/status"), spec),)))
    said = f"The file runs/1/status is damaged: {spec.model}, start, seed 0 is trained anew."
    assert said in plan_text(answer.prepared)
    assert any(said == item.text for item in probe_report(answer).sections[0].items)
