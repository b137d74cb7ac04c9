"""The user's own code behind a MODEL text, as a digest: when a file is edited, its networks are others."""

from __future__ import annotations

import ast
import os
import sys
import sysconfig
from collections.abc import Iterator, Sequence
from hashlib import sha256
from pathlib import Path

from diagnose.errors import DiagnoseError
from diagnose.files import LONGEST_CODE, read_bytes
from diagnose.networks.model_text import file_of, parse


def digest_of_code(model: str) -> str:
    """Return a digest of the files that a MODEL text stands for; empty where it names no code of the user's own.

    These are the file or module itself and all that it imports, directly or not, but for what is installed in
    site-packages; of a config of mmpretrain, what it inherits from.
    """
    ref = parse(model)
    file = ref.name if ref.source == "mmpretrain" and ref.name.endswith(".py") else file_of(ref.name)
    if file is None and ref.source != "user":
        return ""
    if file is not None:
        place = Path(os.path.realpath(file))  # which raises nothing for a link that points at itself
        first, roots = [place], [place.parent, *_roots()]
    else:
        roots = _roots()
        first = list(_found(roots, ref.name.rpartition(":")[0]))
    contents = sorted(path.name.encode(errors="surrogateescape") + b"\0" + _read(path) for path in _all(first, roots))
    return sha256(b"\0".join(contents)).hexdigest()[:20] if contents else ""


def _roots() -> list[Path]:
    """Return the folders that code of the user's own is imported from: the working folder, and PYTHONPATH's."""
    paths = sysconfig.get_paths()
    installed = [Path(paths[name]) for name in ("stdlib", "platstdlib", "purelib", "platlib", "scripts")]
    folders = [Path(entry).resolve() for entry in sys.path if Path(entry).is_dir()]
    return [Path.cwd(), *(folder for folder in folders if not any(folder.is_relative_to(place) for place in installed))]


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, "model's code", most=LONGEST_CODE)
    except DiagnoseError:  # which building the model will tell
        return b""


def _all(first: Sequence[Path], roots: Sequence[Path]) -> set[Path]:
    """Return files and all that they import from below the roots."""
    waiting, seen = list(first), set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += _imported(path, roots)
    return seen


def _imported(path: Path, roots: Sequence[Path]) -> Iterator[Path]:
    """Yield the files that a file imports or, as a config, inherits from."""
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield from _found(roots, alias.name)
        elif isinstance(node, ast.ImportFrom):
            base = [] if node.module is None else [node.module]
            above = path.parents[node.level - 1 : node.level] if node.level else roots
            for alias in node.names:
                yield from _found(above, ".".join((*base, alias.name)))
        elif isinstance(node, ast.Assign) and any(isinstance(t, ast.Name) and t.id == "_base_" for t in node.targets):
            texts = (part.value for part in ast.walk(node.value) if isinstance(part, ast.Constant))
            inherited = ((path.parent / text).resolve() for text in texts if isinstance(text, str))
            yield from (source for source in inherited if source.is_file())


def _found(roots: Sequence[Path], dotted: str) -> Iterator[Path]:
    """Yield the files that importing a dotted name runs, from the first root that has some.

    The last part of the name may be one within a file.
    """
    parts = dotted.split(".")
    for root in roots:
        places = [root.joinpath(*parts[:count]) for count in range(1, len(parts) + 1)]
        files = [file for place in places for file in (place.with_suffix(".py"), place / "__init__.py")]
        if found := [file.resolve() for file in files if file.is_file()]:
            yield from found
            return
