"""What the user has allowed: asked where code would run or something would be fetched, however the text is spelt."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import StrEnum

from diagnose.errors import CannotRun
from diagnose.values import ModelRef

FETCHING = frozenset(("pretrained", "weights", "weights_backbone", "checkpoint", "checkpoint_path", "load_from"))
"""Arguments of models with which their libraries download weights or read a checkpoint, at any depth."""

_ADDRESS = re.compile(r"[a-z][a-z0-9+.-]*://|(hf-hub|hf_hub|local-dir|local_dir):", re.IGNORECASE)
"""What an address begins with: a URL, or one of timm's prefixes."""


class Need(StrEnum):
    """What the user's word is needed for."""

    CODE = "code"
    DOWNLOAD = "download"


_REFUSED = {
    Need.CODE: "is code, and foreign code may not run here",
    Need.DOWNLOAD: "asks for weights, and none may be fetched or read here",
}


@dataclass(frozen=True, slots=True)
class Consent:
    """What may happen while models and recipes are read and built.

    `code`: code that is not part of diagnose or of the model libraries may run. `download`: weights may be fetched,
    and checkpoints read.
    """

    code: bool = True
    download: bool = True


class ConsentError(CannotRun):
    """Code would have run, or something would have been fetched, without the user's word; `what` names it."""

    def __init__(self, need: Need, what: str) -> None:
        super().__init__(f"{what} {_REFUSED[need]}.")
        self.need, self.what = need, what


EVERYTHING = Consent()
"""What somebody types himself is allowed."""

NOTHING = Consent(code=False, download=False)

_given: ContextVar[Consent] = ContextVar("consent", default=EVERYTHING)


def given() -> Consent:
    """Return what the user has allowed."""
    return _given.get()


@contextmanager
def limited_to(consent: Consent) -> Iterator[None]:
    """Allow no more than `consent` within this context."""
    now = _given.get()
    token = _given.set(Consent(now.code and consent.code, now.download and consent.download))
    try:
        yield
    finally:
        _given.reset(token)


def ask_for_code(what: str) -> None:
    """Raise ConsentError where foreign code may not run; `what` is the text that names it."""
    if not given().code:
        raise ConsentError(Need.CODE, f"`{what}`")


def ask_for_download(ref: ModelRef) -> None:
    """Raise ConsentError where a MODEL's arguments ask for weights, at any depth, and none may be fetched."""
    if not given().download and asks_for_weights(dict(ref.kwargs)):
        raise ConsentError(Need.DOWNLOAD, f"`{ref.text}`")


def asks_for_weights(value: object) -> bool:
    """Say whether arguments ask for weights: by a key that fetches, or by an address, at any depth."""
    if isinstance(value, Mapping):
        return any((key in FETCHING and bool(part)) or asks_for_weights(part) for key, part in value.items())
    if isinstance(value, (list, tuple, set, frozenset)):
        return any(map(asks_for_weights, value))
    return isinstance(value, str) and _ADDRESS.search(value) is not None


def is_code(ref: ModelRef) -> bool:
    """Say whether a MODEL is code: the user's own, a config of mmpretrain, or a `type` that Python would import."""
    return ref.source == "user" or is_config_file(ref) or _imports(dict(ref.kwargs))


def is_config_file(ref: ModelRef) -> bool:
    """Say whether a MODEL is a config file of mmpretrain, which is run as code."""
    return ref.source == "mmpretrain" and ref.name.lower().endswith(".py")


def _imports(value: object) -> bool:
    if isinstance(value, Mapping):
        named = value.get("type")
        return (isinstance(named, str) and "." in named) or any(map(_imports, value.values()))
    return isinstance(value, (list, tuple)) and any(map(_imports, value))
