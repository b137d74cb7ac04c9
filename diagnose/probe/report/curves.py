"""Learning curves of trials, as a figure draws them."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import mean

from diagnose.values import Curve, EpochResult


def learning_curve(label: str, curves: Sequence[Sequence[EpochResult]]) -> Curve:
    """Return the mean test accuracy of trials over their epochs, in %, with its lowest and highest; all to hundredths.

    Args:
        label: what the trials have in common; their number is added to it.
        curves: the epochs of each trial, of all equally many; at least one.
    """
    epochs = [[100 * result.test_accuracy for result in results] for results in zip(*curves, strict=True)]
    middle, low, high = (tuple(round(pick(values), 2) for values in epochs) for pick in (mean, min, max))
    x = tuple(float(number) for number in range(1, len(epochs) + 1))
    return Curve(f"{label}, n = {len(curves)}", x, middle, low, high)
