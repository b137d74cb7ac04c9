"""The hooks of the built-in case; each imports what it needs when it is called."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from diagnose.plugins import Defaults

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from diagnose.networks.origins.aliases import AliasEntry
    from diagnose.params.gap.edits.edit import Edit
    from diagnose.params.gap.layout import Layout
    from diagnose.values import ModelRef, StatedFact


def aliases() -> tuple[AliasEntry, ...]:
    """Return the aliases."""
    from diagnose.pinets.network_aliases import entries

    return entries()


def mmpretrain_modules() -> tuple[str, ...]:
    """Return the module that registers `PiNet` and `PiNetCIFAR`."""
    return ("diagnose.pinets.backbones",)


def known_facts(ref: ModelRef) -> tuple[StatedFact, ...]:
    """Return what the paper and the authors' code state of a model."""
    from diagnose.pinets.stated import stated

    return stated(ref)


def arguments(ref: ModelRef, edit: Edit) -> Mapping[str, Any] | None:
    """Return the options of an alias that make an edit."""
    from diagnose.pinets.arguments import arguments

    return arguments(ref, edit)


def published(edit: Edit, layout: Layout) -> str:
    """Return the authors' code that has an edit, empty where none has."""
    from diagnose.pinets.arguments import published

    return published(edit, layout)


def recipes() -> dict[str, Path]:
    """Return the recipes of the paper, of the reproduction and its tools, and of the authors' later code."""
    names = ("paper", "reproduction", "lightning", "mmpretrain", "authors-2022")
    return {name: _folder() / "recipes" / f"{name}.toml" for name in names}


def cases() -> dict[str, Path]:
    """Return the case of Table 5; its trials stand beside it."""
    return {"pinets-table5": _folder() / "cases" / "pinets-table5.toml"}


def defaults() -> Defaults:
    """Return what `diagnose report` and `diagnose probe` take where nothing is named."""
    return Defaults(case="pinets-table5", models=("prodpoly", "mm"), recipe="reproduction", against="authors-2022")


def _folder() -> Path:
    return Path(str(files("diagnose.pinets")))
