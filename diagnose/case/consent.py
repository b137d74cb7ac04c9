"""What a case of somebody else's would run as code or fetch: each needs the user's word."""

from __future__ import annotations

from collections.abc import Iterator

from diagnose.case.claims import KINDS
from diagnose.sources.spec import file_of, parse
from diagnose.values import Case, Claim

FETCHING = ("pretrained", "weights", "weights_backbone", "checkpoint_path", "init_cfg", "load_from")
"""Arguments of models with which their libraries download weights or read a checkpoint."""


def code_of(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the models and recipes of a claim that are code: the user's own, and configs of mmpretrain."""
    models = (text for text in _models(case, claim) if _runs(text))
    recipes = (text for text in _recipes(claim) if text.endswith(".py"))
    return tuple(dict.fromkeys((*models, *recipes)))


def fetches(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the models of a claim whose arguments ask for weights."""
    found = []
    for text in _models(case, claim):
        kwargs = dict(parse(text).kwargs)
        if any(kwargs.get(name) for name in FETCHING):
            found.append(text)
    return tuple(dict.fromkeys(found))


def files_of(case: Case, claim: Claim) -> tuple[str, ...]:
    """Return the files that a claim's models and recipes are read from."""
    models = [file_of(parse(text).name) or parse(text).name for text in _models(case, claim)]
    return tuple(dict.fromkeys(name for name in (*models, *_recipes(claim)) if name.endswith((".py", ".toml"))))


def _runs(text: str) -> bool:
    ref = parse(text)
    return ref.source == "user" or (ref.source == "mmpretrain" and ref.name.endswith(".py"))


def _models(case: Case, claim: Claim) -> Iterator[str]:
    for key in KINDS[claim.kind].keys:
        names = claim.get(key.name) if key.models else None
        yield from map(case.model, (names,) if isinstance(names, str) else names or ())


def _recipes(claim: Claim) -> Iterator[str]:
    for key in KINDS[claim.kind].keys:
        if key.recipe and claim.get(key.name) is not None:
            yield claim.get(key.name)
