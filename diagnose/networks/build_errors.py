"""From an exception in somebody else's code to the one error a user may see."""

from __future__ import annotations

import inspect
import re
import sysconfig
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any

from diagnose.errors import CannotRun, DiagnoseError, EndedError, UsageError, message_of, nearest
from diagnose.guard import RefusedError
from diagnose.interrupts import is_real
from diagnose.networks.consent import ConsentError
from diagnose.values import ModelRef

LONGEST = 600
"""Longest quoted exception message, in characters."""

_UNEXPECTED = re.compile(r"([\w.<>]+)\(\) got an unexpected keyword argument '(\w+)'")


def explain(error: BaseException, ref: ModelRef) -> DiagnoseError:
    """Return the error to show for an exception raised while `ref` was imported or built."""
    if isinstance(error, DiagnoseError):
        return error
    if refusal := _refusal(error):
        return refusal
    if isinstance(error, SystemExit):
        return CannotRun(f"{ref.text} called sys.exit({error.code!r}){_where(error)} while it was built.")
    if wrong := _wrong_keyword(error, ref):
        return wrong
    place = _where(error)
    if isinstance(error, SyntaxError) and error.filename:
        nowhere = error.filename.startswith("<")  # a config, which mmengine parses as a nameless string
        place = f" in line {error.lineno}" if nowhere else f" at {error.filename}:{error.lineno}"
    return CannotRun(f"{ref.text} raised {type(error).__name__}{place}: {_message(error)}")


def _refusal(error: BaseException) -> DiagnoseError | None:
    """Return what was refused for want of consent, where a library made an error of its own of it."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, (ConsentError, RefusedError)):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None


@contextmanager
def as_exceptions() -> Iterator[None]:
    """Within, where a model's code runs: what it raises is an Exception that can be told; Ctrl-C stays what it is."""
    try:
        yield
    except BaseException as error:
        if is_real(error) or (isinstance(error, Exception) and _can_be_told(error)):
            raise
        raise EndedError(f"{type(error).__name__}{_where(error)}: {_message(error)}") from error


def _can_be_told(error: Exception) -> bool:
    try:
        str(error)
    except Exception:
        return False
    return True


@contextmanager
def calling(*models: ModelRef | str) -> Iterator[None]:
    """Within, what these models' own code raises is an error that names them and the place.

    Raises:
        DiagnoseError: their code raised something, or ended the program (exit code 3).
    """
    try:
        yield
    except DiagnoseError:
        raise
    except BaseException as error:
        if is_real(error) or (isinstance(error, Exception) and not place_of(error)):
            raise
        named = " or ".join(named_model if isinstance(named_model, str) else named_model.text for named_model in models)
        place = place_of(error).rstrip(",")
        raise CannotRun(f"{named} raised {type(error).__name__}{place}: {_message(error)}") from error


def check_call(factory: Callable[..., object], ref: ModelRef, kwargs: Mapping[str, Any]) -> None:
    """Raise DiagnoseError (exit code 2) where `factory(**kwargs)` cannot be called; do not call it."""
    try:
        signature = inspect.signature(factory)
    except (TypeError, ValueError):
        return  # a builtin without a signature: the call itself will tell
    parameters = signature.parameters.values()
    if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        for key in kwargs:
            if key not in _named(signature):
                raise unexpected(key, ref, _named(signature))
    try:
        signature.bind(**kwargs)
    except TypeError as error:
        needed = [
            p.name for p in parameters if p.default is p.empty and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)
        ]
        lacking = ", ".join(f"{name}=…" for name in needed if name not in kwargs)
        base = ref.text.partition("(")[0] if not kwargs else ref.name
        hint = f"Write {base}({lacking})." if lacking else ""
        raise UsageError(f"{ref.text} cannot be called: {error}.", hint=hint) from error


def unexpected(key: str, ref: ModelRef, right: tuple[str, ...]) -> DiagnoseError:
    """Return the error for a keyword that a model does not take, with the nearest it does."""
    hint = nearest(key, right) or (f"It takes {', '.join(right)}." if right else "It takes no arguments.")
    return UsageError(f"{ref.text} has no parameter {key!r}.", hint=hint)


def _named(signature: inspect.Signature) -> tuple[str, ...]:
    kinds = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return tuple(p.name for p in signature.parameters.values() if p.kind in kinds and p.name != "self")


def _message(error: BaseException) -> str:
    text = message_of(error)
    if not text:
        return "no message"
    return text if len(text) <= LONGEST else text[:LONGEST] + "…"


def _where(error: BaseException) -> str:
    """Return " at file:line" of the last frame in the user's own code, or of the last frame at all."""
    own, outside = _frames(error)
    for frame in reversed(own or outside):
        return f" at {frame.filename}:{frame.lineno}"
    return ""


def place_of(error: BaseException) -> str:
    """Return " at file:line, in function" of the last frame in the user's own code, empty where there is none."""
    own, _ = _frames(error)
    return f" at {own[-1].filename}:{own[-1].lineno}, in {own[-1].name}," if own else ""


def _frames(error: BaseException) -> tuple[list[traceback.FrameSummary], list[traceback.FrameSummary]]:
    """Return the frames of an error in the user's own code, and those outside diagnose."""
    frames = traceback.extract_tb(error.__traceback__)
    paths = sysconfig.get_paths()
    library = [paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")] + [
        str(Path(__file__).parent.parent)
    ]
    own = [f for f in frames if not f.filename.startswith(("<", *library)) and f.filename]
    return own, [f for f in frames if not f.filename.startswith(("<", library[-1]))]


def _wrong_keyword(error: BaseException, ref: ModelRef) -> DiagnoseError | None:
    """Recognise a keyword from the MODEL text that a factory passed on and something inside refused."""
    match = _UNEXPECTED.search(_message(error)) if isinstance(error, TypeError) else None
    if match is None or match[2] not in _keys(ref.kwargs):
        return None
    right: list[str] = []
    for frame, _ in traceback.walk_tb(error.__traceback__):
        right += _parameters_of(match[1].removesuffix(".__init__"), frame)
    return unexpected(match[2], ref, tuple(dict.fromkeys(right)))


def _keys(value: object) -> set[str]:
    """Return every keyword in the MODEL text, those in nested dicts included."""
    if isinstance(value, Mapping):
        return {str(key) for key in value} | _keys(tuple(value.values()))
    if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str):
        return {value[0]} | _keys(value[1])
    if isinstance(value, (tuple, list)):
        return set().union(*(_keys(item) for item in value))
    return set()


def _parameters_of(qualname: str, frame: FrameType) -> tuple[str, ...]:
    """Return the parameters of the callable of that name which `frame` knows."""
    known = [*frame.f_locals.values(), frame.f_globals.get(qualname)]
    for candidate in known:
        if callable(candidate) and getattr(candidate, "__qualname__", None) == qualname:
            try:
                return _named(inspect.signature(candidate))
            except (TypeError, ValueError):
                return ()
    return ()
