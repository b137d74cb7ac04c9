"""Find what looks different and is not: names, the order of registration, modules that compute nothing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from torch import nn

from diagnose.diff.align.align import Alignment
from diagnose.diff.align.captures import AlignedCaptures
from diagnose.diff.canonical.builder import RuleApplication
from diagnose.diff.ir.operation_table import base, operation
from diagnose.values import DifferenceKind, Finding, Significance, WeightMapping

_DROPS = ("Dropout", "DropPath", "StochasticDepth")
"""What the classes of modules are called that drop at a rate: torch's, timm's and mmcv's, and torchvision's."""


def cosmetic_findings(
    a: nn.Module, b: nn.Module, train: AlignedCaptures, mapping: WeightMapping
) -> tuple[Finding, ...]:
    """Return all that looks different between two networks and is not, read from their graphs in train mode."""
    return (
        *_calls(a, b, train.alignment),
        *_modules(a, b, mapping),
        *_gradients(train.alignment),
        *_operands(train.alignment),
        *_rewrites(train.a.form.applied, train.b.form.applied),
    )


def _modules(a: nn.Module, b: nn.Module, mapping: WeightMapping) -> tuple[Finding, ...]:
    """Return what differs between two module trees without changing what they compute."""
    found = [*_noops(a, b), *_in_place(a, b), *_preprocessing(a, b)]
    renamed = [pair for pair in mapping.pairs if pair.a != pair.b]
    if renamed:
        where = tuple(f"{pair.a} ↔ {pair.b}" for pair in renamed[:3])
        message = f"{len(renamed)} of {len(mapping.pairs)} matched weights have other names"
        found.append(_finding(DifferenceKind.NAMING, where, len(renamed), message))
    return tuple(found)


def _calls(a: nn.Module, b: nn.Module, alignment: Alignment) -> tuple[Finding, ...]:
    """Return blocks whose ReLU is registered at different places but called at the same ones."""
    kinds: dict[tuple[str, str, int], list[str]] = {}
    parents: dict[tuple[str, str], None] = {}
    for node_a, node_b in alignment.to_b.items():
        paths = alignment.a.graph.nodes[node_a].module_path, alignment.b.graph.nodes[node_b].module_path
        if all(paths) and paths[0] and paths[1]:
            parents.setdefault((paths[0].rpartition(".")[0], paths[1].rpartition(".")[0]))
    calls = [Counter(node.module_path for node in side.graph.nodes if node.op == "relu")
             for side in (alignment.a, alignment.b)]  # fmt: skip
    for left, right in parents:
        places = [_activation(module, path) for module, path in ((a, left), (b, right))]
        if places[0] is None or places[1] is None or places[0][1] == places[1][1]:
            continue
        called = [count[f"{path}.{place[0]}"] for count, path, place in zip(calls, (left, right), places, strict=True)
                  if place is not None]  # fmt: skip
        if called[0] != called[1] or not called[0] or _position(places[0][1]) == _position(places[1][1]):
            continue
        key = _position(places[0][1]), _position(places[1][1]), called[0]
        kinds.setdefault(key, []).append(left if left == right else f"{left} ↔ {right}")
    return tuple(
        _finding(
            DifferenceKind.REGISTRATION,
            where,
            len(where),
            f"the ReLU is registered {in_a} of its block in A and {in_b} in B, and called {times}× in both, at the "
            "same places: the order of registration is what is printed, the order of the calls is what runs",
        )
        for (in_a, in_b, times), where in kinds.items()
    )


def _activation(module: nn.Module, path: str) -> tuple[str, tuple[int, int]] | None:
    """Return the name of the one ReLU among a module's children, and its position: (index, how many)."""
    children = [(name, child) for name, child in module.get_submodule(path).named_children()
                if not isinstance(child, nn.Identity)]  # fmt: skip
    found = [(name, (index, len(children))) for index, (name, child) in enumerate(children)
             if isinstance(child, nn.ReLU)]  # fmt: skip
    return found[0] if len(found) == 1 and len(children) > 2 else None


def _position(place: tuple[int, int]) -> str:
    index, of = place
    if index == of - 1:
        return "last"
    return "first" if index == 0 else "in the middle"


def _rewrites(a: Sequence[RuleApplication], b: Sequence[RuleApplication]) -> tuple[Finding, ...]:
    """Return the rules of the canonical form that one network needed and the other did not."""
    counts = [Counter((application.rule, base(application.op)) for application in side) for side in (a, b)]
    found = []
    for name, (own_counts, their_counts), applied in (
        ("A", (counts[0], counts[1]), a),
        ("B", (counts[1], counts[0]), b),
    ):
        for (rule, op), count in (own_counts - their_counts).items():
            where = tuple(dict.fromkeys(e.module_path for e in applied if e.rule == rule and base(e.op) == op))
            message = f"written with {op} in {name}, and computes the same: {rule}"
            found.append(_finding(DifferenceKind.REWRITE, where[:count], count, message))
    return tuple(found)


def _gradients(alignment: Alignment) -> tuple[Finding, ...]:
    """Return matched activations whose gradients differ only exactly at their bounds."""
    kinds: dict[tuple[str, str | None, str | None], list[str]] = {}
    for node_a, node_b in alignment.to_b.items():
        a, b = alignment.a.graph.nodes[node_a], alignment.b.graph.nodes[node_b]
        if a.get("~gradient") != b.get("~gradient"):
            key = a.op, a.get("~gradient"), b.get("~gradient")
            kinds.setdefault(key, []).append(a.module_path or b.module_path or "the network itself")
    return tuple(
        _finding(
            DifferenceKind.REWRITE,
            where,
            len(where),
            f"{op} is written so that its gradient exactly at the bound is {in_a} in A and {in_b} in B; values, and "
            "gradients everywhere else, are equal",
        )
        for (op, in_a, in_b), where in kinds.items()
    )


def _operands(alignment: Alignment) -> tuple[Finding, ...]:
    """Return sums and products whose operands stand in another order."""
    where = []
    for node_a, node_b in alignment.to_b.items():
        node = alignment.a.graph.nodes[node_a]
        if not operation(node.op).commutative:
            continue
        mine = [alignment.to_b.get(value) for value in node.inputs]
        theirs = list(alignment.b.graph.nodes[node_b].inputs)
        if mine != theirs and None not in mine and sorted(map(str, mine)) == sorted(map(str, theirs)):
            where.append(node.module_path or "the network itself")
    if not where:
        return ()
    return (
        _finding(DifferenceKind.REWRITE, tuple(where), len(where), "operands of a sum or product in another order"),
    )


def _noops(a: nn.Module, b: nn.Module) -> list[Finding]:
    found = []
    names = [_idle(module) for module in (a, b)]
    for index, name in ((0, "A"), (1, "B")):
        more = Counter(kind for kind, _ in names[index]) - Counter(kind for kind, _ in names[1 - index])
        for kind, count in more.items():
            where = tuple(path for idle_kind, path in names[index] if idle_kind == kind)
            message = f"{kind} in {name} alone: it hands its input on unchanged"
            found.append(_finding(DifferenceKind.NO_OP, where, count, message))
    return found


def _idle(module: nn.Module) -> list[tuple[str, str]]:
    """Return the modules that compute nothing, by the name they are registered under and their path."""
    idle = []
    for path, child in module.named_modules():
        name = path.rpartition(".")[2]
        kind = type(child).__name__
        if isinstance(child, nn.Identity):
            idle.append((f"{name} = Identity" if not name.isdigit() else "Identity", path))
        elif kind.startswith(_DROPS) and not float(getattr(child, "p", getattr(child, "drop_prob", 0.0)) or 0.0):
            idle.append((f"{kind} at rate 0", path))
    return idle


def _in_place(a: nn.Module, b: nn.Module) -> list[Finding]:
    paths = [[path for path, child in module.named_modules() if getattr(child, "inplace", False)] for module in (a, b)]
    able = [sum(hasattr(child, "inplace") for child in module.modules()) for module in (a, b)]
    if len(paths[0]) * able[1] == len(paths[1]) * able[0]:
        return []
    message = f"{len(paths[0])} modules of A and {len(paths[1])} of B work in place: memory is saved, values are equal"
    where = tuple((paths[0] or paths[1])[:3])
    return [_finding(DifferenceKind.IN_PLACE, where, abs(len(paths[0]) - len(paths[1])), message)]


def _preprocessing(a: nn.Module, b: nn.Module) -> list[Finding]:
    found = []
    for name, module, opposite in (("A", a, b), ("B", b, a)):
        present = [getattr(network, "data_preprocessor", None) for network in (module, opposite)]
        if present[0] is None or present[1] is not None:
            continue
        values = [f"{key} {[round(float(x), 3) for x in value.flatten()]}"
                  for key, value in present[0].named_buffers() if key in ("mean", "std")]  # fmt: skip
        message = (
            f"{name} carries a data_preprocessor ({', '.join(values) or 'without normalisation'}); it prepares data in "
            "training and has no part in the forward pass compared here"
        )
        found.append(_finding(DifferenceKind.PREPROCESSING, ("data_preprocessor",), 1, message))
    return found


def _finding(kind: DifferenceKind, where: Iterable[str], count: int, message: str) -> Finding:
    return Finding(kind, Significance.COSMETIC, tuple(where), count, message)
