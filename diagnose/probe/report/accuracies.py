"""What the trials themselves came to: accuracies of the arms, learning curves, and how each trial ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from statistics import mean, stdev

from diagnose.probe.answer import ProbeAnswer
from diagnose.probe.effects.effects import ModelEffects
from diagnose.probe.plan.arms import Arm
from diagnose.probe.report.curves import learning_curve
from diagnose.probe.report.phrases import horizon
from diagnose.values import ArmRole, Cell, Column, Curves, Section, Skipped, Table, Trial, TrialOutcome


def _own(answer: ProbeAnswer, found: ModelEffects, arm: Arm) -> list[Trial]:
    wanted = (found.model, found.epochs, arm.name)
    return [trial for trial in answer.trials if (trial.model, trial.epochs, trial.arm) == wanted]


def trained_sections(answer: ProbeAnswer, found: ModelEffects) -> Iterator[Section]:
    """Yield the accuracies and the learning curves of one model at one horizon."""
    yield Section(f"Accuracies of {horizon(found)}", (_accuracies(answer, found),))
    curves = _curves(answer, found)
    if curves.curves:
        yield Section(f"Learning curves of {horizon(found)}", (curves,))


def _accuracies(answer: ProbeAnswer, found: ModelEffects) -> Table:
    columns = (
        Column("Arm"), Column("Accuracy, %"), Column("n", True), Column("Diverged", True), Column("Steps", True),
        Column("Epochs", True, low_priority=True), Column("Images", True, low_priority=True),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for arm in answer.prepared.plan.arms:
        own = _own(answer, found, arm)
        ended = [100 * trial.accuracy for trial in own if trial.accuracy is not None]
        gone = sum(trial.diverged for trial in own)
        spread = f" ± {stdev(ended):.2f}" if len(ended) > 1 else ""
        shown = f"{mean(ended):.2f}{spread}" if ended else "none ended"
        shown += " of those that did not diverge" if gone and ended else ""
        rows.append((_arm_label(answer, arm), shown, len(ended), gone, own[0].steps, own[0].epochs, own[0].images))
    data, numerics = answer.prepared.images.name, answer.prepared.decision.numerics
    basis = f"Mean ± standard deviation between seeds, of the last epoch, on the test images of {data}; {numerics}."
    return Table("", columns, tuple(rows), note=basis)


def _arm_label(answer: ProbeAnswer, arm: Arm) -> str:
    return f"{arm.name} ({arm.recipe})" if arm.role in (ArmRole.START, ArmRole.END) else arm.name


def _curves(answer: ProbeAnswer, found: ModelEffects) -> Curves:
    curves = []
    for arm in answer.prepared.plan.arms:
        ended = [trial.curve for trial in _own(answer, found, arm) if trial.end.outcome is TrialOutcome.DONE]
        if ended:
            curves.append(learning_curve(_arm_label(answer, arm), ended))
    return Curves("Test accuracy: mean, and lowest to highest seed", "epoch", "%", tuple(curves))


def trials_table(trials: Sequence[Trial]) -> Table:
    """Return every trial with how it ended."""
    columns = (
        Column("Model"), Column("Arm"), Column("Epochs", True), Column("Seed", True), Column("Accuracy, %"),
        Column("Status"),
    )  # fmt: skip
    rows = tuple(
        (t.model, t.arm, t.epochs, t.seed, "" if t.accuracy is None else f"{100 * t.accuracy:.2f}", t.status)
        for t in trials
    )
    return Table("", columns, rows)


def skipped(trials: Sequence[Trial]) -> Iterator[Skipped]:
    """Yield the trials that did not end, and why."""
    for trial in trials:
        if trial.end.outcome is not TrialOutcome.DONE:
            yield Skipped(f"{trial.model}, {trial.arm}, {trial.epochs} epochs, seed {trial.seed}", trial.status)
