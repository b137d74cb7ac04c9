"""What extends the house from outside: the built-in case, and packages that the user has installed.

A plugin is a module with any of the functions below, its *hooks*. A hook is called when somebody asks for what it has,
and imports only then what it needs. Where two plugins have something of one name, the first one's counts, and the
built-in case comes first. A package announces its plugin as an entry point:

    [project.entry-points."diagnose.plugins"]
    mine = "my_package.for_diagnose"

- `aliases()`: the `networks.origins.aliases.AliasEntry` of each of its aliases.
- `mmpretrain_modules()`: the names of modules to import with mmpretrain, since they register backbones there.
- `known_facts(ref)`: what documents state of a model, each a `values.StatedFact`; empty where it knows nothing of it.
- `arguments(ref, edit)`: the keyword arguments with which a model's own builder makes an edit of the gap search; None
  where it has none.
- `published(edit, layout)`: the published code that has an edit of the gap search on a network like that; else empty.
- `recipes()`: its recipes, a mapping from name to TOML file.
- `cases()`: its cases, a mapping from name to TOML file.
- `defaults()`: the `Defaults` of the commands.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

from diagnose.errors import CannotRun

BUILT_IN = ("diagnose.pinets.plugin",)
GROUP = "diagnose.plugins"
"""The group of entry points that announce plugins."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """What commands take where the user names nothing.

    `case` is a case's name; `models` are MODEL texts, and `recipe` and `against` the recipes, of a probe.
    """

    case: str
    models: tuple[str, ...]
    recipe: str
    against: str


def plugins() -> Iterator[object]:
    """Yield the plugins, the built-in case first; whoever finds what he looks for there reads no package's metadata.

    Raises:
        DiagnoseError: one of them cannot be imported (exit code 3).
    """
    yield from map(import_module, BUILT_IN)
    yield from _installed()


@cache
def _installed() -> tuple[object, ...]:
    from importlib.metadata import entry_points

    return tuple(_loaded(point) for point in entry_points(group=GROUP))


def _loaded(point: Any) -> object:
    try:
        return point.load()
    except Exception as error:
        raise CannotRun(
            f"The plugin {point.value} cannot be imported: {type(error).__name__}: {error}",
            hint=f"The installed package {point.dist.name} announces it.",
        ) from error


def hooks(name: str) -> Iterator[Callable[..., Any]]:
    """Yield the hook `name` of every plugin that has it."""
    for plugin in plugins():
        hook = getattr(plugin, name, None)
        if hook is not None:
            yield hook


def files(name: str) -> dict[str, Path]:
    """Return the files that a hook of all plugins has, by their names."""
    found: dict[str, Path] = {}
    for hook in hooks(name):
        found |= {key: file for key, file in hook().items() if key not in found}
    return found


def file_of(name: str, key: str) -> Path | None:
    """Return the file that a hook of the first plugin which knows it has for `key`; None where there is none."""
    return next((found[key] for found in (hook() for hook in hooks(name)) if key in found), None)


def defaults() -> Defaults:
    """Return what commands take where the user names nothing."""
    found: Defaults = next(hooks("defaults"))()
    return found
