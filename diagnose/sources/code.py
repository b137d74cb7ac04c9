"""The user's own code behind a MODEL text, as a digest: when a file is edited, its networks are others."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

from diagnose.sources.spec import file_of, parse


def digest_of_code(model: str) -> str:
    """Return a digest of the files that a MODEL text stands for; empty where it names no code of the user's own.

    These are the file or module itself and what it imports from beside it, not what is installed.
    """
    ref = parse(model)
    if ref.source == "mmpretrain" and ref.name.endswith(".py"):
        files = {Path(ref.name)}
    elif ref.source == "user":
        file, place = file_of(ref.name), ref.name.rpartition(":")[0]
        files = _with_imports(Path(file)) if file else _modules(Path.cwd(), place)
    else:
        return ""
    digest = sha256()
    for path in sorted(files):
        digest.update(path.name.encode(errors="surrogateescape") + b"\0" + _read(path) + b"\0")
    return digest.hexdigest()[:20] if files else ""


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # which building the model will tell
        return b""


def _with_imports(first: Path, root: Path | None = None) -> set[Path]:
    """Return a file and all that it imports, directly or not, from below `root`, its own folder."""
    root, waiting, seen = root or first.parent, [first], set[Path]()
    while waiting:
        path = waiting.pop()
        if path not in seen:
            seen.add(path)
            waiting += (found for name in _imported(path, root) for found in _files(root, name))
    return seen


def _modules(root: Path, dotted: str) -> set[Path]:
    return {path for first in _files(root, dotted) for path in _with_imports(first, root)}


def _imported(path: Path, root: Path) -> Iterator[str]:
    """Yield the dotted names that a file imports, as seen from `root`."""
    try:
        tree = ast.parse(_read(path))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    here = path.parent.relative_to(root).parts if path.is_relative_to(root) else ()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = here[: len(here) - node.level + 1] if node.level else ()
            base = ".".join((*package, *filter(None, [node.module])))
            yield from (f"{base}.{alias.name}".strip(".") for alias in node.names)


def _files(root: Path, dotted: str) -> Iterator[Path]:
    """Yield the files below `root` that importing a dotted name runs; its last part may be a name within one."""
    parts = dotted.split(".")
    for count in range(1, len(parts) + 1):
        place = root.joinpath(*parts[:count])
        yield from (path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file())
