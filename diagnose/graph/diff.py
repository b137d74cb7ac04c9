"""The whole diff: capture both networks, align, transplant, localise, explain, and judge."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from diagnose.graph.align import Alignment, align
from diagnose.graph.canonical import POINTWISE, canonical
from diagnose.graph.capture import Captured, capture
from diagnose.graph.changes import Change, changes
from diagnose.graph.complete import Group, complete, observations
from diagnose.graph.cosmetic import (
    call_findings,
    gradient_findings,
    module_findings,
    operand_findings,
    rewrite_findings,
)
from diagnose.graph.initial import initial_weights
from diagnose.graph.labels import digest
from diagnose.graph.localise import Side, run_graph
from diagnose.graph.mapping import Move, as_mapping, moves
from diagnose.graph.randomness import Survival, roles, samples, state_of
from diagnose.graph.regions import Pair, touched
from diagnose.graph.tape import CannotCapture
from diagnose.graph.transplant import Prepared, Worst, outputs, prepare, prove, restored_state, stress
from diagnose.graph.tree import module_tree
from diagnose.sources.scope import in_mode
from diagnose.values import DiffSide, Finding, GraphDiff, InputSpec, Proof, Verdict, WeightMapping

MODES = (True, False)
"""Train mode first: its graph says more."""


@dataclass(frozen=True, slots=True)
class Model:
    """A network under comparison, with its name as the user knows it."""

    name: str
    module: nn.Module


@dataclass(frozen=True, slots=True)
class Compared:
    """Both networks captured and aligned in one mode."""

    a: Captured
    b: Captured
    alignment: Alignment


@dataclass(frozen=True, slots=True)
class Outcome:
    """A diff, and what it was read from: which weights are which, and both networks captured in eval mode."""

    diff: GraphDiff
    moves: tuple[Move, ...]
    evaluated: Compared


def diff(a: Model, b: Model, inputs: Sequence[InputSpec], *, seed: int = 0, initial: bool = True) -> GraphDiff:
    """Compare two networks and judge their differences; see `measured`."""
    return measured(a, b, inputs, seed=seed, initial=initial).diff


def measured(a: Model, b: Model, inputs: Sequence[InputSpec], *, seed: int = 0, initial: bool = True) -> Outcome:
    """Compare two networks, judge their differences, and keep what later questions are answered from.

    Args:
        a: the first network; its weights are read for their initial distribution alone.
        b: the second one.
        inputs: shapes and element types of the forward pass; a batch of 1 becomes 2, as norms need two values.
        seed: of the proof's random weights and inputs.
        initial: compare the initial weights, too.

    Raises:
        CannotCapture: a network can be captured in no way.
    """
    inputs = paired(inputs)
    compared = {training: _compared(a.module, b.module, inputs, training) for training in MODES}
    aligned = [compared[training].alignment for training in MODES]
    moved = moves(aligned)
    states = state_of(a.module), state_of(b.module)
    kinds = roles([each.a for each in aligned]), roles([each.b for each in aligned])
    prepared = prepare(a.module, b.module, moved, kinds, inputs, seed=seed)
    benches = []
    for training in MODES:
        benches.append(_bench(compared[training], prepared, inputs, training))
        moved = (*moved, *(move for group in benches[-1].groups for move in group.moves))
        prepared = replace(prepared, moves=moved)
    mapping = as_mapping(moved, *states)
    proof, skipped = prove(prepared, inputs, seed=seed)
    trusted = [_faithful(prepared, compared[training], inputs, training) for training in MODES]
    found = _all_changes(benches)
    if found and proof.agrees and None not in (proof.eval, proof.train) and not stress(prepared, inputs):
        found = [(_doubted(change), seen_in) for change, seen_in in found]
    steady = all(each.steady for pair in compared.values() for each in (pair.a, pair.b))
    if not (all(trusted) and steady):  # what was compared is not, or not always, what runs
        found = [(replace(change, verdict=Verdict.UNDETERMINED), seen_in) for change, seen_in in found]
    findings = [
        *_grouped(found),
        *_unmapped(mapping, states, found),
        *(initial_weights(a.module, b.module, moved) if initial else ()),
        *_cosmetic(a.module, b.module, compared, mapping),
    ]
    same = all(alignment.equal for alignment in aligned)
    verdict, doubts = _verdict(same, proof, findings, trusted=all(trusted), steady=steady)
    notes = [note for pair in compared.values() for each in (pair.a, pair.b) for note in each.skipped]
    train = compared[True]
    answer = GraphDiff(
        verdict,
        _side(a, train.a, train.alignment.a.nodes),
        _side(b, train.b, train.alignment.b.nodes),
        len(train.alignment.to_b),
        same,
        mapping,
        proof,
        (*findings, *doubts),
        tuple(dict.fromkeys([*notes, *skipped])),
        module_tree(a.module, b.module, train.alignment, found),
    )
    return Outcome(answer, moved, compared[False])


def paired(inputs: Sequence[InputSpec]) -> tuple[InputSpec, ...]:
    """Return the inputs with a batch of two at least: a norm needs more than one value."""
    return tuple(replace(spec, shape=(max(2, spec.shape[0]), *spec.shape[1:])) for spec in inputs)


def _compared(a: nn.Module, b: nn.Module, inputs: Sequence[InputSpec], training: bool) -> Compared:
    generator = torch.Generator().manual_seed(0)
    drawn = samples(inputs, generator, torch.float32)
    one, other = (_captured(name, module, drawn, training) for name, module in (("A", a), ("B", b)))
    ways = one.form.graph.capture, other.form.graph.capture
    if ways[0] != ways[1]:  # only one way of capturing gives comparable graphs
        one = one if ways[0] == "recorder" else capture(a, drawn, training=training, recorder=True)
        other = other if ways[1] == "recorder" else capture(b, drawn, training=training, recorder=True)
    first = align(one.form.graph, other.form.graph)
    if first.equal:
        return Compared(one, other, first)
    # A 1×1 convolution is looked at as a linear layer only where that brings the two nearer to each other.
    second = [replace(each, form=canonical(each.form.graph, POINTWISE)) for each in (one, other)]
    if [digest(each.form.graph) for each in second] == [digest(each.form.graph) for each in (one, other)]:
        return Compared(one, other, first)
    linear = align(second[0].form.graph, second[1].form.graph)
    if linear.cost < first.cost:
        applied = [(*one.form.applied, *second[0].form.applied), (*other.form.applied, *second[1].form.applied)]
        one, other = (
            replace(each, form=replace(each.form, applied=tuple(dict.fromkeys(rules))))
            for each, rules in zip(second, applied, strict=True)
        )
        return Compared(one, other, linear)
    return Compared(one, other, first)


def _captured(name: str, module: nn.Module, drawn: tuple[Tensor, ...], training: bool) -> Captured:
    try:
        return capture(module, drawn, training=training)
    except CannotCapture as error:
        raise CannotCapture(f"{error} (in {name})") from error


def _side(model: Model, captured: Captured, nodes: Sequence[int]) -> DiffSide:
    parameters = sum(parameter.numel() for parameter in model.module.parameters())
    return DiffSide(model.name, len(nodes), parameters, captured.form.graph.capture)


def _constants(captured: Captured) -> Mapping[str, Tensor]:
    return {
        digest: tensor.double() if tensor.is_floating_point() else tensor
        for digest, tensor in captured.constants.items()
    }


def _faithful(prepared: Prepared, pair: Compared, inputs: Sequence[InputSpec], training: bool) -> bool:
    """Say whether the canonical graph of A, and of B, computes what the module computes: the rules' own proof."""
    drawn = samples(inputs, torch.Generator().manual_seed(7), torch.float64)
    for module, skeleton, captured in ((prepared.a, pair.alignment.a, pair.a), (prepared.b, pair.alignment.b, pair.b)):
        side = Side(skeleton, state_of(module), _constants(captured))
        try:
            with torch.no_grad(), in_mode(module, training=training), Survival():  # type: ignore[no-untyped-call]
                run_graph(side, drawn)
                with restored_state(module):
                    expected = outputs(module, drawn)
        except (RuntimeError, ValueError, TypeError, IndexError, AssertionError, KeyError, AttributeError):
            continue  # what cannot be run in float64 is reported by the proof
        worst = Worst()
        for node, value in zip(skeleton.graph.outputs, expected, strict=False):
            computed = side.values.get(node)
            if isinstance(computed, Tensor):
                worst.see(value, computed)
        if not worst.within:
            return False
    return True


@dataclass(frozen=True, slots=True)
class Bench:
    """Both networks laid out for experiments in one mode: A's values are computed, and free weights were paired."""

    training: bool
    alignment: Alignment
    a: Side
    b: Side
    pairs: tuple[Pair, ...] = ()
    groups: tuple[Group, ...] = ()


def _bench(compared: Compared, prepared: Prepared, inputs: Sequence[InputSpec], training: bool) -> Bench:
    alignment = compared.alignment
    a = Side(alignment.a, state_of(prepared.a), _constants(compared.a))
    b = Side(alignment.b, state_of(prepared.b), _constants(compared.b))
    if alignment.equal:
        return Bench(training, alignment, a, b)
    with Survival():  # type: ignore[no-untyped-call]
        run_graph(a, samples(inputs, torch.Generator().manual_seed(5), torch.float64))
        pairs = tuple(touched(alignment))
        groups = complete(alignment, a, b, prepared.moves, pairs)
    return Bench(training, alignment, a, b, pairs, groups)


def _all_changes(benches: Sequence[Bench]) -> list[tuple[Change, str]]:
    """Return the changes in train mode, then those that only eval mode shows, each with its mode."""
    found: list[tuple[Change, str]] = []
    for bench in benches:
        if bench.alignment.equal:
            continue
        with Survival():  # type: ignore[no-untyped-call]
            observed = observations(bench.alignment, bench.a, bench.b, bench.pairs, bench.groups)
        found = _merged(found, changes(bench.alignment, observed), "train" if bench.training else "eval")
    return found


def _merged(found: Sequence[tuple[Change, str]], more: Sequence[Change], seen_in: str) -> list[tuple[Change, str]]:
    """Add the changes that are new; one known but undetermined becomes real where the other mode shows it so."""
    known = {(change.kind, change.where): index for index, (change, _) in enumerate(found)}
    result = list(found)
    for change in more:
        index = known.get((change.kind, change.where))
        if index is None:
            result.append((change, seen_in))
        elif change.verdict is Verdict.REAL and result[index][0].verdict is not Verdict.REAL:
            evidence = tuple(f"{each} in {seen_in} mode" if "Δ" in each else each for each in change.evidence)
            result[index] = (replace(result[index][0], verdict=Verdict.REAL, evidence=evidence), result[index][1])
    return result


def _doubted(change: Change) -> Change:
    """Return a change without its verdict where it rests on numbers, the networks agree, and others may make up for it.

    An operation that differs by itself, with nothing changed around it, stays different: the inputs did not reach it.
    """
    if change.verdict is not Verdict.REAL or change.certain or change.alone:
        return change
    return replace(change, verdict=Verdict.UNDETERMINED, evidence=("the networks agree as a whole", *change.evidence))


def _grouped(found: Sequence[tuple[Change, str]]) -> list[Finding]:
    """Return one finding per kind, verdict and message: an edit repeated in each block is one line."""
    groups: dict[tuple[str, Verdict, str], list[Change]] = {}
    for change, seen_in in found:
        message = change.message if seen_in == "train" else f"{change.message} (in eval mode alone)"
        groups.setdefault((change.kind, change.verdict, message), []).append(change)
    findings = [
        Finding(kind, verdict, tuple(each.where for each in members), len(members), message, members[0].evidence)
        for (kind, verdict, message), members in groups.items()
    ]
    order = {Verdict.REAL: 0, Verdict.UNDETERMINED: 1, Verdict.COSMETIC: 2}
    return sorted(findings, key=lambda finding: (order[finding.verdict], -finding.count))


def _unmapped(
    mapping: WeightMapping, states: tuple[Mapping[str, Tensor], Mapping[str, Tensor]], found: Sequence[object]
) -> list[Finding]:
    """Return weights that nothing reads, where no change of the graph accounts for them."""
    if found:
        return []
    findings = []
    for name, names, state in (("A", mapping.only_a, states[0]), ("B", mapping.only_b, states[1])):
        unused = [each for each in names if isinstance(state[each], nn.Parameter)]
        if unused:
            message = f"{len(unused)} parameters of {name} have no part in the forward pass"
            findings.append(Finding("unused parameters", Verdict.COSMETIC, tuple(unused[:5]), len(unused), message))
    return findings


def _cosmetic(
    a: nn.Module, b: nn.Module, compared: Mapping[bool, Compared], mapping: WeightMapping
) -> tuple[Finding, ...]:
    train = compared[True]
    return (
        *call_findings(a, b, train.alignment),
        *module_findings(a, b, mapping),
        *gradient_findings(train.alignment),
        *operand_findings(train.alignment),
        *rewrite_findings(train.a.form.applied, train.b.form.applied),
    )


def _verdict(
    same: bool, proof: Proof, findings: Sequence[Finding], *, trusted: bool, steady: bool
) -> tuple[str, list[Finding]]:
    """Return the verdict, and what stands against a clearer one."""
    doubts = []
    if not trusted:
        doubts.append(_doubt("the canonical form does not reproduce the network's own outputs; it is not relied upon"))
    if not steady:
        doubts.append(_doubt("a second capture gave another graph: the network draws random numbers in Python"))
    if same and proof.agrees is False:
        doubts.append(_doubt("the canonical forms are equal, but the numbers after the transplant are not"))
    real = any(each.verdict is Verdict.REAL and each.kind != "initial weights" for each in findings)
    if not same and all(each.verdict is Verdict.COSMETIC or each.kind == "initial weights" for each in findings):
        doubts.append(_doubt("the canonical forms differ in a way that no finding names"))
    if doubts and not (real and trusted):
        return "undetermined", doubts
    if same:
        return "equivalent", doubts
    return ("different" if real else "undetermined"), doubts


def _doubt(message: str) -> Finding:
    return Finding("capture", Verdict.UNDETERMINED, (), 1, message)


__all__ = ["CannotCapture", "Model", "Move", "diff"]
