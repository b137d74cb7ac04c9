"""Capture a network in one mode, and say how it was done and whether it computes the same each time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor, nn

from diagnose.diff.canonical.canonical import Canonical, canonical
from diagnose.diff.capture.export import export_tape
from diagnose.diff.capture.functionalise import functional
from diagnose.diff.capture.record import record_tape
from diagnose.diff.capture.results import Signature
from diagnose.diff.capture.steady import is_steady
from diagnose.diff.capture.tape import CannotCapture, Tape
from diagnose.diff.ir.digest import digest
from diagnose.networks.process_state import attributes_kept, in_mode
from diagnose.values import Skipped

Way = Callable[[nn.Module, tuple[Tensor, ...]], Tape]


@dataclass(frozen=True, slots=True)
class Capture:
    """A network's canonical form in one mode, and the tensors of its constants by their digest.

    `steady` is False where two forward passes called other operators; `signature` says where the outputs stand in what
    the network returns, and `places` where each output of the graph does.
    """

    form: Canonical
    constants: Mapping[str, Tensor]
    signature: Signature
    steady: bool
    skipped: tuple[Skipped, ...] = ()
    places: tuple[str, ...] = ()


def capture(
    module: nn.Module, inputs: tuple[Tensor, ...], *, training: bool, recorder: bool = False, twice: bool = True
) -> Capture:
    """Capture a module on `inputs`; its modes are restored.

    Args:
        module: the network; its weights are not read, the values of its constants are.
        inputs: of which export reads shape and element type alone; the recorder runs them.
        training: the mode to capture.
        recorder: run the module and record it, without trying `torch.export` first.
        twice: follow two more forward passes and compare them, to notice Python's randomness.

    Raises:
        CannotCapture: neither way works.
    """
    skipped: tuple[Skipped, ...] = ()
    with in_mode(module, training=training), attributes_kept(module):
        way = record_tape if recorder else export_tape
        try:
            tape = way(module, inputs)
        except CannotCapture as error:
            if recorder:
                raise
            skipped = (Skipped("torch.export", str(error)),)
            way = record_tape
            tape = way(module, inputs)
        name = "recorder" if way is record_tape else "export"
        form = _form(tape, training, name)
        steady = not twice or _steady(way, module, inputs, form, training)
    places = *tape.signature.places, *tape.signature.losses
    return Capture(form, tape.constants, tape.signature, steady, skipped, places)


def _steady(way: Way, module: nn.Module, inputs: tuple[Tensor, ...], form: Canonical, training: bool) -> bool:
    """Say whether a network computes the same each time; where that cannot be told cheaply, capture it once more."""
    steady = None if way is record_tape else is_steady(module, inputs)
    if steady is None:
        return digest(_form(way(module, inputs), training, form.graph.capture).graph) == digest(form.graph)
    return steady


def _form(tape: Tape, training: bool, name: str) -> Canonical:
    return canonical(functional(tape, training=training, capture=name))
