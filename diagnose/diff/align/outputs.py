"""Which result of A is which result of B: by the names that they have, else by their positions."""

from __future__ import annotations

from dataclasses import dataclass, replace

from diagnose.diff.capture.capture import Capture
from diagnose.diff.capture.results import Packing


@dataclass(frozen=True, slots=True)
class ResultPairs:
    """The places of the results that belong together, `a[i]` with `b[i]`, and of those that one network alone has.

    `packing` says how each network hands them over; `renamed` that some stand under other names or positions. Losses
    that a network leaves on its parts are paired by their order; where one leaves more, `losses` holds all of them.
    """

    a: tuple[str, ...]
    b: tuple[str, ...]
    only_a: tuple[str, ...] = ()
    only_b: tuple[str, ...] = ()
    packing: tuple[Packing, Packing] = (Packing.ITSELF, Packing.ITSELF)
    renamed: bool = False
    losses: tuple[tuple[str, ...], tuple[str, ...]] = ((), ())

    @property
    def complete(self) -> bool:
        """Return whether both networks return the same results under the same names."""
        return not (self.only_a or self.only_b or self.renamed or any(self.losses))


def pair_results(a: Capture, b: Capture) -> ResultPairs:
    """Pair the results of two captures."""
    own, their = a.signature, b.signature
    packing = own.packing, their.packing
    shared = tuple(place for place in own.places if place in their.places)
    only_a = tuple(place for place in own.places if place not in their.places)
    only_b = tuple(place for place in their.places if place not in own.places)
    pairs = ResultPairs(shared, shared, only_a, only_b, packing)
    if only_a or only_b:
        if packing[0] is not packing[1]:
            count = min(len(own.places), len(their.places))
            pairs = ResultPairs(
                own.places[:count], their.places[:count], own.places[count:], their.places[count:], packing
            )
        elif len(only_a) == len(only_b):
            nested = packing[0] is Packing.POSITIONS and any(place.count("[") > 1 for place in (*only_a, *only_b))
            if nested:
                pairs = ResultPairs(own.places, their.places, (), (), packing)
            else:
                pairs = ResultPairs((*shared, *only_a), (*shared, *only_b), (), (), packing, renamed=True)
    if len(own.losses) != len(their.losses):
        return replace(pairs, losses=(own.losses, their.losses))
    return replace(pairs, a=(*pairs.a, *own.losses), b=(*pairs.b, *their.losses))


def in_order(captured: Capture, paired: tuple[str, ...]) -> Capture:
    """Return a capture whose outputs stand in the order of the pairs, those without a partner last."""
    graph = captured.form.graph
    node_at = dict(zip((*captured.signature.places, *captured.signature.losses), graph.outputs, strict=True))
    order = (*paired, *(place for place in node_at if place not in paired))
    outputs = tuple(node_at[place] for place in order)
    return replace(captured, form=replace(captured.form, graph=replace(graph, outputs=outputs)), places=order)
