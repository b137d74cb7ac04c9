"""What differs in the weights themselves: constants by value, what is trained, and gradients beside equal outputs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from torch import nn

from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.explain.change import Change
from diagnose.diff.explain.facts import ConstantChange
from diagnose.diff.proof.gradients import GradientDifference
from diagnose.diff.weights.fixed import ConstantDifference, compare_constants
from diagnose.diff.weights.mapping import WeightMatch
from diagnose.diff.weights.state_kinds import StateKind
from diagnose.values import DifferenceKind, Finding, Significance

FACTS = frozenset({
    DifferenceKind.CONSTANT, DifferenceKind.TRAINING, DifferenceKind.GRADIENTS, DifferenceKind.OUTPUTS,
    DifferenceKind.PATH, DifferenceKind.RANDOM_PATH,
})  # fmt: skip
"""The kinds of findings that rest on what the networks themselves show, whatever their graphs say."""

_WORDS = {
    StateKind.TRAINED: "trained", StateKind.FROZEN: "frozen", StateKind.CHANGED: "changed by the forward pass",
    StateKind.FIXED: "a buffer that nothing changes",
}  # fmt: skip


def constant_findings(differences: Iterable[ConstantDifference], *, trains: bool) -> list[Finding]:
    """Return a finding for each constant that differs.

    Frozen weights that look drawn from one distribution wait for a checkpoint: they are undetermined where the
    networks train others (`trains`), and weights like any where they train none.
    """
    found = []
    drawn: list[ConstantDifference] = []
    for difference in differences:
        if difference.drawn and difference.parameters:
            drawn.append(difference)
        else:
            where = _pair(difference.a, difference.b)
            message = f"{where} is a constant and differs: {_how(difference)}"
            evidence = ("no training makes them alike; they are equal only if a checkpoint carries A's values",)
            found.append(Finding(DifferenceKind.CONSTANT, Significance.REAL, (where,), 1, message, evidence))
    if drawn and trains:
        message = (
            f"{len(drawn)} frozen weights hold other random numbers in A than in B: the networks are the same only if "
            "a checkpoint fills both"
        )
        where_drawn = tuple(_pair(difference.a, difference.b) for difference in drawn)
        found.append(Finding(DifferenceKind.CONSTANT, Significance.UNDETERMINED, where_drawn, len(drawn), message))
    return found


def with_constants(
    found: Sequence[tuple[Change, str]], pairs: Mapping[bool, AlignedCaptures]
) -> list[tuple[Change, str]]:
    """Return the changes, those of constants in the graphs with how their values differ in place of their digests."""
    result = []
    for change, seen_in in found:
        pair = pairs[seen_in == "train"]
        nodes = [
            graph.nodes[ids[0]]
            for graph, ids in ((pair.alignment.a.graph, change.nodes_a), (pair.alignment.b.graph, change.nodes_b))
            if len(ids) == 1
        ]
        if len(nodes) == 2 and all(node.op == "constant" for node in nodes):
            tensors = [side.constants.get(str(node.get("digest")))
                       for side, node in zip((pair.a, pair.b), nodes, strict=True)]  # fmt: skip
            if tensors[0] is not None and tensors[1] is not None:
                difference = compare_constants(tensors[0], tensors[1], (nodes[0].name, nodes[1].name))
                if difference is not None:
                    name = _pair(difference.a, difference.b)
                    change = replace(change, facts=ConstantChange(name, _how(difference)))
        result.append((change, seen_in))
    return result


def _how(difference: ConstantDifference) -> str:
    if difference.axis is not None:
        first = ", ".join(map(str, difference.order[:8]))
        more = ", …" if len(difference.order) > 8 else ""
        return f"B has A's values in another order along axis {difference.axis} ({first}{more})"
    if difference.permuted:
        return "B has A's values at other places"
    if difference.ratio is not None:
        return f"B is {difference.ratio:.6g} times A"
    size = f"max |Δ| {difference.delta:.3g} of values up to {difference.largest:.3g}"
    if difference.shift is not None:
        return f"B is A {'+' if difference.shift > 0 else '−'} {abs(difference.shift):.6g}"
    return f"{size}; both look drawn from one distribution" if difference.drawn else size


def trained_findings(
    matches: Iterable[WeightMatch],
    kinds: tuple[Mapping[str, StateKind], Mapping[str, StateKind]],
    built: tuple[nn.Module, nn.Module],
) -> list[Finding]:
    """Return the weights that one network trains and the other does not: after `train()`, or as built alone."""
    as_built = tuple({name: p.requires_grad for name, p in module.named_parameters(remove_duplicate=False)}
                     for module in built)  # fmt: skip
    groups: dict[tuple[Significance, str], list[str]] = {}
    for match in matches:
        a, b = kinds[0][match.a.name], kinds[1][match.b.name]
        where = _pair(match.a.name, match.b.name)
        flags = as_built[0].get(match.a.name, False), as_built[1].get(match.b.name, False)
        if a is not b and StateKind.TRAINED in (a, b):
            groups.setdefault((Significance.REAL, f"{_WORDS[a]} in A, {_WORDS[b]} in B"), []).append(where)
        elif flags[0] is not flags[1] and a is b is not StateKind.CHANGED:
            words = " and ".join(f"{'trained' if flag else 'frozen'} in {name}"
                                 for name, flag in zip("AB", flags, strict=True))  # fmt: skip
            text = f"{words} as built, {_WORDS[a]} in both after train()"
            groups.setdefault((Significance.COSMETIC, text), []).append(where)
    return [
        Finding(
            DifferenceKind.TRAINING,
            verdict,
            tuple(dict.fromkeys(where)),
            len(dict.fromkeys(where)),
            _several(where, text),
        )
        for (verdict, text), where in groups.items()
    ]


def hook_findings(modules: Sequence[nn.Module]) -> list[Finding]:
    """Return the weights with a hook that runs after their gradient is there: what it does is not run here."""
    found = []
    for name, module in zip("AB", modules, strict=True):
        where = tuple(
            path for path, tensor in module.named_parameters() if getattr(tensor, "_post_accumulate_grad_hooks", None)
        )
        if where:
            message = (
                f"{len(where)} weights of {name} have a hook that runs after their gradient is there: what it does is "
                "not compared"
            )
            found.append(Finding(DifferenceKind.GRADIENTS, Significance.UNDETERMINED, where[:5], len(where), message))
    return found


def gradient_findings(differences: Sequence[GradientDifference]) -> list[Finding]:
    """Return one finding for the weights whose gradients differ although all outputs are equal."""
    if not differences:
        return []
    where = tuple(_pair(difference.a, difference.b) for difference in differences)
    worst = max(difference.delta for difference in differences)
    ratios = {None if difference.ratio is None else round(difference.ratio, 6) for difference in differences}
    ratio = ratios.pop() if len(ratios) == 1 else None
    how = f"max |Δ| {worst:.3g}" if ratio is None else f"B's is {ratio:g} times A's"
    message = f"the outputs are equal, the gradients are not: {how} for {_several(where, '')}"
    evidence = ("one step of both in train mode, with A's weights in B, in float64",)
    return [Finding(DifferenceKind.GRADIENTS, Significance.REAL, where, len(where), message, evidence)]


def _several(where: Sequence[str], text: str) -> str:
    names = list(dict.fromkeys(where))
    listed = ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
    return f"{listed}: {text}" if text else listed


def _pair(a: str, b: str) -> str:
    return a if a == b else f"{a} ↔ {b}"
