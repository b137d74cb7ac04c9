"""Capture by running: every operator call below autograd is written down, where `torch.export` cannot follow.

Records the branch that these inputs take, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

from diagnose.diff.capture.draws import MIDDLE, at_quantile
from diagnose.diff.capture.leaves import constant_leaf, is_state, state_leaf
from diagnose.diff.capture.reads import TensorRead, origin_of, reading_line
from diagnose.diff.capture.results import flattened
from diagnose.diff.capture.tape import CannotCapture, Ref, Tape, TapeEntry, meta_of
from diagnose.errors import in_one_line
from diagnose.networks.build_errors import as_exceptions


def record_tape(
    module: nn.Module,
    inputs: tuple[Tensor, ...],
    *,
    quantile: float = MIDDLE,
    forced: Mapping[int, Any] | None = None,
) -> Tape:
    """Run a module in its present mode and write down what it calls; its buffers and the random state are restored.

    Args:
        module: the network.
        inputs: of the forward pass.
        quantile: what every uniform draw of torch's gives.
        forced: the values that some reads into Python return in place of their own, by their index in the pass.

    Raises:
        CannotCapture: the forward pass fails.
    """
    buffers = {name: buffer.detach().clone() for name, buffer in module.named_buffers()}
    recorder = _TapeRecorder(module, inputs, quantile, forced or {})
    random_state = torch.get_rng_state()
    try:
        with flattened(module) as seen, _paths(module, recorder), torch.enable_grad(), recorder, as_exceptions():
            tensors = module(*inputs)
    except CannotCapture:
        raise
    except Exception as error:  # the forward pass of any model may raise anything
        raise CannotCapture(f"the forward pass failed: {in_one_line(error)[:240]}") from error
    finally:
        torch.set_rng_state(random_state)
        with torch.no_grad():
            for name, buffer in module.named_buffers():
                buffer.copy_(buffers[name])
    recorder.tape.outputs = [recorder.ref(tensor) for tensor in tensors]
    recorder.tape.signature = seen[-1].signature
    return recorder.tape


class _TapeRecorder(TorchDispatchMode):  # type: ignore[no-untyped-call]
    def __init__(
        self, module: nn.Module, inputs: tuple[Tensor, ...], quantile: float, forced: Mapping[int, Any]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.tape = Tape()
        self.quantile, self.forced = quantile, forced
        self.path: list[str] = [""]
        self._alive: list[Tensor] = []
        self._known: dict[int, Ref] = {}
        for name, parameter in module.named_parameters():
            self._leaf(state_leaf(name, parameter), parameter)
        for name, buffer in module.named_buffers():
            state = is_state(
                module, name, buffer, mutated=name.rpartition(".")[2].startswith(("running_", "num_batches"))
            )
            self._leaf(state_leaf(name, buffer) if state else constant_leaf(buffer, self.tape, name), buffer)
        for index, tensor in enumerate(inputs):
            self._leaf(TapeEntry(None, leaf="input", name=f"input {index}", results=(meta_of(tensor),)), tensor)

    def _leaf(self, entry: TapeEntry, tensor: Tensor) -> None:
        self._keep(tensor, Ref(self.tape.add(entry)))

    def _keep(self, tensor: Tensor, ref: Ref) -> None:
        self._alive.append(tensor)
        self._known[id(tensor)] = ref

    def ref(self, tensor: Tensor) -> Ref:
        """Return where a tensor was written down; one from elsewhere is a constant."""
        if id(tensor) not in self._known:
            self._leaf(constant_leaf(tensor, self.tape), tensor)
        return self._known[id(tensor)]

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        before = pytree.tree_map_only(Tensor, self.ref, (tuple(args), kwargs))
        result = func(*args, **kwargs)
        if not any(isinstance(leaf, Tensor) for leaf in pytree.tree_leaves(result)):
            return self._read(before, result)
        if kwargs.get("generator") is None:
            result = at_quantile(func._opname, args, result, self.quantile)
        if torch.Tag.dynamic_output_shape in func.tags:
            self._read(before, None)
        results = result if isinstance(result, (tuple, list)) else (result,)
        index = self.tape.add(
            TapeEntry(func, before[0], dict(before[1]),
                  tuple(meta_of(item) for item in results if isinstance(item, Tensor)), self.path[-1], "",
                  not torch.is_grad_enabled())
        )  # fmt: skip
        writes = func._schema.arguments and func._schema.arguments[0].alias_info
        if writes and writes.is_write:
            self._known[id(results[0])] = Ref(index)
            self._alive.append(results[0])
        else:
            for position, item in enumerate(results):
                if isinstance(item, Tensor):
                    self._keep(item, Ref(index, position if result is not item else None))
        return result

    def _read(self, arguments: Any, value: Any) -> Any:
        """Note a value that is read into Python; None stands for a shape. Return the one that the pass goes on with."""
        refs = [leaf for leaf in pytree.tree_leaves(arguments) if isinstance(leaf, Ref)]
        if not refs or not isinstance(value, (bool, int, float, complex, type(None))):
            return value
        index = len(self.tape.reads)
        value = self.forced.get(index, value)
        origin = origin_of(refs, self.tape.entries)
        self.tape.reads.append(TensorRead(index, value, origin, reading_line(), refs[0]))
        return value


@contextmanager
def _paths(module: nn.Module, recorder: _TapeRecorder) -> Iterator[None]:
    """Keep the path of the module that is running."""
    handles = []
    for name, submodule in module.named_modules():
        handles.append(submodule.register_forward_pre_hook(lambda *_, name=name: recorder.path.append(name)))
        handles.append(submodule.register_forward_hook(lambda *_: _leave(recorder), always_call=True))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _leave(recorder: _TapeRecorder) -> None:
    recorder.path.pop()
