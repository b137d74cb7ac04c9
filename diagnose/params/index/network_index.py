"""The index of known networks: a compressed table in the package, read when it is asked for."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from io import StringIO
from pathlib import Path

from diagnose.values import KnownNetwork

INDEX_FILE = Path(__file__).with_name("networks.csv.gz")
SOURCES = ("torchvision", "timm", "mmpretrain")
_FIELDS = ("model", "parameters", "classifier", "buffers", "macs", "input")


@dataclass(frozen=True, slots=True)
class NetworkIndex:
    """The networks of the installed libraries at the time of writing, with the libraries' versions."""

    networks: tuple[KnownNetwork, ...]
    versions: tuple[tuple[str, str], ...]


@cache
def network_index() -> NetworkIndex:
    """Read the index; the first call takes some milliseconds."""
    text = gzip.decompress(INDEX_FILE.read_bytes()).decode("utf-8")
    head, _, table = text.partition("\n")
    networks = tuple(
        KnownNetwork(
            model=row["model"],
            parameters=int(row["parameters"]),
            classifier=int(row["classifier"]),
            buffers=int(row["buffers"]),
            macs=int(row["macs"]) if row["macs"] else None,
            input=row["input"],
        )
        for row in csv.DictReader(StringIO(table))
    )
    return NetworkIndex(networks, tuple(json.loads(head).items()))


def write_index(networks: Sequence[KnownNetwork], versions: dict[str, str]) -> None:
    """Write the index: a line of JSON with the versions, then one line per network."""
    out = StringIO()
    out.write(json.dumps(versions) + "\n")
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(_FIELDS)
    for network in networks:
        writer.writerow([getattr(network, field) for field in _FIELDS])
    INDEX_FILE.write_bytes(gzip.compress(out.getvalue().encode("utf-8"), 9, mtime=0))


def plainness(network: KnownNetwork) -> tuple[int, int, str]:
    """Order networks of one count: torchvision's first, then those of short names, which seldom are variants."""
    return (SOURCES.index(network.model.partition(":")[0]), len(network.model), network.model)
