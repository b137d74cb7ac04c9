"""The origins of models by name: where each one's `ORIGIN` object stands, and which names it can build."""

from __future__ import annotations

from importlib import import_module

from diagnose.errors import UsageError
from diagnose.networks.origins.origin import Origin

ORIGINS = {
    "alias": "diagnose.networks.origins.aliases",
    "torchvision": "diagnose.networks.origins.from_torchvision",
    "mmpretrain": "diagnose.networks.origins.from_mmpretrain",
    "timm": "diagnose.networks.origins.from_timm",
    "user": "diagnose.networks.origins.from_user_code",
    "live": "diagnose.networks.live.live_network",
}
"""Where each source's `ORIGIN` object stands; imported when a model of it is asked for."""


SEARCHED = ("torchvision", "mmpretrain", "timm")


def origin(source: str) -> Origin:
    """Return the origin object of a source name."""
    if source not in ORIGINS:
        raise UsageError(f"There is no source {source!r}.", hint=f"Sources: {', '.join(ORIGINS)}.")
    found: Origin = import_module(ORIGINS[source]).ORIGIN
    return found


def names(source: str) -> tuple[str, ...]:
    """Return the names that a source can build, sorted.

    Raises:
        DiagnoseError: there is no such source, or its library is not installed.
    """
    from diagnose.networks.process_state import quiet

    with quiet():
        return tuple(sorted(origin(source).names()))
