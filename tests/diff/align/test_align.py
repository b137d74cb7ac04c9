"""Alignment: sequences against their definition, long chains, removed and inserted blocks."""

import itertools
import random
import time
from dataclasses import replace

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from diagnose.diff.align.align import align
from diagnose.diff.align.sequence import _exact, align_sequences
from diagnose.diff.capture.capture import capture
from diagnose.diff.ir.graph import Graph, Node
from tests.diff.architectures import ARCHITECTURES, INPUT, basic, head, unit

WORDS = st.lists(st.sampled_from("abc"), max_size=7)


def longest(a: list[str], b: list[str]) -> int:
    """Return the length of the longest common subsequence, by trying all."""
    return max(
        size
        for size in range(min(len(a), len(b)) + 1)
        for part in itertools.combinations(a, size)
        if part in itertools.combinations(b, size)
    )


@given(WORDS, WORDS)
def test_the_exact_alignment_is_a_longest_common_subsequence(a, b) -> None:
    pairs = _exact(a, b)

    assert all(a[i] == b[j] for i, j in pairs)
    assert all(pair[0] < two[0] and pair[1] < two[1] for pair, two in itertools.pairwise(pairs))
    assert len(pairs) == longest(a, b)


@given(WORDS, WORDS)
def test_the_graded_alignment_pairs_no_less(a, b) -> None:
    gaps = [1.0] * len(a), [1.0] * len(b)

    pairs = align_sequences(a, b, lambda i, j: 0.0 if a[i] == b[j] else 2.5, gaps)

    assert sum(a[i] == b[j] for i, j in pairs) == len(pairs) == longest(a, b)


def chain(kinds: list[str]) -> Graph:
    nodes = [Node(0, "input", "", (), (), (2, 4), name="x")]
    for kind in kinds:
        nodes.append(Node(len(nodes), kind, "", (), (len(nodes) - 1,), (2, 4)))
    return Graph(tuple(nodes), (len(nodes) - 1,), (), True, "export")


def test_a_chain_of_ten_thousand_operations_aligns_with_an_edited_copy_in_ten_seconds() -> None:
    generator = random.Random(0)
    kinds = [generator.choice(("tanh", "exp", "relu", "erf")) for _ in range(10_000)]
    gone = set(generator.sample(range(10_000), 60))
    edited = [kind for index, kind in enumerate(kinds) if index not in gone]
    start = time.process_time()

    alignment = align(chain(kinds), chain(edited))

    assert time.process_time() - start < 10
    # An operation between two that are gone has no neighbour left to be known by.
    assert len(alignment.to_b) >= len(edited) - 5


def graph_of(network: nn.Module) -> Graph:
    return capture(network, (torch.zeros(INPUT),), training=True, twice=False).form.graph


def test_a_removed_block_leaves_every_other_weight_in_its_place() -> None:
    stages = [unit(3, 8), basic(8, 8), basic(8, 16, 2), basic(16, 16), basic(16, 16), basic(16, 24, 2), head(24)]
    whole = nn.Sequential(*stages)
    shorter = nn.Sequential(*stages[:3], *stages[5:])  # the same weights: their names move, they do not

    alignment = align(graph_of(whole), graph_of(shorter))

    names = {0: 0, 1: 1, 2: 2, 5: 3, 6: 4}
    for node_a, node_b in alignment.weights:
        left, right = alignment.a.graph.nodes[node_a].name, alignment.b.graph.nodes[node_b].name
        stage, _, rest = left.partition(".")
        assert right == f"{names[int(stage)]}.{rest}"
    assert len(alignment.b.nodes) == len(alignment.to_b)


def test_names_have_no_part() -> None:
    graph = graph_of(ARCHITECTURES["inception"]())
    renamed = replace(graph, nodes=tuple(replace(node, module_path=str(-node.id)) for node in graph.nodes))

    assert align(graph, renamed).to_b == {node: node for node in align(graph, graph).a.nodes}
