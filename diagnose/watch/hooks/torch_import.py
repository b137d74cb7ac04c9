"""Call a function once torch has been imported, and at no earlier time."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType
from typing import Any


def when_imported(install: Callable[[], None]) -> None:
    """Call `install` once torch has been imported, at once where it is; an import that fails does not call it."""
    if "torch" in sys.modules:
        install()
    else:
        sys.meta_path.insert(0, _TorchFinder(install))


class _TorchFinder(MetaPathFinder):
    """Finds torch as it would be found without us, with a loader that tells when it has been loaded."""

    def __init__(self, install: Callable[[], None]) -> None:
        self.install = install
        self.searching = False

    def find_spec(self, name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """Return the spec of torch, and None for any other name."""
        if name != "torch" or self.searching:
            return None
        self.searching = True
        try:
            spec = find_spec(name)
        finally:
            self.searching = False
        if spec is not None and spec.loader is not None:
            spec.loader = _TellingLoader(spec.loader, self)
        return spec


class _TellingLoader(Loader):
    """Loads as another loader does, and calls `install` after it."""

    def __init__(self, loader: Any, finder: _TorchFinder) -> None:
        self.loader = loader
        self.finder = finder

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        """Return what the loader itself creates."""
        module: ModuleType | None = self.loader.create_module(spec)
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Run the module; then put everything back as it was, and call `install`."""
        if module.__spec__ is not None:
            module.__spec__.loader = self.loader
        module.__loader__ = self.loader
        self.loader.exec_module(module)
        if self.finder in sys.meta_path:
            sys.meta_path.remove(self.finder)
            self.finder.install()
