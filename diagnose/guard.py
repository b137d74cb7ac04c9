"""A guard over this process while a foreign file is judged: it also stops what no other check foresaw.

Consent is asked where code would run (`networks.consent`). This is the second line: Python tells its audit hooks of
every program text that runs, of every process, connection and file that is written, and the guard refuses what a
judgement never needs. It does not see what a library does in C without telling Python; SECURITY.md says so.

    >>> with guarded(writable=(cache,)):
    ...     judge()
"""

from __future__ import annotations

import os
import stat
import sys
import sysconfig
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from diagnose.errors import CannotRun

PROCESSES = ("os.system", "os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "pty.spawn",
             "subprocess.Popen", "os.kill", "os.killpg", "signal.pthread_kill", "webbrowser.open")  # fmt: skip
NETWORK = ("socket.", "urllib.", "http.client.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "nntplib.", "telnetlib.")
"""What the events of connections begin with."""

CHANGES = {
    **dict.fromkeys(("os.remove", "os.rmdir", "os.mkdir", "os.chmod", "os.chown", "os.utime"), ((0,), True)),
    **dict.fromkeys(("os.truncate", "os.setxattr", "os.removexattr", "sqlite3.connect"), ((0,), False)),
    **dict.fromkeys(("os.rename", "os.link"), ((0, 1), True)),
    "os.symlink": ((1,), True),
}
"""The events that change files: which arguments name what is changed, and whether the last is a folder's number."""

LOADING = ("exec", "import", "ctypes.dlopen", "pickle.find_class")
"""The events of code that is loaded and run: looked at while a library is imported, too."""

WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND

LIBRARIES = ("fvcore", "iopath", "matplotlib", "mmcv", "mmengine", "mmpretrain", "networkx", "numpy", "PIL",
             "safetensors", "scipy", "sympy", "timm", "torch", "torchinfo", "torchvision", "transformers")  # fmt: skip
"""What a judgement imports. While one of these is imported, what its own module code does is its own doing: torch asks
the system's linker for libraries, matplotlib looks for fonts."""

GENERATORS = ("attr", "collections", "dataclasses", "einops", "enum", "jinja2", "mpmath", "networkx", "numpy", "scipy",
              "sympy.utilities.lambdify", "torch._dynamo", "torch._export", "torch._inductor", "torch._jit_internal",
              "torch._sources", "torch.export", "torch.fx", "torch.jit", "typing", "typing_extensions")  # fmt: skip
"""The modules that write Python code themselves and run it: a named tuple, a data class, a traced graph."""

CALLERS = ("mmengine.registry", "runpy", "timeit", "code")
"""Modules that call every function they are given: code that they hand to a generator is not the generator's own."""

_HERE = Path(__file__).resolve().parent


class RefusedError(CannotRun):
    """Something that a judgement never needs was tried, and was stopped; `what` says what, as "start a process"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"It tried to {what}, and was stopped.")
        self.what = what


@dataclass(slots=True)
class _Rules:
    writable: tuple[str, ...]
    network: bool
    folder: str
    refused: list[RefusedError] = field(default_factory=list)


_rules: list[_Rules] = []
"""The rules in force, the innermost last; none where nothing is guarded."""

_installed = False


@contextmanager
def guarded(*, writable: Sequence[Path] = (), network: bool = False) -> Iterator[list[RefusedError]]:
    """Refuse foreign code, processes, connections and writes outside `writable` within this context.

    Yields the list of what was refused; an attempt raises RefusedError where it is made, which a library in between may
    swallow. Python writes no byte code meanwhile. `network` allows connections.
    """
    global _installed
    if not _installed:
        sys.addaudithook(_watch)
        _installed = True
    places = (*map(os.path.realpath, writable), os.devnull)
    rules = _Rules(places, network, os.getcwd())  # noqa: PTH109 the string that chdir takes
    byte_code, sys.dont_write_bytecode = sys.dont_write_bytecode, True
    _rules.append(rules)
    try:
        yield rules.refused
    finally:
        _rules.remove(rules)
        sys.dont_write_bytecode = byte_code


def guarded_unless(
    allowed: bool, *, writable: Sequence[Path] = (), network: bool = False
) -> AbstractContextManager[list[RefusedError]]:
    """Return `guarded` with these rules, or a context that refuses nothing where foreign code is allowed."""
    return nullcontext([]) if allowed else guarded(writable=writable, network=network)


@contextmanager
def unguarded() -> Iterator[None]:
    """Suspend the guard while a library does what a stranger's file may not: mmengine runs a config that it ships."""
    before = _rules[:]
    _rules.clear()
    try:
        yield
    finally:
        _rules[:] = before


def _watch(event: str, arguments: tuple[Any, ...]) -> None:
    if not _rules or (event not in _CHECKS and not event.startswith(NETWORK)):
        return
    rules = _rules[-1]
    check = _CHECKS.get(event, _connection)
    what = check(rules, event, arguments)
    if what and (event in LOADING or not _in_an_import()):
        error = RefusedError(what)
        rules.refused.append(error)
        raise error


def _process(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    return f"start or end a process ({event}: {_shown(arguments[:1])})"


def _connection(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    return "" if rules.network else f"open a connection ({event})"


def _opened(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    path, mode, flags, *_ = arguments
    writes = bool(flags & WRITING) if isinstance(flags, int) else any(sign in str(mode) for sign in "wax+")
    if writes:
        return _outside(rules, path)
    return _endless(path)


def _changed(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    places, relative = CHANGES[event]
    last = arguments[-1]
    folder = last if relative and isinstance(last, int) and last >= 0 else None
    found = (_outside(rules, arguments[place], folder) for place in places)
    return next(filter(None, found), "")


def _moved(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    path = arguments[0]
    stays = isinstance(path, (str, bytes)) and os.path.realpath(os.fsdecode(path)) == os.path.realpath(rules.folder)
    return "" if stays else f"go to another folder ({_shown(path)})"


def _outside(rules: _Rules, path: object, folder: int | None = None) -> str:
    """Say that a path is not one that may be written; a number is a file that is open already."""
    if isinstance(path, int):
        return ""
    if not isinstance(path, (str, bytes, os.PathLike)):
        return f"write {_shown(path)}"
    named = os.fsdecode(path)
    if folder is not None and not named.startswith(os.sep):
        named = f"/proc/self/fd/{folder}/{named}"
    where = os.path.realpath(named)
    inside = any(where == place or where.startswith(place + os.sep) for place in rules.writable)
    return "" if inside else f"write {_shown(named)}"


def _endless(path: object) -> str:
    """Say that a path that is to be read is no file: a device or a pipe gives data for ever, or waits for ever."""
    if not isinstance(path, (str, bytes)) or os.fsdecode(path) in (os.devnull, "/dev/urandom"):
        return ""
    try:
        mode = Path(os.fsdecode(path)).stat().st_mode
    except (OSError, ValueError):
        return ""
    return "" if stat.S_ISREG(mode) or stat.S_ISDIR(mode) else f"read {_shown(path)}, which is no file"


def _executed(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    code = arguments[0]
    name = str(getattr(code, "co_filename", ""))
    frame = _caller()
    module = _module_of(frame)
    if module.startswith("importlib._bootstrap") or module == "_frozen_importlib":
        return _imported(frame, name)
    if _is_ours(name) and module != "runpy":
        return ""
    if name.startswith("<") and (_in_an_import() or (_is_generator(module) and not _outer(frame).startswith(CALLERS))):
        return ""
    return f"run code ({_shown(name)}, by {module or 'C code'})"


def _imported(frame: FrameType | None, name: str) -> str:
    """Look at the file that a module is imported from; the name that its code gives itself is ignored."""
    given: Any = frame.f_locals.get("args", ()) if frame is not None else ()
    space = given[1] if len(given) > 1 and isinstance(given[1], dict) else {}
    origin = getattr(space.get("__spec__"), "origin", None) or name
    return "" if _is_ours(str(origin)) and _is_ours(name) else f"run code ({_shown(origin)})"


def _loaded(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    """Look at a library of machine code: one without a folder is found by the system's own search."""
    path = arguments[1] if event == "import" else arguments[0]
    if path is None or (event != "import" and os.sep not in str(path)):
        return ""
    return "" if _is_ours(str(path)) else f"load machine code ({_shown(path)})"


def _unpickled(rules: _Rules, event: str, arguments: tuple[Any, ...]) -> str:
    root = str(arguments[0]).partition(".")[0]
    return (
        "" if root in ("torch", "numpy", "collections", "_codecs", "diagnose") else f"unpickle {arguments[0]} objects"
    )


_CHECKS: dict[str, Callable[[_Rules, str, tuple[Any, ...]], str]] = {
    **dict.fromkeys(PROCESSES, _process),
    **dict.fromkeys(CHANGES, _changed),
    "open": _opened,
    "os.chdir": _moved,
    "os.fchdir": _moved,
    "exec": _executed,
    "import": _loaded,
    "ctypes.dlopen": _loaded,
    "pickle.find_class": _unpickled,
}


def _in_an_import() -> bool:
    """Say whether a library that a judgement needs is being imported: its module code is among the callers."""
    frame = _caller()
    while frame is not None:
        if frame.f_code.co_name == "<module>" and _module_of(frame).partition(".")[0] in LIBRARIES:
            return _is_ours(frame.f_code.co_filename)
        frame = frame.f_back
    return False


def _caller() -> FrameType | None:
    """Return the frame that caused an event: the first outside this file."""
    frame: FrameType | None = sys._getframe(1)
    while frame is not None and frame.f_code.co_filename == __file__:
        frame = frame.f_back
    return frame


def _outer(frame: FrameType | None) -> str:
    """Return the module that called a generator of code: the first frame outside it."""
    while frame is not None and _is_generator(_module_of(frame)):
        frame = frame.f_back
    return _module_of(frame)


def _module_of(frame: FrameType | None) -> str:
    return "" if frame is None else str(frame.f_globals.get("__name__", ""))


def _is_generator(module: str) -> bool:
    return any(module == name or module.startswith(name + ".") for name in GENERATORS)


def _places() -> tuple[str, ...]:
    paths = sysconfig.get_paths()
    names = ("stdlib", "platstdlib", "purelib", "platlib")
    return tuple({os.path.realpath(paths[name]) for name in names} | {str(_HERE)})


_PLACES = _places()


def _is_ours(path: str) -> bool:
    """Say whether a file is part of Python, of what is installed beside it, or of diagnose."""
    if path in ("frozen", "built-in") or path.startswith("<frozen "):
        return True
    where = os.path.realpath(path) if path.startswith(os.sep) else ""
    return any(where.startswith(place + os.sep) for place in _PLACES)


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"
