"""Build the index of networks that ships with the package: what torchvision, timm and mmpretrain can build, counted.

./run python benchmarks/build_index.py FOLDER [SECONDS]

FOLDER keeps one line per network, so that a run that was stopped, or that SECONDS ended, goes on where it was. Every
network is counted on the meta device, parameters first, then MACs at its own input; the index is written after each
part. A network that cannot be built without downloading something, or not at all, is left out and named at the end.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from diagnose.errors import DiagnoseError
from diagnose.flops.count import count_operations
from diagnose.networks import build, names
from diagnose.networks.inputs import candidates
from diagnose.networks.origins.registry import SEARCHED
from diagnose.params.index.network_index import INDEX_FILE, write_index
from diagnose.params.table import count_parameters
from diagnose.values import FlopTable, KnownNetwork

LARGEST = 3_000_000_000
"""Most parameters of a network whose operations are counted."""


def main() -> None:
    """Count what is not counted yet, and write the index."""
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    end = time.monotonic() + (float(sys.argv[2]) if len(sys.argv) > 2 else float("inf"))
    counts, works = Notes(folder / "parameters.jsonl"), Notes(folder / "macs.jsonl")
    counts.fill([text for source in SEARCHED for text in sorted(_texts(source))], _parameters, end)
    _write(counts, works)
    counted = [(entry["parameters"], text) for text, entry in counts.entries.items() if "parameters" in entry]
    works.fill([text for size, text in sorted(counted) if size <= LARGEST], _macs, end)
    _write(counts, works)
    for text, entry in counts.entries.items():
        if "why" in entry:
            print(f"{text}: {entry['why']}")


class Notes:
    """One line of JSON per network, kept on disk as they come."""

    def __init__(self, path: Path) -> None:
        self._path = path
        lines = path.read_text("utf-8").splitlines() if path.exists() else []
        self.entries: dict[str, dict[str, Any]] = {entry["model"]: entry for entry in map(json.loads, lines)}

    def fill(self, texts: list[str], count: Callable[[str], dict[str, Any]], end: float) -> None:
        """Count each network that has no line yet, until the clock reaches `end`."""
        with self._path.open("a", encoding="utf-8") as file:
            for text in texts:
                if text in self.entries:
                    continue
                if time.monotonic() > end:
                    return
                try:
                    entry = {"model": text, **count(text)}
                except DiagnoseError as error:
                    entry = {"model": text, "why": error.message}
                self.entries[text] = entry
                file.write(json.dumps(entry) + "\n")
                file.flush()


def _texts(source: str) -> Iterator[str]:
    yield from (f"{source}:{name}" for name in names(source))


def _parameters(text: str) -> dict[str, Any]:
    built = build(text)
    table = count_parameters(built.module)
    classifier = sum(row.parameters for row in table.rows if row.kind == "linear" and row.place.stage == "head")
    return {"parameters": table.total, "classifier": classifier, "buffers": table.buffer_elements}


def _macs(text: str) -> dict[str, Any]:
    built = build(text)
    table = count_operations(built.module, candidates(built.module, built.input_shapes, ()))
    if not isinstance(table, FlopTable) or table.lower_bound:
        return {}
    return {"macs": table.macs, "input": ", ".join(map(str, table.inputs))}


def _write(counts: Notes, works: Notes) -> None:
    networks = [
        KnownNetwork(
            model=text,
            parameters=entry["parameters"],
            classifier=entry["classifier"],
            buffers=entry["buffers"],
            macs=works.entries.get(text, {}).get("macs"),
            input=works.entries.get(text, {}).get("input", ""),
        )
        for text, entry in sorted(counts.entries.items())
        if entry.get("parameters")
    ]
    write_index(networks, {library: version(library) for library in ("torch", *SEARCHED)})
    size = INDEX_FILE.stat().st_size
    with_macs = sum(network.macs is not None for network in networks)
    print(f"{len(networks):,} networks, {with_macs:,} of them with MACs, {size:,} bytes", flush=True)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
