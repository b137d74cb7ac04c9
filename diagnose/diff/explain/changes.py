"""From an alignment and what was observed on it to changes: the edits that make A into B, one by one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import prod

import networkx as nx

from diagnose.diff.align.align import Alignment
from diagnose.diff.explain.phrases import chain, joined, loose, place, several, shown, sources, word
from diagnose.diff.ir.digest import label_attributes, plain_value, weight_root
from diagnose.diff.ir.graph import Node
from diagnose.diff.ir.operation_table import base, operation
from diagnose.diff.ir.skeleton import Skeleton
from diagnose.diff.proof.localise import Observation
from diagnose.values import Significance

RANDOM_RATES = {"p", "dropout_p"}


@dataclass(frozen=True, slots=True)
class Change:
    """One edit: its kind, what it does in words without names, and where.

    `nodes_a` and `nodes_b` take part in it. `certain` is True where the verdict rests on a rule and not on numbers,
    `alone` where nothing else changed around it that could make up for it, and only other values than the network's
    own tell the difference.
    """

    kind: str
    verdict: Significance
    message: str
    where: str
    evidence: tuple[str, ...]
    nodes_a: tuple[int, ...] = ()
    nodes_b: tuple[int, ...] = ()
    certain: bool = False
    alone: bool = False


def changes(alignment: Alignment, observed: Sequence[Observation]) -> tuple[Change, ...]:
    """Return every change between two aligned graphs."""
    if alignment.equal:
        return ()
    seen = {result.pair: result for result in observed}
    balanced = _elements(alignment.a) == _elements(alignment.b)
    components = _components(alignment, observed)
    found = [_component(alignment, part, observed) for part in components]
    explained = {pair for pair, result in seen.items() if _unmatched(alignment, result)}
    found = _moved(found, alignment)
    for pair in alignment.to_b.items():
        found += _attributes(alignment, pair, seen.get(pair))
        found += _draws(alignment, pair)
        found += _width(alignment, pair, seen.get(pair), balanced=balanced)
        if pair in seen and pair not in explained:
            found += _wiring(alignment, pair, seen[pair])
    return (*_with_neighbours(alignment, found, observed), *_sharing(alignment))


def _with_neighbours(alignment: Alignment, found: Sequence[Change], observed: Sequence[Observation]) -> list[Change]:
    """Say of each change whether it stands alone: no other one near it, and not reached by the network's own values.

    Two are near where they touch, read the same operation or are read by the same one.
    """
    around = []
    for change in found:
        near: set[tuple[int, int]] = set()
        for side, (skeleton, nodes) in enumerate(((alignment.a, change.nodes_a), (alignment.b, change.nodes_b))):
            partners = alignment.to_b if side == 0 else alignment.to_a
            for node in nodes:
                touching = {node, *skeleton.inputs(node), *(user for user, _ in skeleton.users[node])}
                near |= {(side, neighbour) for neighbour in touching}
                near |= {(1 - side, partners[neighbour]) for neighbour in touching if neighbour in partners}
        around.append(near)
    reached = {(0, node) for result in observed if result.reached for node in result.nodes_a}
    reached |= {(1, node) for result in observed if result.reached for node in result.nodes_b}
    shared = Counter(node for near in around for node in near)
    return [
        replace(found_change, alone=not near & reached and all(shared[node] == 1 for node in near))
        for found_change, near in zip(found, around, strict=True)
    ]


def _elements(skeleton: Skeleton) -> int:
    """Return how many elements of parameters a network reads."""
    return sum(prod(node.shape) for node in skeleton.graph.nodes if node.op == "parameter")


def _unmatched(alignment: Alignment, result: Observation) -> bool:
    return not (result.nodes_a <= alignment.to_b.keys() and result.nodes_b <= alignment.to_a.keys())


def _components(alignment: Alignment, observed: Iterable[Observation]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    """Return the unmatched nodes in connected pieces; pieces of A and B between the same neighbours are one."""
    graph = nx.Graph()
    matched = alignment.to_b, alignment.to_a
    for side, skeleton in enumerate((alignment.a, alignment.b)):
        for node in skeleton.nodes:
            if node not in matched[side]:
                graph.add_node((side, node))
                # A value that matched operations read, too, is a change of its own and no part of this one.
                graph.add_edges_from(
                    ((side, node), (side, value))
                    for value in skeleton.inputs(node)
                    if skeleton.graph.nodes[value].inputs
                    and not any(
                        neighbour in matched[side]
                        for neighbour in (value, *(user for user, _ in skeleton.users[value]))
                    )
                )
    for result in observed:
        inside = [(0, node) for node in result.nodes_a if node not in matched[0]]
        inside += [(1, node) for node in result.nodes_b if node not in matched[1]]
        sides = {side for side, _ in inside}
        if len(sides) == 2:
            graph.add_edges_from((inside[0], node) for node in inside[1:])
    parts = []
    for members in nx.connected_components(graph):
        a = tuple(sorted(node for side, node in members if side == 0))
        b = tuple(sorted(node for side, node in members if side == 1))
        parts.append((a, b))
    return sorted(parts, key=lambda part: (part[1] or (-1,), part[0]))


def _component(
    alignment: Alignment, part: tuple[tuple[int, ...], tuple[int, ...]], observed: Iterable[Observation]
) -> Change:
    a = [alignment.a.graph.nodes[node] for node in part[0]]
    b = [alignment.b.graph.nodes[node] for node in part[1]]
    near = [result for result in observed if set(part[0]) & result.nodes_a or set(part[1]) & result.nodes_b]
    kind, message = _named(alignment, a, b)
    verdict, evidence = significance_of(near)
    certain = _random_rate(a, b)
    if certain:
        verdict, evidence = Significance.REAL, ("a random operation is compared by its rate, not by numbers",)
    places = [node for node in (a or b) if node.op != "constant"] or a or b
    where = f"{place(a)} ↔ {place(b)}" if a and b else place(a or b)
    if kind.startswith("block"):
        where = place([node for node in a or b if operation(node.op).is_layer])
    return Change(kind, verdict, message, where, (*evidence, *sources(places)), part[0], part[1], certain)


def significance_of(near: Sequence[Observation]) -> tuple[Significance, tuple[str, ...]]:
    """Return the verdict that observations give: real where one differs, else undetermined."""
    for result in near:
        if result.differs:
            return Significance.REAL, (result.how,)
    for result in near:
        if result.differs is None and result.how:
            return Significance.UNDETERMINED, (result.how,)
    if any(seen.differs is False for seen in near):
        return Significance.UNDETERMINED, ("equal on these inputs, small and large values included",)
    return Significance.UNDETERMINED, ("its effect could not be run by itself",)


def _random_rate(a: Sequence[Node], b: Sequence[Node]) -> bool:
    """Say whether two sets of operations drop another share of another number of elements.

    False where one of them draws in a way whose rate is not known.
    """
    rates = []
    for nodes in (a, b):
        drawing = [node for node in nodes if operation(node.op).draws]
        if any(not isinstance(node.get("p"), float) or operation(node.op).drops is None for node in drawing):
            return False
        rates.append(sorted((_dropped(node), _drawn(node)) for node in drawing))
    return rates[0] != rates[1]


def _dropped(node: Node) -> float:
    """Return the share of the numbers drawn that are 0; NaN where the rate does not say so."""
    share = operation(node.op).drops
    return float(plain_value(share(node.get("p")))) if share is not None else float("nan")


def _drawn(node: Node) -> int:
    """Return how many elements a random operation draws; a feature dropout draws one for each map."""
    return prod(node.shape[:2] if operation(node.op).draws_maps else node.shape)


def _named(alignment: Alignment, a: Sequence[Node], b: Sequence[Node]) -> tuple[str, str]:
    """Return the kind and the words of a component."""
    if a and b:
        if sorted(map(loose, a)) == sorted(map(loose, b)):
            return "operation moved", f"{chain(a)} stands in another place"
        return "operation replaced", f"{chain(a)} replaced by {chain(b)}"
    verb = "removed" if a else "added"
    drawn = next((node for node in a or b if base(node.op) == "bernoulli"), None)
    if drawn is not None:
        rate = f" at rate {plain_value(1.0 - drawn.get('p')):g}" if isinstance(drawn.get("p"), float) else ""
        return f"operation {verb}", f"stochastic depth{rate} {verb}"
    nodes, skeleton = (a, alignment.a) if a else (b, alignment.b)
    layers = [node for node in nodes if operation(node.op).is_layer]
    if len(layers) > 1:
        repeats = _equal_blocks(alignment, nodes, of_a=bool(a))
        which = f" (one of {repeats} equal ones; which one is undecidable)" if repeats > 1 else ""
        return f"block {verb}", f"block {verb}{which}: {chain(nodes)}"
    product = next((node for node in nodes if node.op == "mul" and len(skeleton.inputs(node.id)) > 1), None)
    if product is not None:
        rest = [node for node in nodes if node.op != "mul"]
        wrapped = "a ⊙ b"
        for node in rest:
            wrapped = f"{word(node)}({wrapped})"
        return f"second-order term {verb}", f"the Hadamard term {wrapped} {verb}"
    return f"operation {verb}", f"{chain(nodes)} {verb}"


def _equal_blocks(alignment: Alignment, nodes: Sequence[Node], *, of_a: bool) -> int:
    """Return how many equal blocks in a row a removed or added one is one of."""
    skeleton = alignment.a if of_a else alignment.b
    matched = alignment.to_b if of_a else alignment.to_a
    words = [skeleton.digests[node.id][0] for node in nodes]
    order = {node: index for index, node in enumerate(skeleton.nodes)}
    start, size = order[nodes[0].id], len(nodes)
    count = 1
    for step in (-size, size):
        position = start + step
        while 0 <= position <= len(skeleton.nodes) - size:
            window = skeleton.nodes[position : position + size]
            if [skeleton.digests[node][0] for node in window] != words or not all(node in matched for node in window):
                break
            count += 1
            position += step
    return count


def _moved(found: list[Change], alignment: Alignment) -> list[Change]:
    """Join an operation removed here and the same one added there: it was moved."""
    result = list(found)
    for gone in [change for change in found if change.nodes_a and not change.nodes_b and len(change.nodes_a) <= 2]:
        words = [loose(alignment.a.graph.nodes[node]) for node in gone.nodes_a]
        for come in [change for change in result if change.nodes_b and not change.nodes_a]:
            if [loose(alignment.b.graph.nodes[node]) for node in come.nodes_b] == words:
                result.remove(come)
                result.remove(gone)
                verdict = (
                    Significance.REAL
                    if Significance.REAL in (gone.verdict, come.verdict)
                    else Significance.UNDETERMINED
                )
                nodes = [alignment.a.graph.nodes[node] for node in gone.nodes_a]
                result.append(
                    Change("operation moved", verdict, f"{chain(nodes)} stands in another place",
                           f"{gone.where} ↔ {come.where}", (*gone.evidence, *come.evidence), gone.nodes_a, come.nodes_b)
                )  # fmt: skip
                break
    return result


def _attributes(alignment: Alignment, pair: tuple[int, int], seen: Observation | None) -> list[Change]:
    a, b = alignment.a.graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    mine, theirs = dict(label_attributes(a)), dict(label_attributes(b))
    mine.pop("slots", None), theirs.pop("slots", None)
    different = sorted(name for name in {*mine, *theirs} if mine.get(name) != theirs.get(name))
    where = joined(a, b)
    found = []
    if len(a.inputs) != len(b.inputs) and a.get("slots") is not None:
        names = {name for name, _ in a.get("slots")} ^ {name for name, _ in b.get("slots") or ()}
        side = "A" if len(a.inputs) > len(b.inputs) else "B"
        different = [name for name in different if name not in names]
        verdict, evidence = significance_of([seen] if seen else [])
        if names:
            message = f"{word(a)} has a {' and a '.join(sorted(names))} in {side} alone"
            found.append(
                Change("attribute changed", verdict, message, where, (*evidence, *sources([a, b])), *_ids(pair))
            )
    if not different:
        return found
    listed = [f"{name} {shown(mine.get(name))} → {shown(theirs.get(name))}" for name in different]
    verdict, evidence = significance_of([seen] if seen else [])
    certain = bool(RANDOM_RATES & set(different))
    if certain:
        verdict, evidence = Significance.REAL, ("a random operation is compared by its rate, not by numbers",)
    message = f"{word(a)}: {', '.join(listed)}"
    said = (*evidence, *sources([a, b]))
    return [*found, Change("attribute changed", verdict, message, where, said, *_ids(pair), certain)]


def _draws(alignment: Alignment, pair: tuple[int, int]) -> list[Change]:
    """Return the change of a mask's shape: one number for each sample, for each channel, for each element."""
    a, b = alignment.a.graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    if base(a.op) != "bernoulli" or [size == 1 for size in a.shape] == [size == 1 for size in b.shape]:
        return []
    message = f"{word(a)}: draws {shown(a.shape)} numbers → {shown(b.shape)}"
    said = ("a random operation is compared by what it draws, not by numbers", *sources([a, b]))
    return [Change("attribute changed", Significance.REAL, message, joined(a, b), said, *_ids(pair), certain=True)]


def _ids(pair: tuple[int, int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
    return (pair[0],), (pair[1],)


def _width(alignment: Alignment, pair: tuple[int, int], seen: Observation | None, *, balanced: bool) -> list[Change]:
    """Return the change of a weight's shape; other activations alone are a consequence and no change.

    Where both networks have as many parameters, the shape alone may be another way to hold the same weights.
    """
    a, b = alignment.a.graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    mine = [alignment.a.graph.nodes[value].shape for value in a.inputs if alignment.a.weights[value]]
    theirs = [alignment.b.graph.nodes[value].shape for value in b.inputs if alignment.b.weights[value]]
    if not mine or not theirs or mine[0] == theirs[0]:
        return []
    message = f"{word(a)}: weight {shown(mine[0])} → {shown(theirs[0])}"
    other_shapes: tuple[Significance, tuple[str, ...]] = (Significance.REAL, ("the weights have other shapes",))
    verdict, evidence = significance_of([seen] if seen else []) if balanced else other_shapes
    said = (*evidence, *sources([a, b]))
    return [Change("width changed", verdict, message, joined(a, b), said, *_ids(pair), certain=not balanced)]


def _wiring(alignment: Alignment, pair: tuple[int, int], seen: Observation) -> list[Change]:
    a, b = alignment.a.graph.nodes[pair[0]], alignment.b.graph.nodes[pair[1]]
    mine = [alignment.to_b.get(value, -1) for value in alignment.a.inputs(pair[0])]
    theirs = alignment.b.inputs(pair[1])
    if sorted(mine) == sorted(theirs) and (mine == theirs or not alignment.a.position_matters(pair[0])):
        return []
    here = several([word(alignment.a.graph.nodes[value]) for value in alignment.a.inputs(pair[0])])
    there = several([word(alignment.b.graph.nodes[value]) for value in theirs])
    verdict, evidence = significance_of([seen])
    if sorted(mine) == sorted(theirs):
        message = f"{word(a)} reads its inputs in another order"
    else:
        message = f"{word(a)} reads other values: {here} → {there}"
    return [Change("wiring changed", verdict, message, joined(a, b), (*evidence, *sources([a, b])), *_ids(pair))]


def _sharing(alignment: Alignment) -> list[Change]:
    """Return the weights that one network uses in several places and the other has one of for each."""
    found = []
    for side, opposite, reverse in ((alignment.a, alignment.b, False), (alignment.b, alignment.a, True)):
        partners: dict[int, list[int]] = {}
        for node_a, two in alignment.weights:
            key, value = (two, node_a) if reverse else (node_a, two)
            partners.setdefault(key, []).append(value)
        for key, values in partners.items():
            if len(set(values)) < 2:
                continue
            name = weight_root(side.graph, side.graph.nodes[key]).name
            names = ", ".join(
                sorted({weight_root(opposite.graph, opposite.graph.nodes[value]).name for value in values})
            )
            message = f"one weight in {'B' if reverse else 'A'} is {len(set(values))} in {'A' if reverse else 'B'}"
            found.append(Change("parameter sharing", Significance.REAL, message, f"{name} ↔ {names}",
                                ("the networks have other free parameters",), certain=True))  # fmt: skip
    return list(dict.fromkeys(found))
