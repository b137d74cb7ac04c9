"""Aliases and MODEL texts found by words."""

from __future__ import annotations

from diagnose.errors import DiagnoseError
from diagnose.networks.origins.origin import SearchResult
from diagnose.networks.origins.registry import SEARCHED, names
from diagnose.values import Skipped


def search(query: str) -> SearchResult:
    """Return the aliases and MODEL texts in which every word of `query` occurs, whatever the case.

    An empty query returns every alias and asks no library.
    """
    from diagnose.networks.origins.aliases import aliases

    words = query.lower().split()
    fitting = tuple(
        alias
        for alias in aliases()
        if all(word in f"{alias.name} {alias.origin} {alias.description}".lower() for word in words)
    )
    models: list[str] = []
    skipped: list[Skipped] = []
    for source in SEARCHED if words else ():
        try:
            texts = [f"{source}:{name}" for name in names(source)]
        except DiagnoseError as error:
            skipped.append(Skipped(f"{source}'s models", error.message))
        else:
            models += [text for text in texts if all(word in text.lower() for word in words)]
    return SearchResult(fitting, tuple(models), tuple(skipped))
