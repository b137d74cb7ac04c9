"""Begin to watch this Python process, then run the `sitecustomize` that would have run without us."""

import importlib.machinery
import importlib.util
import os
import sys
from types import ModuleType

_HERE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120 pathlib is not imported in someone's process
_HOOKS = os.path.join(os.path.dirname(_HERE), "hooks")  # noqa: PTH118, PTH120


def _load(name: str, file: str, folder: "list[str]") -> ModuleType:
    """Import a file under a name; `folder` is where the submodules of a package stand."""
    spec = importlib.util.spec_from_file_location(name, file, submodule_search_locations=folder)
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def _run_their_own() -> None:
    """Run the next `sitecustomize` of the import path, which ours hides."""
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", sys.path)
    if spec is not None and spec.loader is not None and spec.origin != __file__:
        module = importlib.util.module_from_spec(spec)
        sys.modules["sitecustomize"] = module
        spec.loader.exec_module(module)


sys.path[:] = [place for place in sys.path if os.path.abspath(place or ".") != _HERE]  # noqa: PTH100
if "DIAGNOSE_WATCH" in os.environ:
    try:
        # Under a name of its own: the script's Python need not have diagnose installed, nor the same version of it.
        _load("_diagnose_watch", os.path.join(_HOOKS, "__init__.py"), [_HOOKS]).begin(os.environ["DIAGNOSE_WATCH"])  # noqa: PTH118
    except Exception as error:  # the script runs all the same
        print(f"diagnose watch sees nothing of this process: {error!r}", file=sys.stderr)
_run_their_own()
