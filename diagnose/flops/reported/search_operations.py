"""A reported number: which convention, tool, input or small edit of the network gives it.

Whatever is listed was counted on the network itself, so edited and at that input; what a tool gives, by running it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version

from diagnose.errors import DiagnoseError, in_one_line
from diagnose.flops.count import count_forward, count_operations
from diagnose.flops.other_tools.fvcore import fvcore_causes, fvcore_value
from diagnose.flops.other_tools.tools import mode_figure, torchinfo_figure
from diagnose.flops.reported.counting_conventions import CountingConvention, conventions, plain
from diagnose.flops.reported.variants import Subject, variants
from diagnose.params.reported import parse_reported
from diagnose.values import FlopTable, InputSpec, ReportedNumber, Skipped

_UNIT = re.compile(r"(?P<number>.*?)\s*(?:flops?|macs?|mult-?adds?|madds?)", re.IGNORECASE)
_TOOL_COST = 0.5


@dataclass(frozen=True, slots=True)
class FlopSolution:
    """A way to the reported number: a convention, an input, and the edits of the network that it takes.

    `value` was counted on the network so edited; `fits` names the readings it satisfies, "rounded" or "truncated".
    `cost` says how implausible the way is: 0 is MACs of the network as it is. `against` is what a document states that
    the edit contradicts, `note` how the network was built.
    """

    value: int
    convention: str
    input: str
    edits: tuple[str, ...]
    source: str
    fits: tuple[str, ...]
    cost: float = 0.0
    note: str = ""
    against: str = ""


def parse_reported_work(text: str) -> ReportedNumber:
    """Parse "0.56G", "4.09 GFLOPs" or "1.8e9 MACs"; raise DiagnoseError for anything else.

    The word behind the number is not believed: papers write FLOPs for MACs.
    """
    match = _UNIT.fullmatch(text.strip())
    return parse_reported(match["number"] if match else text)


def find_candidates(reported: ReportedNumber, subject: Subject) -> tuple[tuple[FlopSolution, ...], tuple[Skipped, ...]]:
    """Return the ways to a reported number, the likeliest first, and the tools that could not be asked.

    A convention that gives the same number as a plainer one is left out, and so is another input or an edit where MACs
    or the same convention give it without. The fewest and most plausible assumptions stand first, then what is
    published.
    """
    own = list(_of_conventions(reported, subject.table, conventions(subject.table)))
    skipped: list[Skipped] = []
    own += _of_tools(reported, subject, skipped)
    settled = {candidate.convention for candidate in own}
    figures = plain(subject.table)
    tried = tuple(figure for figure in figures if not {figures[0].text, figure.text} & settled)
    found = [*own, *_of_variants(reported, subject, tried)]
    likely = sorted(found, key=lambda solution: (solution.cost, not solution.source, -len(solution.fits)))
    return tuple(_distinct(likely)), tuple(skipped)


def _distinct(candidates: Sequence[FlopSolution]) -> Iterator[FlopSolution]:
    """Yield the first candidate of each value, input and convention; it says which edits come to the same.

    On the network as it is, several conventions may give one value; the plainest stands for them.
    """
    alike: dict[tuple[int, str, str], list[FlopSolution]] = {}
    for solution in candidates:
        alike.setdefault((solution.value, solution.input, solution.convention if solution.edits else ""), []).append(
            solution
        )
    for first, *others in alike.values():
        same = "; ".join(", ".join(candidate.edits) for candidate in others if first.edits)
        note = "; ".join(filter(None, (first.note, f"the same with {same}" if same else "")))
        yield replace(first, note=note)


def met(candidates: tuple[FlopSolution, ...], table: FlopTable) -> bool:
    """Return whether some convention gives the number on the network as it is, at its own input."""
    own = _text(table.inputs)
    return any(not candidate.edits and candidate.input == own for candidate in candidates)


def _text(inputs: tuple[InputSpec, ...]) -> str:
    return ", ".join(map(str, inputs))


def _of_conventions(
    reported: ReportedNumber, table: FlopTable, figures: tuple[CountingConvention, ...]
) -> Iterator[FlopSolution]:
    for figure in figures:
        value = figure.of(table)
        fits = reported.readings(value)
        if fits:
            yield FlopSolution(value, figure.text, _text(table.inputs), (), figure.source, fits, figure.cost)


def _of_variants(
    reported: ReportedNumber, subject: Subject, figures: tuple[CountingConvention, ...]
) -> Iterator[FlopSolution]:
    low = min(reported.rounded[0], reported.truncated[0])
    high = max(reported.rounded[1], reported.truncated[1])
    macs = subject.table.macs
    factors = [figure.of(subject.table) / macs for figure in figures] if macs else []

    def wanted(least: float, most: float) -> bool:
        return any(factor * least <= high and low <= factor * most for factor in factors)

    for variant in variants(subject, wanted) if figures else ():
        try:
            table = count_operations(variant.model(), (variant.inputs,), train=subject.table.trained)
        except DiagnoseError:  # not every size can be built
            continue
        if not isinstance(table, FlopTable):  # some networks take one size alone, some edits do not fit
            continue
        for found in _of_conventions(reported, table, figures):
            yield FlopSolution(
                value=found.value,
                convention=found.convention,
                input=found.input,
                edits=variant.edits,
                source=variant.source,
                fits=found.fits,
                cost=found.cost + variant.cost,
                note=variant.note,
                against=variant.against,
            )


# ------------------------------------------------------------------------------------------------ tools


def _of_tools(reported: ReportedNumber, subject: Subject, skipped: list[Skipped]) -> Iterator[FlopSolution]:
    """Yield what other tools give for the network as it is, each really run.

    fvcore needs a network with weights, so it is run only where its rules, applied to our count, give the number.
    """
    table = subject.table
    forward = count_forward(subject.model, table.inputs, training=True) if table.trained else table
    alone = " of the forward pass alone" if table.trained else ""

    def fvcore() -> int:
        value = forward.macs + sum(fvcore_causes(subject.model, forward, training=table.trained).values())
        if not reported.readings(value):
            return value
        return fvcore_value(subject.with_weights(), table.inputs, training=table.trained)

    tools: tuple[tuple[str, str, Callable[[], int]], ...] = (
        ("2 × MACs of the operators it knows", "torch", lambda: mode_figure(subject.model, table)[0]),
        (f"MACs with norms and pooling, without fused attention{alone}", "fvcore", fvcore),
        (
            f"parameters times positions, biases and norms too{alone}",
            "torchinfo",
            lambda: torchinfo_figure(subject.model, forward, training=table.trained)[0],
        ),
    )
    for text, package, run in tools:
        name = "FlopCounterMode of torch" if package == "torch" else package
        try:
            value = run()
        except Exception as error:  # whatever another tool raises is its answer
            skipped.append(Skipped(f"{name}'s convention", in_one_line(error)))
            continue
        fits = reported.readings(value)
        if fits:
            source = f"{name} {version(package)}"
            yield FlopSolution(value, text, _text(table.inputs), (), source, fits, _TOOL_COST)
