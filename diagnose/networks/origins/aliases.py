"""The aliases: MODELs with a short name, each with the options of its builder. Plugins bring them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.networks.build_errors import check_call
from diagnose.networks.consent import ask_for_download
from diagnose.networks.origins.origin import Alias, ModelFactory, Shapes
from diagnose.plugins import hooks
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn


Options = Mapping[str, Any]
"""An alias's options, those that it presets among them."""


def _nothing() -> None:
    """Import nothing: the builder imports what it needs."""


def _no_notes(options: Options) -> tuple[str, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class AliasEntry:
    """An alias: its builder, whose keyword arguments are its options, and what the house must know of it.

    Attributes:
        preset: options that it sets.
        load: imports what the builder needs; called outside the context in which nothing is allocated.
        input_shapes: the input shapes that its options imply.
        notes: what a reader should know about the model.
        published: the MODEL text that has its published weights.
        narrow: the options that give its first stage a number of channels; None where it has none.
    """

    alias: Alias
    builder: Callable[..., nn.Module]
    input_shapes: Callable[[Options], Shapes]
    preset: dict[str, Any] = field(default_factory=dict)
    load: Callable[[], object] = _nothing
    notes: Callable[[Options], tuple[str, ...]] = _no_notes
    published: str = ""
    narrow: Callable[[int], dict[str, Any]] | None = None


def entries() -> dict[str, AliasEntry]:
    """Return the aliases of all plugins by their names, in the order in which they should be read."""
    found: dict[str, AliasEntry] = {}
    for entry in _all():
        found.setdefault(entry.alias.name, entry)
    return found


def entry_of(name: str) -> AliasEntry | None:
    """Return the alias of that name; None where there is none."""
    return next((entry for entry in _all() if entry.alias.name == name), None)


def _all() -> Iterator[AliasEntry]:
    for hook in hooks("aliases"):
        yield from hook()


def aliases() -> tuple[Alias, ...]:
    """Return the aliases in the order in which they should be read."""
    return tuple(entry.alias for entry in entries().values())


class Catalogue:
    """The aliases as an origin."""

    def names(self) -> tuple[str, ...]:
        """Return the aliases' names."""
        return tuple(entries())

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Look an alias up and check its options."""
        ask_for_download(ref)
        entry = entry_of(ref.name)
        if entry is None:
            raise _unknown(ref)
        if pretrained:
            raise UsageError(
                f"The alias {ref.name!r} has no published weights.",
                hint=f"{entry.published} has." if entry.published else "",
            )
        options = {**entry.preset, **dict(ref.kwargs)}
        check_call(entry.builder, ref, options)
        entry.load()
        return ModelFactory(
            make=partial(entry.builder, **options),
            origin=entry.alias.origin,
            input_shapes=lambda module: entry.input_shapes(options),
            notes=lambda module: entry.notes(options),
        )


def _unknown(ref: ModelRef) -> DiagnoseError:
    """Return the error for a bare name that is no alias, with the aliases near it and the sources that have it."""
    from difflib import get_close_matches

    from diagnose.networks.origins.registry import SEARCHED, names

    known_aliases = tuple(entries())
    typo = get_close_matches(ref.name, known_aliases, cutoff=0.8)  # so near that no library need be asked
    having: list[str] = []
    for source in () if typo else SEARCHED:
        try:
            known = names(source)
        except DiagnoseError:
            continue  # not installed here: nothing to propose
        # mmpretrain's names carry the recipe: resnet18_8xb32_in1k.
        named = [name for name in known if name == ref.name or name.startswith(f"{ref.name}_8x")]
        having += [f"{source}:{name}" for name in named[:2]]
    near = nearest(ref.name, known_aliases) or f"Aliases: {', '.join(known_aliases)}."
    hint = f"Did you mean {' or '.join(having)}?" if having else near
    return UsageError(f"There is no alias {ref.name!r}.", hint=hint)


ORIGIN = Catalogue()
