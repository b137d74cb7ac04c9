"""From a tape to a graph: in-place operations become values, so that one node is one value.

A tensor is a root or a view of one. Writing into a view writes into its root; every other view of that root is then
read anew. What is left is a graph in which an operation written in place and its functional twin look the same.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from diagnose.diff.capture.tape import CannotCapture, Meta, Ref, Tape, TapeEntry
from diagnose.diff.ir.graph import Graph, Node
from diagnose.diff.ir.operation_table import operation

_IRRELEVANT = {"device", "layout", "pin_memory", "memory_format", "non_blocking", "requires_grad", "cudnn_enabled"}


@dataclass(slots=True)
class _Slot:
    """One tensor of the run: the node that holds its present value and, for a view, how it is read off `parent`."""

    node: int
    parent: _Slot | None = None
    view: Node | None = None
    version: int = 0
    writes: int = 0

    def root(self) -> _Slot:
        return self if self.parent is None else self.parent.root()


def functional(tape: Tape, *, training: bool, capture: str) -> Graph:
    """Return the graph of a tape.

    Raises:
        CannotCapture: an operation is written in place in a way that has no functional form here.
    """
    return _Functionaliser(tape).graph(training, capture)


class _Functionaliser:
    def __init__(self, tape: Tape) -> None:
        self.tape = tape
        self.nodes: list[Node] = []
        self.slots: dict[Ref, _Slot] = {}
        self.buffers: list[_Slot] = []
        self.effects: list[int] = []

    def graph(self, training: bool, capture: str) -> Graph:
        for index, entry in enumerate(self.tape.entries):
            if entry.target is None:
                self._leaf(index, entry)
            else:
                self._call(index, entry, entry.target)
        outputs = tuple(self._read(self._slot(ref)) for ref in self.tape.outputs)
        effects = [slot.node for slot in self.buffers if slot.writes]
        effects += [self._read(self._slot(ref)) for ref in self.tape.watched]
        return Graph(tuple(self.nodes), outputs, tuple(self.effects + effects), training, capture)

    def _emit(self, op: str, entry: TapeEntry, attributes: Any, inputs: tuple[int, ...], meta: Meta) -> int:
        node = Node(
            len(self.nodes), op, entry.module_path, attributes, inputs, meta.shape, meta.dtype, entry.name, entry.source
        )
        self.nodes.append(node)
        return node.id

    def _leaf(self, index: int, entry: TapeEntry) -> None:
        meta = entry.results[0] if entry.results else Meta((), "none")
        slot = _Slot(self._emit(entry.leaf, entry, entry.attributes, (), meta))
        self.slots[Ref(index)] = slot
        if entry.leaf == "buffer":
            self.buffers.append(slot)

    def _slot(self, ref: Ref) -> _Slot:
        if ref in self.slots:
            return self.slots[ref]
        source = self.slots[Ref(ref.entry)]
        entry = self.tape.entries[ref.entry]
        node = self._emit("getitem", entry, (("index", ref.result),), (source.node,), entry.results[ref.result or 0])
        self.slots[ref] = _Slot(node)
        return self.slots[ref]

    def _read(self, slot: _Slot) -> int:
        """Return the node of a tensor's present value; a view is read again if its root was written since."""
        if slot.parent is not None and slot.view is not None and slot.version != slot.root().writes:
            parent = self._read(slot.parent)
            again = replace(slot.view, id=len(self.nodes), inputs=(parent, *slot.view.inputs[1:]))
            self.nodes.append(again)
            slot.node, slot.version = self.nodes[-1].id, slot.root().writes
        return slot.node

    def _write(self, slot: _Slot, node: int, entry: TapeEntry) -> None:
        slot.node = node
        if slot.parent is None or slot.view is None:
            slot.writes += 1
            return
        parent = self._read(slot.parent) if slot.parent.parent is not None else slot.parent.node
        held = self.nodes[parent]
        attributes = (("view", slot.view.op), *slot.view.attributes)
        written = self._emit("write_view", entry, attributes, (parent, node), Meta(held.shape, held.dtype))
        self._write(slot.parent, written, entry)
        slot.version = slot.root().writes

    def _call(self, index: int, entry: TapeEntry, target: torch._ops.OpOverload) -> None:
        if target._opname in ("chunk", "split", "split_with_sizes", "unbind", "tensor_split"):
            self._pieces(index, entry, target)
            return
        inputs, attributes, tensors = self._arguments(entry, target)
        written = [slot for slot, argument in tensors if argument.alias_info and argument.alias_info.is_write]
        viewed = [slot for slot, argument in tensors if argument.alias_info and not argument.alias_info.is_write]
        in_place = target._opname.endswith("_") and not target._opname.startswith("_")
        if len(written) > 1 or (written and not in_place):
            raise CannotCapture(f"{target} writes into several tensors or into an output argument")
        meta = entry.results[0] if entry.results else Meta((), "none")
        node = self._emit(_op_name(target), entry, attributes, inputs, meta)
        if entry.detached:
            node = self._emit("detach", entry, (("slots", (("self", "t"),)),), (node,), meta)
        if written:
            self._write(written[0], node, entry)
            self.slots[Ref(index)] = written[0]
            return
        if viewed and len(entry.results) == 1 and not entry.detached:
            parent = viewed[0]
            self.slots[Ref(index)] = _Slot(node, parent, self.nodes[node], parent.root().writes)
        else:
            self.slots[Ref(index)] = _Slot(node)
        if operation(target._opname).keeps_statistics and "running_mean" in dict(dict(attributes)["slots"]):
            self.effects.append(node)

    def _arguments(
        self, entry: TapeEntry, target: torch._ops.OpOverload
    ) -> tuple[tuple[int, ...], tuple[tuple[str, Any], ...], list[tuple[_Slot, Any]]]:
        """Return the input nodes, the attributes with every default spelled out, and the tensors with their schema."""
        inputs: list[int] = []
        slots: list[tuple[str, str]] = []
        attributes: list[tuple[str, Any]] = []
        tensors: list[tuple[_Slot, Any]] = []
        for position, argument in enumerate(target._schema.arguments):
            value = entry.args[position] if position < len(entry.args) else argument.default_value
            value = entry.kwargs.get(argument.name, value)
            items = value if isinstance(value, (tuple, list)) else (value,)
            if any(isinstance(item, Ref) for item in items):
                held = [self._slot(item) if isinstance(item, Ref) else None for item in items]
                inputs += [self._read(slot) for slot in held if slot is not None]
                tensors += [(slot, argument) for slot in held if slot is not None]
                pattern = "".join("t" if slot is not None else "-" for slot in held)
                slots.append((argument.name, pattern if items is not value else f"[{pattern}]"))
            elif argument.name not in _IRRELEVANT and not (value is None and "Tensor" in str(argument.type)):
                attributes.append((argument.name, plain(value)))
        return tuple(inputs), (("slots", tuple(slots)), *sorted(attributes)), tensors

    def _pieces(self, index: int, entry: TapeEntry, target: torch._ops.OpOverload) -> None:
        """Write chunk, split and unbind down as the slices and selections that they are."""
        source = self._slot(entry.args[0])
        rank = len(self.nodes[source.node].shape)
        names = [argument.name for argument in target._schema.arguments]
        given = dict(zip(names, entry.args, strict=False)) | entry.kwargs
        dim = int(given.get("dim", 0)) % rank
        start = 0
        for result, meta in enumerate(entry.results):
            if target._opname == "unbind":
                op = "select.int"
                where: tuple[tuple[str, Any], ...] = (("dim", dim), ("index", result))
            else:
                stop = start + meta.shape[dim]
                op = "slice.Tensor"
                where = (("dim", dim), ("end", stop), ("start", start), ("step", 1))
                start = stop
            attributes = (("slots", (("self", "t"),)), *where)
            node = self._emit(op, entry, attributes, (self._read(source),), meta)
            self.slots[Ref(index, result)] = _Slot(node, source, self.nodes[node], source.root().writes)


def plain(value: Any) -> Any:
    """Return an argument as a plain value: tuples for lists, names for element types."""
    if isinstance(value, (list, tuple)):
        return tuple(plain(item) for item in value)
    if isinstance(value, torch.dtype):
        return str(value).removeprefix("torch.")
    if isinstance(value, (bool, int, float, str, type(None), complex)):
        return value
    return str(value)


def _op_name(target: torch._ops.OpOverload) -> str:
    name = target._opname.removesuffix("_") if not target._opname.startswith("_") else target._opname
    return name if target._overloadname == "default" else f"{name}.{target._overloadname}"
