"""What a budget does first: it narrows the networks whose width was not asked for; and a plan that stays the same."""

from dataclasses import fields

import pytest

from diagnose.errors import CannotRun, DiagnoseError
from diagnose.probe.answer import run_probe, schedule_trials
from diagnose.probe.data.load_images import load_images
from diagnose.probe.executors import executor_for
from diagnose.probe.executors.executor import OutOfMemoryError, TrialCost
from diagnose.probe.request import ProbeRequest
from diagnose.probe.trial.initial_weights import initialised, narrowed
from diagnose.values import Augmentation, PartialNumerics, Recipe, Setting, TrialEnd, TrialOutcome


def recipe(name, momentum, batch=16):
    return Recipe(name, name, (Setting("momentum", momentum, ""), Setting("batch_size", batch, "")))


class Timed:
    """An executor whose clock is a formula: a millisecond an image at width 64, a quarter at 32, a sixteenth at 16.

    `factor` makes it faster for some numerics and copies, `fits` is the largest batch that fits the memory, and
    `together` how many trials do.
    """

    def __init__(self, *, cores=1, factor=lambda numerics, copies: 1.0, fits=1_000, together=1_000):
        self.cores, self.slots, self.returns_memory, self.asked = cores, 1, False, []
        self.factor, self.fits, self.together = factor, fits, together

    def clock(self, spec, *, copies, limit=None):
        self.asked.append((spec, copies))
        size = min(spec.settings.batch_size, spec.numerics.micro_batch or 1_000)
        if size > self.fits or (size > 32 and copies > self.together):
            raise OutOfMemoryError(spec)
        width = next((width for width in (32, 16) if f"={width}" in spec.model or f": {width}" in spec.model), 64)
        return TrialCost(0.0, 1e-3 * (width / 64) ** 2 * self.factor(spec.numerics, copies), 0.0, 0.0)


class Graphs(Timed):
    """The same, but CUDA graphs of a whole batch do not fit the memory."""

    def clock(self, spec, **options):
        if spec.numerics.engine == "cuda-graphs" and spec.settings.batch_size > 32:
            raise OutOfMemoryError(spec)
        return super().clock(spec, **options)


@pytest.fixture
def planned(tmp_path):
    def plan(budget, executor=None, **options):
        images = load_images("synthetic:1000")
        ends = {"start": recipe("a", 0.0), "end": recipe("b", 0.9)}
        fixed = {field.name: options.pop(field.name, None) for field in fields(PartialNumerics)}
        options = ends | {"models": ("prodpoly", "mm"), "seeds": 2, "budget": budget} | options
        request = ProbeRequest(**options, numerics=PartialNumerics(**fixed))
        return schedule_trials(request, images, tmp_path, executor or Timed())

    return plan


# 5 arms × 2 seeds × 2 models × 5 epochs × 1,000 images at a millisecond are 100 seconds.
@pytest.mark.parametrize(("budget", "width"), [(None, 64), (100.1, 64), (99.0, 32), (24.0, 16), (10.0, 16)])
def test_a_budget_narrows_the_networks_first(planned, budget, width):
    prepared = planned(budget)
    expected = ("prodpoly", "mm") if width == 64 else (narrowed("prodpoly", width), narrowed("mm", width))
    assert prepared.plan.models == expected
    assert len(prepared.plan.arms) == 5
    assert any("narrowed" in note for note in prepared.plan.notes) == (width != 64)


def test_the_estimate_is_that_of_the_trials_on_their_workers(planned):
    # 20 trials of 5 seconds on 3 workers: the last of seven rounds has two.
    assert planned(None, Timed(cores=3), threads=1).seconds == pytest.approx(35.0)


def test_a_width_that_was_asked_for_is_kept(planned):
    assert planned(99.0, width=64, models=("torch",)).plan.models == ("torch(width=64)",)


def test_the_fastest_numerics_are_chosen_and_recorded_in_every_trial(planned):
    faster = {"bf16": 0.5, "contiguous": 0.5}
    executor = Timed(cores=4, factor=lambda n, copies: faster.get(n.precision, 1) * faster.get(n.layout, 1))
    prepared = planned(None, executor)
    (numerics,) = {spec.numerics for spec in prepared.specs}
    assert (numerics.precision, numerics.layout, numerics.threads) == ("bf16", "contiguous", 1)
    assert prepared.decision.workers == 4
    trial = prepared.specs[0].result((), TrialEnd(TrialOutcome.DONE))
    assert (trial.numerics.precision, trial.numerics.layout, trial.numerics.engine) == ("bf16", "contiguous", "eager")


def test_fewer_trials_of_more_threads_where_they_are_faster(planned):
    # Four at once slow one another down tenfold, two of two threads do not.
    prepared = planned(None, Timed(cores=4, factor=lambda n, copies: 10.0 if copies > 2 else 1.0))
    assert (prepared.decision.workers, prepared.decision.numerics.threads) == (2, 2)
    tried = {(timing.workers, timing.numerics.threads) for timing in prepared.decision.timings}
    assert {(4, 1), (2, 2), (1, 4)} <= tried


def test_what_is_asked_for_is_not_timed_away(planned):
    executor = Timed(cores=4, factor=lambda n, copies: 0.1 if n.precision == "bf16" or n.threads > 2 else 1.0)
    decision = planned(None, executor, precision="fp32", threads=2, workers=3).decision
    assert (decision.numerics.precision, decision.numerics.threads, decision.workers) == ("fp32", 2, 3)


def test_on_a_gpu_the_start_of_an_engine_counts_over_the_length_of_a_trial(planned):
    class Compiling(Timed):
        def clock(self, spec, **options):
            cost = super().clock(spec, **options)
            compiled = spec.numerics.engine != "eager"
            return TrialCost(60.0, cost.train / 2, 0.0, 0.0) if compiled else cost

    # 5,000 images a trial: 5 seconds are halved for a start of 60; 500,000 images: 500 seconds.
    assert planned(None, Compiling(), device="cuda").decision.numerics.engine == "eager"
    assert planned(None, Compiling(), device="cuda", lengths=(500,)).decision.numerics.engine != "eager"


def test_numerics_that_cannot_be_run_are_left_out_with_the_reason(planned):
    class Old(Timed):
        def clock(self, spec, **options):
            if spec.numerics.precision == "bf16":
                raise CannotRun("no bf16 here")
            return super().clock(spec, **options)

    decision = planned(None, Old()).decision
    assert decision.numerics.precision == "fp32"
    assert "no bf16 here" in {timing.why for timing in decision.timings}


def test_what_does_not_fit_the_memory_is_divided_in_all_arms(planned):
    prepared = planned(None, Timed(fits=70), start=recipe("a", 0.0, batch=256), end=recipe("b", 0.9, batch=192))
    assert {spec.numerics.micro_batch for spec in prepared.specs} == {64}  # half of 256 does not divide 192
    assert any("batch norm" in note for note in prepared.plan.notes)


def test_on_a_gpu_too_the_way_is_chosen_with_as_many_images_as_fit(planned):
    prepared = planned(None, Timed(fits=70), device="cuda", start=recipe("a", 0.0, 128), end=recipe("b", 0.9, 128))
    assert {spec.numerics.micro_batch for spec in prepared.specs} == {64}
    assert all(timing.images_per_second for timing in prepared.decision.timings)


def test_where_not_even_the_smallest_batch_fits_it_is_said(planned):
    with pytest.raises(DiagnoseError, match="does not fit the memory with 8 images"):
        planned(None, Timed(fits=4))


def test_cuda_graphs_are_given_up_before_a_batch_is_divided(planned):
    ends = {"start": recipe("a", 0.0, 128), "end": recipe("b", 0.9, 128)}
    prepared = planned(None, Graphs(), device="cuda", engine="cuda-graphs", **ends)
    assert {(spec.numerics.engine, spec.numerics.micro_batch) for spec in prepared.specs} == {("compile", None)}
    assert any("CUDA graphs" in note for note in prepared.plan.notes)


def test_where_that_is_not_enough_both_are_said(planned):
    ends = {"start": recipe("a", 0.0, 128), "end": recipe("b", 0.9, 128)}
    prepared = planned(None, Graphs(fits=32), device="cuda", engine="cuda-graphs", **ends)
    assert {(spec.numerics.engine, spec.numerics.micro_batch) for spec in prepared.specs} == {("compile", 32)}
    for said in ("CUDA graphs", "all arms run with 32"):
        assert sum(said in note for note in prepared.plan.notes) == 1


def test_a_budget_on_a_gpu_counts_whole_batches(planned):
    class Launching(Timed):  # a step takes 12 ms, however many images it has
        def clock(self, spec, **options):
            super().clock(spec, **options)
            return TrialCost(0.0, 0.012 / min(spec.settings.batch_size, spec.length.images), 0.0, 0.0)

    # 5 arms × 2 seeds × 2 models × 5 epochs × 1,000 images are 781 steps of 128, or 9.4 seconds.
    ends = {"start": recipe("a", 0.0, 128), "end": recipe("b", 0.9, 128)}
    assert planned(9.5, Launching(), device="cuda", **ends).plan.models == ("prodpoly", "mm")


def with_crop(name, momentum, crop):
    made = recipe(name, momentum)
    return made.moved([Setting("augmentation", Augmentation(4 if crop else 0, crop, 0.5), "")])


def test_crops_to_two_sizes_are_refused_and_one_of_another_size_is_said(planned):
    with pytest.raises(DiagnoseError, match="crop to 24 and to 32 pixels"):
        planned(None, start=with_crop("a", 0.0, 24), end=with_crop("b", 0.9, 32))
    prepared = planned(None, start=with_crop("a", 0.0, 24), end=with_crop("b", 0.9, 24))
    assert any("32×32 pixels" in note and note.endswith("24.") for note in prepared.plan.notes)
    prepared = planned(None, start=with_crop("a", 0.0, 0), end=with_crop("b", 0.9, 32))
    assert not any("pixels" in note for note in prepared.plan.notes)


def test_batches_that_are_not_whole_and_micro_batches_that_were_asked_for_are_said(planned):
    ends = {"start": recipe("a", 0.0, 128), "end": recipe("b", 0.9, 128)}
    prepared = planned(None, micro_batch=32, images=100, **ends)
    assert any("start 100 in place of 128" in note for note in prepared.plan.notes)
    assert any("over 32 images" in note for note in prepared.plan.notes)


def test_a_model_named_twice_is_probed_once(planned):
    assert planned(None, models=("mm", "prodpoly", "mm")).plan.models == ("mm", "prodpoly")


def test_fewer_trials_at_a_time_before_a_batch_is_divided(planned):
    executor = Timed(cores=8, together=3)
    prepared = planned(None, executor, start=recipe("a", 0.0, batch=128), end=recipe("b", 0.9, batch=128))
    assert prepared.decision.workers == 2
    assert {spec.numerics.micro_batch for spec in prepared.specs} == {None}
    assert executor.returns_memory
    assert any("trials at a time are 2" in note for note in prepared.plan.notes)


def test_a_load_that_falls_on_one_timing_does_not_make_another_way_the_fastest(planned):
    class Loaded(Timed):
        def clock(self, spec, **options):
            before = [timed_spec for timed_spec, _ in self.asked if timed_spec.numerics == spec.numerics]
            cost = super().clock(spec, **options)
            slowed = spec.numerics.layout == "channels-last" and spec.numerics.precision == "bf16" and not before
            return TrialCost(0.0, cost.train * 1.9, 0.0, 0.0) if slowed else cost

    faster = {"bf16": 0.9, "channels-last": 0.8}
    executor = Loaded(factor=lambda n, copies: faster.get(n.precision, 1) * faster.get(n.layout, 1))
    numerics = planned(None, executor).decision.numerics
    assert (numerics.precision, numerics.layout) == ("bf16", "channels-last")


SHORT_LATER = """
from pathlib import Path
from torch import nn
class Net(nn.Sequential):
    def forward(self, x):
        if self.training and len(x) > 16 and (Path(__file__).parent / "short").exists():
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return super().forward(x)
def net():
    return Net(nn.AdaptiveAvgPool2d(4), nn.Flatten(), nn.Linear(48, 10))
"""


@pytest.mark.slow
def test_what_a_lack_of_memory_decided_is_kept_for_the_next_run(tmp_path):
    (tmp_path / "net.py").write_text(SHORT_LATER)
    images = load_images("synthetic:200")
    ends = {"start": recipe("a", 0.0, 32), "end": recipe("b", 0.9, 32)}
    request = ProbeRequest(
        (f"{tmp_path}/net.py:net",),
        **ends,
        seeds=2,
        lengths=(1,),
        numerics=PartialNumerics("fp32", workers=1, threads=1),
    )
    said, new = [], []

    def probed():
        with executor_for(request, images, tmp_path, ray=None) as executor:
            prepared = schedule_trials(request, images, tmp_path, executor)
            (tmp_path / "short").touch()
            answer = run_probe(prepared, tmp_path, executor, lambda ended: new.append(ended[-1]), said.append)
        return prepared, answer

    prepared, answer = probed()
    assert (prepared.resumed, prepared.ended, len(new)) == (False, 0, prepared.plan.trials)
    assert {(trial.status, trial.numerics.micro_batch) for trial in answer.trials} == {("done", 16)}
    assert len(said) == 1
    assert "all arms run with 16" in said[0]
    new.clear()
    prepared, again = probed()
    assert (prepared.resumed, prepared.ended, new) == (True, prepared.plan.trials, [])
    assert again.trials == answer.trials
    assert said[0] in again.prepared.plan.notes
    assert len(said) == 1


def test_the_same_request_has_the_same_plan_without_timing(planned):
    first = planned(24.0, Timed(cores=2))
    slower = Timed(cores=2, factor=lambda n, copies: 0.9)
    again = planned(24.0, slower)
    assert not slower.asked
    assert again.resumed
    assert [spec.key for spec in again.specs] == [spec.key for spec in first.specs]
    assert again.plan == first.plan
    again.place.write_text("{torn")
    assert planned(24.0, slower).resumed is False
    assert slower.asked
    assert planned(25.0, slower).resumed is False
    slower.slots = 8
    assert planned(25.0, slower).resumed is False


@pytest.mark.parametrize("alias", ["torch", "mm", "prodpoly", "resnet_norelu"])
def test_a_narrowed_network_has_about_a_sixteenth_of_the_parameters(alias):
    from diagnose.networks import build
    from diagnose.params.table import count_parameters

    whole, narrow = (count_parameters(build(narrowed(alias, width)).module).total for width in (None, 16))
    assert whole / narrow == pytest.approx(16, rel=0.05)


def test_one_seed_gives_the_same_initial_weights():
    import torch

    first, two, second = (initialised("torch(width=8)", "Kaiming-normal", seed) for seed in (3, 3, 4))
    assert torch.equal(first.layer1[0].conv1.weight, two.layer1[0].conv1.weight)
    assert not torch.equal(first.layer1[0].conv1.weight, second.layer1[0].conv1.weight)
    # Kaiming-normal, fan-out: standard deviation √(2 / (out · k²)).
    weight = initialised("torch(width=64)", "Kaiming-normal", 0).layer4[1].conv2.weight
    assert weight.std().item() == pytest.approx((2 / (512 * 9)) ** 0.5, rel=0.01)
