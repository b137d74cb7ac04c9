"""The pytest plugin: it tells the assertions of `diagnose.testing` where pages go, and nothing else."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pytest

_sessions: list[Any] = []
"""The configurations of the pytest sessions of this process, the innermost last."""


def pytest_configure(config: pytest.Config) -> None:
    """Remember the session."""
    _sessions.append(config)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Forget the session."""
    _sessions.remove(config)


def page_folder() -> Path | None:
    """Return a folder below pytest's temporary one, made when it is first asked for; None where pytest has none."""
    factory = getattr(_sessions[-1], "_tmp_path_factory", None) if _sessions else None
    if factory is None:
        return None
    folder = Path(factory.getbasetemp()) / "diagnose"
    folder.mkdir(exist_ok=True)
    return folder
