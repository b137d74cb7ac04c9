"""The initial weights of two networks, matched tensor by matched tensor, in groups by class of layer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from math import exp, inf, log, sqrt

import torch
from torch import Tensor, nn

from diagnose.diff.proof.random_weights import state_of
from diagnose.diff.weights.mapping import WeightMatch
from diagnose.networks.anatomy import Anatomy, anatomy, kind_of
from diagnose.values import DifferenceKind, Finding, Significance

NOISE = 6.0
"""Standard errors of a sampled standard deviation beyond which two are called different."""

SAME = 0.04
"""Two classes of layers whose ratios are within 4 % of each other share a line."""

SAMPLE = 1 << 14
"""Numbers of a tensor, evenly spread, that its distribution is judged by."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """One matched tensor: the standard deviation of B's over A's, and whether the two distributions differ.

    `shaped` says that they differ beside equal moments: a uniform and a normal one, an identity and random numbers.
    """

    group: str
    value: float
    differs: bool
    a: str
    b: str
    constant: tuple[float | None, float | None]
    shaped: bool = False


@dataclass(frozen=True, slots=True)
class GroupRatio:
    """The ratios of one class of layer: their lowest and highest, None where the weights are drawn alike.

    `shaped` says that the distributions alone differ. `constants` are pairs of values, None for random ones, with how
    many of `count` tensors have them; `rest` sums up the `rest_count` others where they differ, too.
    """

    low: float | None = None
    high: float | None = None
    shaped: bool = False
    constants: tuple[tuple[tuple[float | None, float | None], int], ...] = ()
    count: int = 0
    rest: GroupRatio | None = None
    rest_count: int = 0

    def is_near(self, group: GroupRatio) -> bool:
        """Return whether both share a line: two numbers within `SAME`, or two ranges that look alike in hundredths."""
        if self.low is None or self.high is None or group.low is None or group.high is None:
            return self == group
        if self.low == self.high and group.low == group.high:
            return abs(log(self.low / group.low)) < SAME
        return (round(self.low, 2), round(self.high, 2)) == (round(group.low, 2), round(group.high, 2))


def initial_weights(
    a: nn.Module, b: nn.Module, matches: Iterable[WeightMatch], changed: Collection[str] = ()
) -> tuple[Finding, ...]:
    """Compare how the matched parameters of both networks were initialised; one finding where any differ.

    `changed` are buffers of A that forward passes change in both networks: they start from initial values, too.

    Source: the standard error of a sample's standard deviation is about σ/√(2n), for normal numbers.
    """
    state_a, state_b, places = state_of(a), state_of(b), anatomy(a)
    ratios = [
        _ratio(match, state_a[match.a.name], state_b[match.b.name], layer_class(a, places, match.a.name))
        for match in matches
        if isinstance(state_a[match.a.name], nn.Parameter)
        or (match.a.name in changed and state_a[match.a.name].is_floating_point())
    ]
    ratios = [ratio for ratio in ratios if ratio.differs or isinstance(state_a[ratio.a], nn.Parameter)]
    if not any(ratio.differs for ratio in ratios):
        return ()
    lines = _lines(ratios)
    differing = [ratio for ratio in ratios if ratio.differs]
    where = tuple(dict.fromkeys(ratio.group for ratio in differing))
    message = "initial weights, standard deviation in B over A: " + "; ".join(lines)
    evidence = tuple(
        f"{ratio.a} ↔ {ratio.b}: {ratio.value:.3g}" for ratio in differing[:3] if ratio.value not in (0.0, inf)
    )
    return (Finding(DifferenceKind.INITIAL_WEIGHTS, Significance.REAL, where, len(differing), message, evidence),)


def _ratio(match: WeightMatch, a: Tensor, b: Tensor, group: str) -> Ratio:
    values_a, values_b = match.a.read(a.detach()).double(), match.b.read(b.detach()).double()
    n = values_a.numel()
    spread = [float(tensor.std()) if n > 1 else 0.0 for tensor in (values_a, values_b)]
    constant = tuple(
        float(tensor.flatten()[0]) if not deviation else None
        for tensor, deviation in zip((values_a, values_b), spread, strict=True)
    )
    if constant[0] is not None or constant[1] is not None:
        return Ratio(group, 1.0, constant[0] != constant[1], match.a.name, match.b.name, (constant[0], constant[1]))
    value = spread[1] / spread[0]
    error = NOISE * sqrt(2.0 / (2.0 * max(n - 1, 1)))
    means_differ = abs(float(values_a.mean() - values_b.mean())) > NOISE * sqrt(2.0 / n) * max(spread)
    differs = abs(log(value)) > max(error, 0.02) or means_differ
    shaped = not differs and _shapes_differ(values_a, values_b)
    return Ratio(group, value, differs or shaped, match.a.name, match.b.name, (None, None), shaped)


def _shapes_differ(a: Tensor, b: Tensor) -> bool:
    """Say whether two samples come from other distributions: the largest distance of their distribution functions.

    Source: the two-sample Kolmogorov-Smirnov test, at a level of 1e-9: D > √(−ln(1e-9 / 2) / 2) · √(2 / n).
    """
    stride = max(1, a.numel() // SAMPLE)
    a, b = (values.flatten()[::stride].sort().values for values in (a, b))
    at = torch.cat((a, b))
    shares = [torch.searchsorted(values, at, right=True) / values.numel() for values in (a, b)]
    return float((shares[0] - shares[1]).abs().max()) > sqrt(-log(0.5e-9) / 2) * sqrt(2.0 / a.numel())


def layer_class(module: nn.Module, places: Anatomy, name: str) -> str:
    """Return the class of layer in which a parameter's or buffer's values are compared."""
    path, _, leaf = name.rpartition(".")
    owner = module.get_submodule(path)
    buffer = owner._buffers.get(leaf)
    if buffer is not None:
        return f"{kind_of(owner, leaf, buffer)} running statistics" if leaf.startswith("running_") else "buffers"
    tensor = owner._parameters.get(leaf)
    kind = "other" if tensor is None else kind_of(owner, leaf, tensor)
    if leaf == "bias":
        return f"{kind} biases"
    if isinstance(owner, nn.modules.conv._ConvNd):
        place = places.place(name)
        if place.stage == "stem":
            return "stem convolution"
        if place.branch == "shortcut":
            return "projection convolutions"
        return "stride-2 convolutions" if max(owner.stride) > 1 else "convolutions"
    return f"{kind} weights"


def _lines(ratios: list[Ratio]) -> list[str]:
    """Return a line per class of layer, classes of one ratio together."""
    groups: dict[str, list[Ratio]] = {}
    for ratio in ratios:
        groups.setdefault(ratio.group, []).append(ratio)
    alike: dict[GroupRatio, list[str]] = {}
    for group, members in groups.items():
        summary = _summary(members)
        known = next((group_ratio for group_ratio in alike if summary.is_near(group_ratio)), summary)
        alike.setdefault(known, []).append(group)
    return [f"{_listed(names)} {_worded(summary)}" for summary, names in alike.items()]


def _summary(members: list[Ratio]) -> GroupRatio:
    counts = Counter(ratio.constant for ratio in members if ratio.differs and ratio.constant != (None, None))
    measured = [ratio for ratio in members if ratio.constant == (None, None)]
    if counts:
        rest = _summary(measured) if any(ratio.differs for ratio in measured) else None
        constants = tuple((pair, counts[pair]) for pair in sorted(counts, key=str))
        return GroupRatio(constants=constants, count=len(members), rest=rest, rest_count=len(measured))
    if not any(ratio.differs for ratio in members):
        return GroupRatio()
    if all(ratio.shaped for ratio in members if ratio.differs):
        return GroupRatio(shaped=True)
    logs = sorted(log(ratio.value) for ratio in measured)
    if logs[-1] - logs[0] > 2 * SAME:
        return GroupRatio(exp(logs[0]), exp(logs[-1]))
    middle = exp(logs[len(logs) // 2])
    return GroupRatio(middle, middle)


def _worded(summary: GroupRatio) -> str:
    if summary.constants:
        shown = [
            f"{' → '.join('random' if value is None else f'{value:g}' for value in pair)} in {count} of {summary.count}"
            for pair, count in summary.constants
        ]
        rest = f", {_worded(summary.rest)} in {summary.rest_count}" if summary.rest else ""
        return f"{', '.join(shown)}{rest}"
    if summary.shaped:
        return "equal, drawn from another distribution"
    if summary.low is None or summary.high is None:
        return "equal"
    return f"{summary.low:.2f}" if summary.low == summary.high else f"{summary.low:.2f} to {summary.high:.2f}"


def _listed(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
