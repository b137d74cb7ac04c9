"""The rules in force, and the one audit hook that holds them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from diagnose.guard.callers import in_an_import
from diagnose.guard.refusals import CHECKS, LOADING, NETWORK, RefusedError, Rules, connection

_rules: list[Rules] = []
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
    rules = Rules(places, network, os.getcwd())  # noqa: PTH109 the string that chdir takes
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
    if not _rules or (event not in CHECKS and not event.startswith(NETWORK)):
        return
    rules = _rules[-1]
    check = CHECKS.get(event, connection)
    what = check(rules, event, arguments)
    if what and (event in LOADING or not in_an_import()):
        error = RefusedError(what)
        rules.refused.append(error)
        raise error
