"""The hooks of the built-in case; each imports what it needs when it is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from diagnose.networks.aliases import Entry
    from diagnose.params.gap.edits.edit import Edit
    from diagnose.values import ModelRef, Stated


def aliases() -> tuple[Entry, ...]:
    """Return the aliases."""
    from diagnose.pinets.aliases import entries

    return entries()


def mmpretrain_modules() -> tuple[str, ...]:
    """Return the module that registers `PiNet` and `PiNetCIFAR`."""
    return ("diagnose.pinets.backbones",)


def known_facts(ref: ModelRef) -> tuple[Stated, ...]:
    """Return what the paper and the authors' code state of a model."""
    from diagnose.pinets.stated import stated

    return stated(ref)


def arguments(ref: ModelRef, edit: Edit) -> Mapping[str, Any] | None:
    """Return the options of an alias that make an edit."""
    from diagnose.pinets.arguments import arguments

    return arguments(ref, edit)
