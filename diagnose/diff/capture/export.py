"""Capture by `torch.export`: the module's calls with their module paths, without running a convolution."""

from __future__ import annotations

import io
import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.export.graph_signature import InputKind
from torch.fx import Node as FxNode
from torch.fx.experimental.symbolic_shapes import GuardOnDataDependentSymNode

from diagnose.diff.capture.leaves import constant_leaf, is_state, state_leaf
from diagnose.diff.capture.results import flattened
from diagnose.diff.capture.tape import CannotCapture, Ref, Tape, TapeEntry, meta_of
from diagnose.errors import in_one_line
from diagnose.networks.build_errors import as_exceptions

_NO_COMPUTATION = {"_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range_for_size"}


def export_tape(module: nn.Module, inputs: tuple[Tensor, ...]) -> Tape:
    """Capture a module in its present mode on `inputs`, of which only shape and element type are read.

    Raises:
        CannotCapture: `torch.export` refuses, or uses an operator that runs a graph of its own.
    """
    with _silence():
        try:
            with as_exceptions(), flattened(module) as seen:
                program = torch.export.export(module, inputs, strict=False)
        except Exception as error:  # torch.export raises any type for any construct that it cannot follow
            raise CannotCapture(in_one_line(error)[:200]) from error
    try:
        tape = _ProgramReader(module, program).read()
    except GuardOnDataDependentSymNode as error:
        raise CannotCapture("a shape depends on the data") from error
    tape.signature = seen[-1].signature
    if len(tape.outputs) != len(tape.signature.places) + len(tape.signature.losses):
        raise CannotCapture("a result is no tensor in the graph")
    return tape


@contextmanager
def _silence() -> Iterator[None]:
    """Keep back what torch warns, logs and prints of a network that it cannot follow; the error says it in a line."""
    disabled = logging.root.manager.disable
    sink = io.StringIO()
    with warnings.catch_warnings(), redirect_stdout(sink), redirect_stderr(sink):
        warnings.simplefilter("ignore")
        logging.disable(logging.CRITICAL)
        try:
            yield
        finally:
            logging.disable(disabled)


class _ProgramReader:
    def __init__(self, module: nn.Module, program: torch.export.ExportedProgram) -> None:
        self.module, self.program = module, program
        self.tape = Tape()
        self.values: dict[FxNode, Any] = {}

    def read(self) -> Tape:
        specs = {spec.arg.name: spec for spec in self.program.graph_signature.input_specs if hasattr(spec.arg, "name")}
        mutated = self._mutated()
        for node in self.program.graph.nodes:
            if node.op == "placeholder":
                self.values[node] = Ref(self.tape.add(self._leaf(node, specs[node.name], node in mutated)))
        self._calls(self.program.graph_module, self.program.graph, detached=False)
        (output,) = self.program.graph.find_nodes(op="output")
        self.tape.outputs = [self.values[value] for value in _flat(output.args[0])]
        return self.tape

    def _mutated(self) -> set[FxNode]:
        changed = set()
        for graph_module in self.program.graph_module.modules():
            for node in getattr(getattr(graph_module, "graph", None), "nodes", ()):
                if node.op == "call_function" and _writes(node.target) and isinstance(node.args[0], FxNode):
                    changed.add(node.args[0])
                if node.op == "call_function" and "norm" in str(node.target):
                    changed.update(value for value in node.args[3:5] if isinstance(value, FxNode))
        return changed

    def _leaf(self, node: FxNode, spec: Any, mutated: bool) -> TapeEntry:
        if spec.kind is InputKind.USER_INPUT:
            value = node.meta["val"]
            if not isinstance(value, Tensor):
                return TapeEntry(None, leaf="input", name=node.name, attributes=(("value", value),))
            return TapeEntry(None, leaf="input", name=node.name, results=(meta_of(value),))
        if spec.kind is InputKind.PARAMETER:
            return state_leaf(spec.target, self.module.get_parameter(spec.target))
        if spec.kind is InputKind.BUFFER:
            tensor = self.module.get_buffer(spec.target)
            if is_state(self.module, spec.target, tensor, mutated=mutated):
                return state_leaf(spec.target, tensor)
            return constant_leaf(tensor, self.tape, spec.target)
        if spec.kind is InputKind.CONSTANT_TENSOR:
            return constant_leaf(self.program.constants[spec.target], self.tape)
        raise CannotCapture(f"an input of the kind {spec.kind.name}")

    def _calls(self, graph_module: torch.fx.GraphModule, graph: torch.fx.Graph, *, detached: bool) -> None:
        for node in graph.nodes:
            if node.op == "call_function":
                self._call(graph_module, node, detached=detached)

    def _call(self, graph_module: torch.fx.GraphModule, node: FxNode, *, detached: bool) -> None:
        name = getattr(node.target, "__name__", str(node.target))
        if name == "getitem":
            self.values[node] = _item(self.values[node.args[0]], node.args[1])  # type: ignore[index,arg-type]
        elif name == "wrap_with_set_grad_enabled":
            self._inline(graph_module, node)
        elif isinstance(node.target, torch._ops.OpOverload):
            if node.target._opname not in _NO_COMPUTATION:
                self.values[node] = Ref(self.tape.add(self._entry(node, node.target, detached=detached)))
        else:
            raise CannotCapture(f"the operator {name}")

    def _inline(self, graph_module: torch.fx.GraphModule, node: FxNode) -> None:
        """Write down the body of a `no_grad` region in place of its call."""
        enabled, body, *arguments = node.args
        inner = getattr(graph_module, body.target)  # type: ignore[union-attr,arg-type]
        for placeholder, argument in zip(inner.graph.find_nodes(op="placeholder"), arguments, strict=True):
            self.values[placeholder] = self.values[argument]  # type: ignore[index]
        self._calls(inner, inner.graph, detached=not enabled)
        (output,) = inner.graph.find_nodes(op="output")
        self.values[node] = _Body(self.values[value] for value in _flat(output.args[0]))

    def _mapped(self, arguments: Any) -> Any:
        return torch.fx.node.map_arg(arguments, self.values.__getitem__)

    def _entry(self, node: FxNode, target: torch._ops.OpOverload, *, detached: bool) -> TapeEntry:
        value = node.meta.get("val")
        results = value if isinstance(value, (tuple, list)) else (value,)
        if any(not isinstance(item, (Tensor, type(None))) for item in results):
            raise CannotCapture(f"{target} returns a number that depends on the data")
        return TapeEntry(
            target,
            self._mapped(node.args),
            dict(self._mapped(node.kwargs)),
            tuple(meta_of(item) for item in results if isinstance(item, Tensor)),
            _module_path(node),
            _source(node.meta.get("stack_trace") or ""),
            detached,
        )


class _Body(list[Ref]):
    """The results of an inlined region, which `getitem` picks from."""


def _item(value: Any, index: int) -> Ref:
    if isinstance(value, _Body):
        return value[index]
    return Ref(value.entry, index)


def _writes(target: Any) -> bool:
    schema = getattr(target, "_schema", None)
    first = schema.arguments[0].alias_info if schema is not None and schema.arguments else None
    return first is not None and bool(first.is_write)


def _flat(value: Any) -> list[FxNode]:
    if isinstance(value, FxNode):
        return [value]
    if isinstance(value, (tuple, list)):
        return [node for item in value for node in _flat(item)]
    return []


def _module_path(node: FxNode) -> str:
    stack = node.meta.get("nn_module_stack")
    return str(list(stack.values())[-1][0]) if stack else ""


def _source(trace: str) -> str:
    """Return "file:line" of the innermost frame outside torch, the file from its package on."""
    frames = [line.strip() for line in trace.splitlines() if line.strip().startswith('File "')]
    if not frames:
        return ""
    outside = [frame for frame in frames if "/torch/" not in frame]
    file, _, rest = (outside or frames)[-1].removeprefix('File "').partition('", line ')
    roots = [root.rstrip("/") for root in sys.path if root and file.startswith(root.rstrip("/") + "/")]
    short = file[len(max(roots, key=len)) + 1 :] if roots else Path(file).name
    return f"{short}:{rest.partition(',')[0]}"
