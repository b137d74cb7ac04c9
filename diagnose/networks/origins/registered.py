"""What mmengine may build without the user's word: types that its own libraries and this package have registered.

mmengine's registry imports and calls whatever a `type` names with dots (`os.system` as well as `torch.nn.ReLU`). Where
foreign code may not run, the whole configuration is checked before anything of it is built, and the registry cannot
import by name meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

from diagnose.networks.consent import ConsentError, Need

SCOPES = ("mmpretrain", "mmcv", "mmengine")
"""The libraries whose registrations may be built, also the scopes that may stand before a `type`."""

ROOTS = (*SCOPES, "torch", "diagnose")
"""The packages in which a registered class must be defined; mmcv registers torch's own layers."""

REGISTRIES = ("MODELS", "WEIGHT_INITIALIZERS", "BATCH_AUGMENTS", "TOKENIZER")
"""The registries of mmpretrain that the parts of a model are built from, each with its parents."""


def check_registered(config: Mapping[str, Any]) -> None:
    """Check every `type` and every `_scope_` of a model's configuration, at any depth; build nothing.

    Raises:
        ConsentError: one of them is not registered.
    """
    for name in _foreign(config):
        raise ConsentError(Need.CODE, f"the type `{name}`, which no library of models has registered,")


@contextmanager
def nothing_imported() -> Iterator[None]:
    """Within this context mmengine's registry imports nothing by a name that a configuration gave it.

    What `check_registered` cannot see, such as a class that makes a `type` out of one of its texts, ends here.
    """
    import mmengine.registry.registry as registry

    def refuse(name: str) -> None:
        raise ConsentError(Need.CODE, f"`{name}`, which is to be imported,")

    def own(name: str) -> ModuleType:
        if name.partition(".")[0] not in ROOTS:
            refuse(name)
        return import_module(name)

    before = registry.get_object_from_string, registry.import_module
    registry.get_object_from_string, registry.import_module = refuse, own
    try:
        yield
    finally:
        registry.get_object_from_string, registry.import_module = before


def _foreign(part: object) -> Iterator[object]:
    """Yield the types and scopes in a configuration that are not registered."""
    if isinstance(part, Mapping):
        named, scope = part.get("type"), part.get("_scope_")
        if isinstance(named, str) and not _is_registered(named):
            yield named
        if scope is not None and scope not in SCOPES:
            yield scope
        for value in part.values():
            yield from _foreign(value)
    elif isinstance(part, (list, tuple)):
        for value in part:
            yield from _foreign(value)


def _is_registered(name: str) -> bool:
    scope, dot, bare = name.partition(".")
    if dot and scope not in SCOPES:
        return False
    return any(_defined_here(registry.module_dict.get(bare if dot else name)) for registry in _registries())


def _defined_here(registered: object) -> bool:
    return str(getattr(registered, "__module__", "")).partition(".")[0] in ROOTS


def _registries() -> Iterator[Any]:
    from mmpretrain import registry

    for name in REGISTRIES:
        found = getattr(registry, name)
        while found is not None:
            found.import_from_location()
            yield found
            found = found.parent
