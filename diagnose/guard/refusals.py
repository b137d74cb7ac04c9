"""What is refused: for each event of Python's audit hooks a check, which says what was tried or returns ""."""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import Any

from diagnose.errors import CannotRun
from diagnose.guard.callers import CALLERS, caller, in_an_import, is_generator, is_ours, module_of, outer

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


class RefusedError(CannotRun):
    """Something that a judgement never needs was tried, and was stopped; `what` says what, as "start a process"."""

    def __init__(self, what: str) -> None:
        super().__init__(f"It tried to {what}, and was stopped.")
        self.what = what


@dataclass(slots=True)
class Rules:
    """What is allowed in a context: the places that may be written, connections, and the folder it runs in."""

    writable: tuple[str, ...]
    network: bool
    folder: str
    refused: list[RefusedError] = field(default_factory=list)


def _process(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    return f"start or end a process ({event}: {_shown(arguments[:1])})"


def connection(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    """Check an event of a connection."""
    return "" if rules.network else f"open a connection ({event})"


def _opened(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    path, mode, flags, *_ = arguments
    writes = bool(flags & WRITING) if isinstance(flags, int) else any(sign in str(mode) for sign in "wax+")
    if writes:
        return _outside(rules, path)
    return _endless(path)


def _changed(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    places, relative = CHANGES[event]
    last = arguments[-1]
    folder = last if relative and isinstance(last, int) and last >= 0 else None
    found = (_outside(rules, arguments[place], folder) for place in places)
    return next(filter(None, found), "")


def _moved(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    path = arguments[0]
    stays = isinstance(path, (str, bytes)) and os.path.realpath(os.fsdecode(path)) == os.path.realpath(rules.folder)
    return "" if stays else f"go to another folder ({_shown(path)})"


def _outside(rules: Rules, path: object, folder: int | None = None) -> str:
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


def _executed(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    code = arguments[0]
    name = str(getattr(code, "co_filename", ""))
    frame = caller()
    module = module_of(frame)
    if module.startswith("importlib._bootstrap") or module == "_frozen_importlib":
        return _imported(frame, name)
    if is_ours(name) and module != "runpy":
        return ""
    if name.startswith("<") and (in_an_import() or (is_generator(module) and not outer(frame).startswith(CALLERS))):
        return ""
    return f"run code ({_shown(name)}, by {module or 'C code'})"


def _imported(frame: FrameType | None, name: str) -> str:
    """Look at the file that a module is imported from; the name that its code gives itself is ignored."""
    given: Any = frame.f_locals.get("args", ()) if frame is not None else ()
    space = given[1] if len(given) > 1 and isinstance(given[1], dict) else {}
    origin = getattr(space.get("__spec__"), "origin", None) or name
    return "" if is_ours(str(origin)) and is_ours(name) else f"run code ({_shown(origin)})"


def _loaded(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    """Look at a library of machine code: one without a folder is found by the system's own search."""
    path = arguments[1] if event == "import" else arguments[0]
    if path is None or (event != "import" and os.sep not in str(path)):
        return ""
    return "" if is_ours(str(path)) else f"load machine code ({_shown(path)})"


def _unpickled(rules: Rules, event: str, arguments: tuple[Any, ...]) -> str:
    root = str(arguments[0]).partition(".")[0]
    return (
        "" if root in ("torch", "numpy", "collections", "_codecs", "diagnose") else f"unpickle {arguments[0]} objects"
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}…"


CHECKS: dict[str, Callable[[Rules, str, tuple[Any, ...]], str]] = {
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
