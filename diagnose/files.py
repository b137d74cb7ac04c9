"""Files that a user names: read within a limit, and only where they are regular files; written whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from diagnose.errors import CannotRun, DiagnoseError, UsageError, in_one_line

LONGEST_CODE = 16 << 20
"""Longest file of Python code, in bytes."""

_MISTAKES = (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG, errno.EINVAL, errno.ENXIO)
"""What the system says of a path that names nothing that could be written; the rest is no fault of the path's."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


# ---------------------------------------------------------------------------------------------- reading


def open_regular(path: Path, what: str, *, most: int | None = None, hint: str = "") -> BinaryIO:
    """Open a regular file for reading, a link to one too; a pipe is never waited for, a device never read.

    Raises:
        DiagnoseError: there is none, it is something else, or it has more than `most` bytes (exit code 2); the message
            says `what` it should be.
    """
    try:
        _refuse_nul(path)
        _refuse_irregular(path, what, path.stat(), most, hint)  # before opening, which a device may act upon
        opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            _refuse_irregular(path, what, os.fstat(opened), most, hint)
        except DiagnoseError:
            os.close(opened)
            raise
        return os.fdopen(opened, "rb")
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {_why(error)}", hint=hint) from error


def check_regular(path: Path, what: str, *, most: int | None = None, hint: str = "") -> None:
    """Refuse what `open_regular` refuses: for a file that another library reads."""
    open_regular(path, what, most=most, hint=hint).close()


def read_bytes(path: Path, what: str, *, most: int, hint: str = "") -> bytes:
    """Return a regular file's content.

    Raises:
        DiagnoseError: as of `open_regular`; a file that grows meanwhile, or that tells no size, is too large as well.
    """
    try:
        with open_regular(path, what, most=most, hint=hint) as file:
            content = file.read(most + 1)
    except OSError as error:
        raise UsageError(f"cannot read the {what} {path}: {_why(error)}", hint=hint) from error
    if len(content) > most:
        raise _too_large(path, what, most, hint)
    return content


def read_text(path: Path, what: str, *, most: int, hint: str = "") -> str:
    """Return the text of a regular file in UTF-8, of `most` bytes at most.

    Raises:
        DiagnoseError: as of `read_bytes`, or it is not UTF-8 (exit code 2).
    """
    try:
        return read_bytes(path, what, most=most, hint=hint).decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise UsageError(f"{path} is not UTF-8, so it is no {what}.", hint=hint) from error


def _refuse_irregular(path: Path, what: str, status: os.stat_result, most: int | None, hint: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        kind = _KINDS.get(stat.S_IFMT(status.st_mode), "no regular file")
        raise UsageError(f"cannot read the {what} {path}: it is {kind}.", hint=hint or "Name a regular file.")
    if most is not None and status.st_size > most:
        raise _too_large(path, what, most, hint)


def _too_large(path: Path, what: str, most: int, hint: str) -> DiagnoseError:
    return UsageError(f"{path} is longer than {most:,} bytes, so it is no {what}.", hint=hint)


def _why(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or in_one_line(error))


# ---------------------------------------------------------------------------------------------- writing


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file that takes the place of `path` at the end; a reader sees the old one or the new one, never a part.

    A link stays, and what it points at is replaced. The new file has the mode and, where that may be set, the owner of
    the old one. A device, a pipe and a socket are written to as they are.

    Raises:
        OSError: the file cannot be written or the disk is full; `path` is left as it was.
    """
    target, old = _target(path)
    if target is None:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOCTTY | os.O_CLOEXEC), "wb") as stream:
            yield stream
        return
    temporary, file = _begun(target, old)
    try:
        with file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes) -> None:
    """Write a file all at once or not at all.

    Raises:
        DiagnoseError: it cannot be written; the message says why.
    """
    try:
        with replacing(path) as file:
            file.write(content)
    except OSError as error:
        raise cannot_write(path, error) from error


def check_writable(path: Path) -> None:
    """Refuse a path that cannot be written, before a long computation whose result it is for.

    Raises:
        DiagnoseError: as of `write_whole`.
    """
    try:
        target, old = _target(path)
        if target is not None:
            temporary, file = _begun(target, old)
            file.close()
            temporary.unlink()
    except OSError as error:
        raise cannot_write(path, error) from error


def check_folder(folder: Path) -> None:
    """Refuse a folder that is not there and cannot be made, or in which nothing can be written; nothing is made.

    Raises:
        DiagnoseError: it is a file, its name is none, or the system forbids it.
    """
    try:
        place = _first_there(folder)
        if not os.access(place, os.W_OK | os.X_OK):
            raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    except OSError as error:
        raise cannot_write(folder, error) from error


def _first_there(folder: Path) -> Path:
    """Return the folder itself or the nearest one above it that is there."""
    _refuse_nul(folder)
    try:
        status = folder.stat()
    except FileNotFoundError:
        _refuse_dangling(folder)
        return _first_there(folder.parent)
    if not stat.S_ISDIR(status.st_mode):
        raise OSError(errno.ENOTDIR, f"{folder} is no folder")
    return folder


def _refuse_nul(path: Path) -> None:
    if "\0" in str(path):
        raise OSError(errno.EINVAL, "its name holds a NUL")


def _refuse_dangling(path: Path) -> None:
    if path.is_symlink():
        raise OSError(errno.ENOENT, f"{path} is a link to {path.readlink()}, which is not there")


def cannot_write(path: Path, error: Exception) -> DiagnoseError:
    """Return the error of what could not be written: a wrong call where the path is the mistake."""
    mistake = isinstance(error, OSError) and error.errno in _MISTAKES
    kind = UsageError if mistake else CannotRun
    return kind(f"cannot write {path}: {_why(error)}", hint="Name another place to write to.")


def _target(path: Path) -> tuple[Path | None, os.stat_result | None]:
    """Return the file to be replaced and what is known of it; None in place of what is written to as it is.

    Raises:
        OSError: there can be no such file, or it must not be replaced.
    """
    _refuse_nul(path)
    try:
        old = path.stat()
    except FileNotFoundError:
        _refuse_dangling(path)
        if not path.parent.is_dir():
            raise OSError(errno.ENOENT, f"there is no folder {path.parent}") from None
        return path, None
    if stat.S_ISDIR(old.st_mode):
        raise OSError(errno.EISDIR, "it is a folder")
    if stat.S_ISBLK(old.st_mode):
        raise OSError(errno.EINVAL, "it is a disk")
    if not os.access(path, os.W_OK):
        raise OSError(errno.EACCES, os.strerror(errno.EACCES))
    if not stat.S_ISREG(old.st_mode) or _is_open_file(path):
        return None, old
    return Path(os.path.realpath(path)), old


def _is_open_file(path: Path) -> bool:
    """Say whether a path, as /dev/stderr, stands for a file that a process has open, through links of /proc."""
    place = path
    while place.is_symlink():
        if os.path.realpath(place.parent).startswith("/proc/"):
            return True
        place = place.parent / place.readlink()
    return False


def _begun(target: Path, old: os.stat_result | None) -> tuple[Path, BinaryIO]:
    """Make an empty file beside `target`, with the mode and owner that the old one has."""
    temporary = target.with_name(f".{secrets.token_hex(8)}.part")
    mode = 0o666 if old is None else 0o600
    opened = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
    if old is not None:
        with suppress(OSError):  # another owner may be set by root alone, and a mode not on every disk
            os.fchown(opened, old.st_uid, old.st_gid)
        with suppress(OSError):
            os.fchmod(opened, stat.S_IMODE(old.st_mode))
    return temporary, os.fdopen(opened, "wb")
