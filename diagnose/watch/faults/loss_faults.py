"""Faults of what goes into a loss and comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from diagnose.values import Fault, FaultKind, Significance
from diagnose.watch.process_logs import Event
from diagnose.watch.training_log import TrainingLog

POINTWISE = ("mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss")


def _looks(log: TrainingLog, function: str) -> list[Event]:
    return [look for look in log.of("loss-input") if look["function"] == function]


def _always(looks: list[Event], wrong: Callable[[Event], bool], kind: FaultKind, **numbers: object) -> Iterator[Fault]:
    """Yield a fault where every look shows it."""
    seen = [look for look in looks if wrong(look)]
    if seen and len(seen) == len(looks):
        yield Fault(kind, Significance.REAL, len(seen), len(looks), seen[0]["place"], numbers)


def probabilities(log: TrainingLog) -> Iterator[Fault]:
    """Yield cross-entropies of probabilities, each row of which sums to 1, in place of logits."""
    looks = [look for look in _looks(log, "cross_entropy") if "probabilities" in look]
    yield from _always(looks, lambda look: bool(look["probabilities"]), FaultKind.PROBABILITIES_AS_LOGITS)


def sigmoid(log: TrainingLog) -> Iterator[Fault]:
    """Yield a binary cross-entropy with logits whose input is the output of a sigmoid."""
    yield from _always(
        _looks(log, "binary_cross_entropy_with_logits"),
        lambda look: look.get("before") == "SigmoidBackward0" and bool(look.get("within_0_1")),
        FaultKind.SIGMOID_BEFORE_LOGITS,
    )


def no_log(log: TrainingLog) -> Iterator[Fault]:
    """Yield a negative log-likelihood of numbers above 0, which no logarithm of a probability is."""
    yield from _always(
        _looks(log, "nll_loss"), lambda look: look.get("above_zero", 0.0) > 0, FaultKind.NO_LOG_PROBABILITIES
    )


def out_of_range(log: TrainingLog) -> Iterator[Fault]:
    """Yield labels that are no index of a class."""
    looks = [look for look in log.of("loss-input") if "classes" in look]
    wrong = [look for look in looks if look["lowest"] < 0 or look["highest"] >= look["classes"]]
    if wrong:
        numbers = {key: wrong[0][key] for key in ("lowest", "highest", "classes")}
        yield Fault(
            FaultKind.LABELS_OUT_OF_RANGE, Significance.REAL, len(wrong), len(looks), wrong[0]["place"], numbers
        )


def broadcast(log: TrainingLog) -> Iterator[Fault]:
    """Yield a pointwise loss of (N, 1) with (N,), which compares every prediction with every target."""
    for function in POINTWISE:
        looks = _looks(log, function)
        seen = [look for look in looks if _broadcasts(look.get("input", []), look.get("target", []))]
        if seen:
            numbers = {"function": function, "input": seen[0]["input"], "target": seen[0]["target"]}
            yield Fault(FaultKind.BROADCAST_LOSS, Significance.REAL, len(seen), len(looks), seen[0]["place"], numbers)


def _broadcasts(a: list[int], b: list[int]) -> bool:
    longer, shorter = (a, b) if len(a) > len(b) else (b, a)
    return len(longer) == 2 and len(shorter) == 1 and longer[1] == 1 and longer[0] == shorter[0] > 1


def not_finite(log: TrainingLog) -> Iterator[Fault]:
    """Yield a loss that is NaN or infinite, with the first backward pass that started from it."""
    values = log.of("backward")
    wrong = [event for event in values if isinstance(event["value"], str)]
    if wrong and not (log.of("scaler") and len(wrong) < len(values) / 2):
        numbers = {"value": wrong[0]["value"], "backward": wrong[0]["number"]}
        yield Fault(FaultKind.LOSS_NOT_FINITE, Significance.REAL, len(wrong), len(values), numbers=numbers)


CHECKS = (probabilities, sigmoid, no_log, out_of_range, broadcast, not_finite)
