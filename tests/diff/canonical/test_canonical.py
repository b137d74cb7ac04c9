"""The canonical form: idempotent, blind to names and to the order in which independent operations are written."""

import random
from dataclasses import replace
from functools import cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from diagnose.diff.align.align import align
from diagnose.diff.canonical.canonical import canonical
from diagnose.diff.capture.capture import capture
from diagnose.diff.ir.digest import digest
from diagnose.diff.ir.graph import Graph
from diagnose.diff.ir.interpreter import Execution, evaluate
from diagnose.diff.proof.random_weights import ProofArithmetic, state_of
from tests.diff.architectures import ARCHITECTURES, INPUT

NAMES = ("densenet", "resnet", "unet", "vit")


@cache
def captured(name: str, training: bool = True) -> Graph:
    torch.manual_seed(0)
    return capture(ARCHITECTURES[name](), (torch.zeros(INPUT),), training=training, twice=False).form.graph


def shuffled(graph: Graph, seed: int) -> Graph:
    """Return the graph with other names, in another topological order, and commuted sums."""
    generator = random.Random(seed)
    waiting = {node.id: set(node.inputs) for node in graph.nodes}
    inputs = [node.id for node in graph.nodes if node.op == "input"]  # their order is the signature
    order: list[int] = []
    while waiting:
        ready = [node_id for node_id, needs in waiting.items() if not needs - set(order)]
        ready = [
            node_id for node_id in ready if node_id not in inputs or node_id == next(i for i in inputs if i in waiting)
        ]
        chosen = generator.choice(ready)
        order.append(chosen)
        del waiting[chosen]
    number = {old: new for new, old in enumerate(order)}
    nodes = []
    for old in order:
        node = graph.nodes[old]
        values = [number[value] for value in node.inputs]
        if node.op in ("add", "mul"):
            generator.shuffle(values)
        nodes.append(replace(node, id=number[old], inputs=tuple(values), name=f"w{old}", module_path=f"m{old}"))
    outputs = tuple(number[value] for value in graph.outputs)
    return replace(
        graph, nodes=tuple(nodes), outputs=outputs, effects=tuple(number[node_id] for node_id in graph.effects)
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_is_idempotent(name) -> None:
    again = canonical(captured(name))

    assert digest(again.graph) == digest(captured(name))
    assert len(again.graph.nodes) == len(captured(name).nodes)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(NAMES), st.integers(0, 10_000))
def test_it_is_blind_to_names_and_order(name, seed) -> None:
    expected = canonical(shuffled(captured(name), seed)).graph

    assert digest(expected) == digest(captured(name))
    assert align(captured(name), expected).equal


@pytest.mark.parametrize("name", NAMES)
def test_a_graph_aligns_with_itself_totally(name) -> None:
    alignment = align(captured(name), captured(name))

    assert alignment.equal
    assert alignment.to_b == {node: node for node in alignment.a.nodes}


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_it_computes_what_the_network_computes(name, training) -> None:
    torch.manual_seed(0)
    network = ARCHITECTURES[name]().train(training)
    x = torch.randn(INPUT)
    form = capture(network, (x,), training=training, twice=False)
    network, x = network.double(), x.double()
    state = {key: value.detach().clone() for key, value in state_of(network).items()}
    values = {}
    with torch.no_grad(), ProofArithmetic():
        for node in form.form.graph.nodes:
            leaf = {"input": x}.get(node.op, state.get(node.name))
            reads = [values[value] for value in node.inputs]
            values[node.id] = leaf if leaf is not None else evaluate(node, reads, form.constants, Execution())
        expected = network(x)

    torch.testing.assert_close(values[form.form.graph.outputs[0]], expected, rtol=1e-5, atol=1e-5)


def test_two_norms_are_not_one_norm_used_twice(compare) -> None:
    norm = nn.BatchNorm2d(3)
    answer = compare(nn.Sequential(norm, nn.ReLU(), norm), nn.Sequential(norm, nn.ReLU(), nn.BatchNorm2d(3)))

    assert answer.verdict == "different"
    assert {node_id.kind for node_id in answer.findings if node_id.verdict == "real"} == {"parameter sharing"}
