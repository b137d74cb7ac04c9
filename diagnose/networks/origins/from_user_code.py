"""The user's own code: `path/to/file.py:factory(depth=20)` and `package.module:Class`."""

from __future__ import annotations

import copy
import hashlib
import importlib
import importlib.util
import os
import sys
from functools import partial
from importlib.machinery import PathFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

from diagnose.errors import UsageError, nearest
from diagnose.files import LONGEST_CODE, check_regular
from diagnose.networks.build_errors import check_call
from diagnose.networks.consent import ask_for_code
from diagnose.networks.model_text import FORMS, ORIGINS, file_of
from diagnose.networks.origins.origin import ModelFactory, Shapes
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn

SHAPES: Shapes = ((1, 3, 224, 224), (1, 3, 32, 32))
"""What is tried for a model that says nothing about its input: ImageNet's and CIFAR's."""


class User:
    """Python code that the user names, run like `python file.py`."""

    def names(self) -> tuple[str, ...]:
        """Return nothing: the user's code is not listed."""
        return ()

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Import the code and check that its factory can be called; a module-level nn.Module is taken as it is."""
        from torch import nn

        ask_for_code(ref.text)  # before anything is said of it
        if pretrained:
            raise UsageError(f"{ref.text} is your own code, which has no published weights.")
        place, _, _ = ref.name.rpartition(":")
        found, kwargs = named_object(ref), dict(ref.kwargs)
        if isinstance(found, nn.Module):
            if kwargs:
                raise UsageError(f"{ref.name} is a module already and takes no arguments.")
            # A copy, for it belongs to the file that made it, and building again must find it as it was.
            return ModelFactory(partial(copy.deepcopy, found), f"user code, {place}", _input_shapes)
        if not callable(found):
            raise UsageError(f"{ref.name} is a {type(found).__name__}: not a model, not callable.")
        check_call(found, ref, kwargs)
        return ModelFactory(partial(found, **kwargs), f"user code, {place}", _input_shapes)


def named_object(ref: ModelRef) -> object:
    """Import the user's code and return what a text names in it.

    Raises:
        ConsentError: foreign code may not run.
        DiagnoseError: there is no such file, module or name (exit code 2). What the code raises is passed on.
    """
    ask_for_code(ref.text)
    path = file_of(ref.name)
    place, _, attribute = ref.name.rpartition(":")
    return _attribute(_load_file(path) if path else _load_module(place, ref), attribute, ref)


def _input_shapes(module: nn.Module) -> Shapes:
    return SHAPES


def _attribute(module: ModuleType, attribute: str, ref: ModelRef) -> object:
    found: object = module
    for name in attribute.split("."):
        if not hasattr(found, name):
            public = tuple(key for key, value in vars(module).items() if callable(value) and not key.startswith("_"))
            place = ref.name.rpartition(":")[0]
            raise UsageError(f"{place} has no {attribute!r}.", hint=nearest(attribute, public))
        found = getattr(found, name)
    return found


def _load_file(text: str) -> ModuleType:
    """Import a file under a name of its own, once as long as it does not change.

    Its folder stands first on the import path meanwhile, as for `python file.py`; the caller restores the path.
    """
    path = Path(text)
    if not os.path.lexists(path):
        near = nearest(path.name, tuple(p.name for p in path.parent.glob("*.py"))) if path.parent.is_dir() else ""
        raise UsageError(f"There is no file {text!r}.", hint=near)
    check_regular(path, "model's code", most=LONGEST_CODE)
    path = path.resolve()
    stamp = f"{path}:{path.stat().st_mtime_ns}:{path.stat().st_size}"
    name = f"{path.stem}_{hashlib.sha256(stamp.encode(errors='surrogateescape')).hexdigest()[:12]}"
    if name in sys.modules:
        return sys.modules[name]
    _forget_namesakes(path.parent)
    sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise UsageError(f"{text!r} cannot be imported.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module


def _forget_namesakes(folder: Path) -> None:
    """Forget loaded modules that stand where `folder` has a file of the same name.

    Two models in two folders, each with its own layers.py, must each get their own. What the import path finds by
    itself (an installed package) stays.
    """
    siblings = {p.stem if p.suffix == ".py" else p.name for p in folder.iterdir() if p.suffix in ("", ".py")}
    for name in siblings & set(sys.modules) - sys.stdlib_module_names - {__name__.partition(".")[0]}:
        loaded = getattr(sys.modules[name], "__file__", None)
        if loaded is None or Path(loaded).is_relative_to(folder):
            continue
        usual = PathFinder.find_spec(name)
        if usual is None or usual.origin != loaded:
            for key in [key for key in sys.modules if key == name or key.startswith(name + ".")]:
                del sys.modules[key]


def _load_module(dotted: str, ref: ModelRef) -> ModuleType:
    sys.path.insert(0, str(Path.cwd()))
    try:
        return importlib.import_module(dotted)
    except ModuleNotFoundError as error:
        if error.name is None or not (dotted == error.name or dotted.startswith(error.name + ".")):
            raise  # the module is there, and something that it imports is not
        hint = nearest(dotted, ORIGINS) or FORMS
        raise UsageError(f"There is no module {error.name!r} ({ref.text}).", hint=hint) from error


ORIGIN = User()
