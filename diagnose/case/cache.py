"""Judgements kept on disk, so that a second run measures only what has changed.

A judgement stands as long as its claim, the models' texts and files, the trials it rests on, diagnose's own code and
the libraries do.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any, Protocol

import diagnose
from diagnose.case.permission import files_of
from diagnose.environment import environment
from diagnose.errors import DiagnoseError
from diagnose.files import LONGEST_CODE, read_bytes, read_text, replacing
from diagnose.networks import digest_of_code
from diagnose.values import Case, Claim, JudgedClaim, Report, Ruling, Section

LIBRARIES = ("torch", "torchvision", "mmpretrain", "mmcv-lite", "mmengine", "timm", "numpy", "scipy")
SCHEMA = "diagnose.claim/1"
LONGEST = 64 << 20
"""Longest judgement, in bytes."""


class Cache(Protocol):
    """Where judged claims are kept; `trials` is a digest of the trials that a ruling uses."""

    @property
    def places(self) -> tuple[Path, ...]:
        """Return the folders that `put` writes in."""
        ...

    def get(self, case: Case, claim: Claim, trials: str = "") -> JudgedClaim | None:
        """Return what is kept of a claim, None where nothing is."""
        ...

    def put(self, case: Case, judgement: JudgedClaim, trials: str = "") -> None:
        """Keep a judgement."""
        ...


class NoCache:
    """Keeps nothing."""

    places: tuple[Path, ...] = ()

    def get(self, case: Case, claim: Claim, trials: str = "") -> JudgedClaim | None:
        """Return nothing."""
        return None

    def put(self, case: Case, judgement: JudgedClaim, trials: str = "") -> None:
        """Drop the judgement."""


class FileCache:
    """One file per judgement in `folder`, written by `write` and read back by `read`; a broken one is measured anew."""

    def __init__(self, folder: Path, *, write: Callable[[Report], str], read: Callable[[str], Report]) -> None:
        self._folder, self._write, self._read = folder, write, read

    @property
    def places(self) -> tuple[Path, ...]:
        """Return the one folder, made where it can be: a guard lets nothing be made around it."""
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
        return (self._folder,)

    def get(self, case: Case, claim: Claim, trials: str = "") -> JudgedClaim | None:
        """Return the kept judgement of a claim."""
        try:
            report = self._read(read_text(self._path(case, claim, trials), "judgement", most=LONGEST))
            if report.schema != SCHEMA:
                return None
            data = dict(report.data)
            ruling, answer = Ruling(data.pop("$ruling")), data.pop("$answer")
            return JudgedClaim(claim, ruling, answer, report.sections[0].items, data, report.skipped)
        except Exception:  # a cache that cannot be read is no cache
            return None

    def put(self, case: Case, judgement: JudgedClaim, trials: str = "") -> None:
        """Keep a judgement; a disk that is full or read-only keeps none."""
        data = {"$ruling": judgement.ruling.value, "$answer": judgement.answer}
        section = Section("", judgement.evidence)
        report = Report(SCHEMA, "", {}, (section,), skipped=judgement.skipped, data={**judgement.data, **data})
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with replacing(self._path(case, judgement.claim, trials)) as file:
                file.write(self._write(report).encode("utf-8"))
        except OSError:
            return

    def _path(self, case: Case, claim: Claim, trials: str) -> Path:
        return self._folder / f"{key_of(case, claim, trials)}.json"


def default_folder() -> Path:
    """Return the user's folder for judgements."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "diagnose" / "claims"


def key_of(case: Case, claim: Claim, trials: str = "") -> str:
    """Return the digest of everything that a claim's ruling depends on."""
    content = {
        "kind": claim.kind,
        "holds": claim.holds,
        "settings": [list(setting) for setting in claim.settings],
        "models": [list(model) for model in case.models],
        "models' code": [digest_of_code(text) for _, text in case.models],
        "files": [[name, _digest(Path(name))] for name in files_of(case, claim)],
        "trials": trials,
        "code": code_digest(),
        "environment": environment(LIBRARIES),
    }
    return _hash(json.dumps(content, sort_keys=True).encode())


@cache
def code_digest() -> str:
    """Return the digest of diagnose's own source."""
    root = Path(str(files(diagnose)))
    parts = (f"{path.relative_to(root)} {_digest(path)}" for path in sorted(_sources(root)))
    return _hash("\n".join(parts).encode())


def _sources(root: Path) -> Iterator[Path]:
    for suffix in ("py", "toml"):
        yield from root.rglob(f"*.{suffix}")


def _digest(path: Path) -> str:
    try:
        return _hash(read_bytes(path, "source", most=LONGEST_CODE))
    except DiagnoseError:
        return "unreadable"


def _hash(content: Any) -> str:
    return hashlib.sha256(content).hexdigest()[:32]
