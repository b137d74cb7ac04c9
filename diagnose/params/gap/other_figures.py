"""Other figures of the same network, which an answer must fit, too: the count of a part, the size of its file."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from diagnose.errors import UsageError
from diagnose.params.gap.layout import LayerGroup, Layout
from diagnose.params.gap.parameter_conventions import CONVENTIONS, PLAIN
from diagnose.params.gap.search import Solution
from diagnose.params.reported import parse_reported
from diagnose.values import KnownNetwork, ReportedNumber

_STATE_DICT = next(convention for convention in CONVENTIONS if convention.text == "every element of the state dict")


class StatedNumber(Protocol):
    """Another number that a document states beside the reported one: of another row, of a part, of the work."""

    @property
    def text(self) -> str:
        """Return what it is the number of, as a column's title."""
        ...

    def judge(self, solution: Solution, *, in_second_order: bool) -> tuple[int, bool, str]:
        """Return the value under a solution, whether it fits, and on what that rests."""
        ...

    def may_fit(self, solution: Solution, *, in_second_order: bool) -> bool:
        """Return whether the value may fit; quick, and never False where `judge` says that it fits."""
        ...

    def contradicts(self, network: KnownNetwork) -> bool:
        """Return whether a known network is known to have another number."""
        ...


@dataclass(frozen=True)
class PartFigure:
    """The parameters of one part: of a module, by its path, or of a stage, by its name."""

    part: str
    reported: ReportedNumber
    layout: Layout

    @property
    def text(self) -> str:
        """Return the part and its number."""
        return f"{self.part}={self.reported.text}"

    def judge(self, solution: Solution, *, in_second_order: bool) -> tuple[int, bool, str]:
        """Return the count of the edited part, and whether it fits."""
        edited: Layout | None = self.layout
        for edit in solution.edits:
            edited = edit.apply(edited) if edited is not None else None
        counts = 0 * self.layout.counts()
        for group in edited.groups if edited is not None else ():
            inside = _share(group, self.part)
            if inside:
                counts += inside * group.unit
            else:
                kept = [layer for layer in group.layers if layer.path and _within(layer.path, self.part)]
                counts += group.with_layers(kept).unit
        total = solution.convention.total(counts)
        return total, bool(self.reported.readings(total * solution.convention.factor)), ""

    def may_fit(self, solution: Solution, *, in_second_order: bool) -> bool:
        """Return whether the edited part fits."""
        return self.judge(solution, in_second_order=in_second_order)[1]

    def contradicts(self, network: KnownNetwork) -> bool:
        """Return False: the index knows no parts."""
        return False


def part_figure(text: str, layout: Layout) -> PartFigure:
    """Parse "backbone=23.5M" or "stage 1=0.2M"; raise DiagnoseError for a part that the network has not."""
    part, equals, number = text.rpartition("=")
    if not equals or not part:
        raise UsageError(f"cannot read the part {text!r}", hint="Write PART=NUMBER: backbone=23.5M, 'stage 1=0.2M'.")
    if not any(_share(group, part) for group in layout.groups) and not any(
        _within(layer.path, part) for layer in layout.layers()
    ):
        tops = dict.fromkeys(layer.path.partition(".")[0] for layer in layout.layers() if layer.path)
        stages = dict.fromkeys(group.stage for group in layout.groups if group.stage)
        raise UsageError(f"the network has no part {part!r}", hint=f"Parts are {', '.join([*tops, *stages])}.")
    return PartFigure(part, parse_reported(number), layout)


def _share(group: LayerGroup, part: str) -> int:
    """Return how many of the blocks of a group stand in a part as a whole."""
    if group.stage == part:
        return group.count
    if not group.is_block:
        return int(all(_within(layer.path, part) for layer in group.layers if layer.path))
    inside = sum(_within(path, part) for path in group.paths)
    return group.count if inside == len(group.paths) else inside


def _within(path: str, part: str) -> bool:
    return path == part or path.startswith(f"{part}.")


@dataclass(frozen=True)
class SizeFigure:
    """The size of the weights' file: of float32, with the buffers or without, in megabytes of 10^6 or 2^20 bytes."""

    reported: ReportedNumber
    layout: Layout

    @property
    def text(self) -> str:
        """Return the size."""
        return self.reported.text

    def judge(self, solution: Solution, *, in_second_order: bool) -> tuple[int, bool, str]:
        """Return the elements that are stored after the edits, and whether their size fits."""
        edited: Layout | None = self.layout
        for edit in solution.edits:
            edited = edit.apply(edited) if edited is not None else None
        if edited is None:
            return 0, False, ""
        totals = [convention.total(edited.counts()) for convention in (PLAIN, _STATE_DICT)]
        fitting = [total for total in totals if self._fits(total)]
        return (fitting or totals)[0], bool(fitting), ""

    def _fits(self, elements: int) -> bool:
        return any(self.reported.readings(elements * factor) for factor in (1.0, 10**6 / 2**20))

    def may_fit(self, solution: Solution, *, in_second_order: bool) -> bool:
        """Return whether the size fits."""
        return self.judge(solution, in_second_order=in_second_order)[1]

    def contradicts(self, network: KnownNetwork) -> bool:
        """Return whether neither the parameters nor all elements of a known network have the size."""
        return not any(map(self._fits, (network.parameters, network.parameters + network.buffers)))


def size_figure(text: str, layout: Layout) -> SizeFigure:
    """Parse "97.8MB"; raise DiagnoseError for what is no size in bytes."""
    reported = parse_reported(text)
    if not reported.of_bytes:
        raise UsageError(f"{text!r} is no size in bytes", hint="Write it with its unit: 97.8MB, 93.3MiB.")
    return SizeFigure(reported, layout)
