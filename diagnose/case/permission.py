"""What a foreign case would run as code or fetch, where its texts show it before anything is read.

What no text shows is found where it would happen: `networks.consent` asks there, and `guard` watches the process.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from diagnose.case.claims import KINDS
from diagnose.guard import RefusedError, guarded_unless
from diagnose.networks.consent import Consent, Need, asks_for_weights, is_code, limited_to
from diagnose.networks.model_text import file_of, parse
from diagnose.recipes.load import is_code as is_code_of_a_recipe
from diagnose.values import Case, Claim


@contextmanager
def allowed(case: Case, places: Sequence[Path], *, download: bool) -> Iterator[list[RefusedError]]:
    """Allow what the user has allowed a case, and guard the process where the case is not trusted.

    `places` are the folders that may be written. Yields the list of what the guard refused.
    """
    caches = _caches_of_weights() if download else ()
    guard = guarded_unless(case.trusted, writable=(*places, *caches), network=download)
    with consented(case, download=download), guard as refused:
        yield refused


def consented(case: Case, *, download: bool) -> AbstractContextManager[None]:
    """Allow what the user has allowed a case; the processes that train its networks are told so, and guarded there."""
    return limited_to(Consent(code=case.trusted, download=download))


def _caches_of_weights() -> tuple[Path, ...]:
    """Return the folders in which the libraries of models keep what they fetch."""
    root = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    named = (("TORCH_HOME", "torch"), ("HF_HOME", "huggingface"))
    return tuple(Path(os.environ.get(variable) or root / folder) for variable, folder in named)


@dataclass(frozen=True, slots=True)
class MissingConsent:
    """What a claim needs that the user has not allowed, and every MODEL text or recipe that needs it."""

    need: Need
    texts: tuple[str, ...]


def missing_consent(case: Case, claim: Claim, *, download: bool) -> MissingConsent | None:
    """Return what a claim needs the user's consent for, where its texts show it; None where it needs nothing more."""
    if not case.trusted and (code := code_of(case, claim)):
        return MissingConsent(Need.CODE, code)
    if not download and (weights := fetches(case, claim)):
        return MissingConsent(Need.DOWNLOAD, weights)
    return None


def code_of(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the models and recipes of a claim that are code: the user's own, and configs of mmpretrain."""
    models = (text for text in _models(case, claim) if is_code(parse(text)))
    code = (text for text in _recipes(claim) if is_code_of_a_recipe(text))
    return tuple(dict.fromkeys((*models, *code)))


def fetches(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the models of a claim whose arguments ask for weights."""
    found = (text for text in _models(case, claim) if asks_for_weights(dict(parse(text).kwargs)))
    return tuple(dict.fromkeys(found))


def files_of(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the files that a claim's models and recipes are read from."""
    models = [file_of(parse(text).name) or parse(text).name for text in _models(case, claim)]
    return tuple(dict.fromkeys(name for name in (*models, *_recipes(claim)) if name.endswith((".py", ".toml"))))


def _models(case: Case, claim: Claim) -> Iterator[str]:
    for key in KINDS[claim.kind].keys:
        names = claim.get(key.name) if key.models else None
        yield from map(case.model, (names,) if isinstance(names, str) else names or ())


def _recipes(claim: Claim) -> Iterator[str]:
    for key in KINDS[claim.kind].keys:
        if key.recipe and claim.get(key.name) is not None:
            yield claim.get(key.name)
