"""The probes that a case asks for: which networks, between which recipes."""

from __future__ import annotations

from dataclasses import dataclass

from diagnose.case.claims import KINDS
from diagnose.case.kinds.cause import recipes_of
from diagnose.case.permission import allowed, missing_consent
from diagnose.errors import DiagnoseError
from diagnose.guard import RefusedError
from diagnose.networks.consent import ConsentError
from diagnose.values import Case, Claim


@dataclass(frozen=True, slots=True)
class RequestedTrials:
    """The MODEL texts to train with both recipes, each as a claim names it."""

    models: tuple[str, ...]
    recipe: str
    against: str


def requested_trials(case: Case, *, download: bool = False) -> tuple[RequestedTrials, ...]:
    """Return the probes that the claims about trials ask for, those between the same recipes as one.

    What may not be run or fetched without the user's word is left out; its claim says so.
    """
    found: dict[tuple[str, str], list[str]] = {}
    for claim in case.claims:
        if not KINDS[claim.kind].trials or missing_consent(case, claim, download=download):
            continue
        models = found.setdefault(recipes_of(claim), [])
        models += [case.model(name) for name in _named(claim)]
    if not case.trusted:
        with allowed(case, (), download=download):
            found = {recipes: list(filter(_may_be_built, models)) for recipes, models in found.items()}
            found = {recipes: models for recipes, models in found.items() if models}
    return tuple(RequestedTrials(tuple(dict.fromkeys(models)), *recipes) for recipes, models in found.items())


def _may_be_built(model: str) -> bool:
    """Build a model without weights, and say whether it needs no consent; what else is wrong with it its probe says."""
    from diagnose.networks import build

    try:
        build(model)
    except (ConsentError, RefusedError):
        return False
    except DiagnoseError:
        return True
    return True


def _named(claim: Claim) -> list[str]:
    return [claim.get(key.name) for key in KINDS[claim.kind].keys if key.models and claim.get(key.name)]
