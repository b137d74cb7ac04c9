"""Networks of the index by their numbers: about so many parameters, about so many MACs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from diagnose.params.index.network_index import network_index, plainness
from diagnose.values import KnownNetwork, ReportedNumber

_NEAREST = 10


@dataclass(frozen=True, slots=True)
class NetworkSelection:
    """The networks that have both numbers to their last digit, and where there are none, the nearest ones.

    `counted` of the `networks` of the index have known MACs.
    """

    fitting: tuple[KnownNetwork, ...]
    nearest: tuple[KnownNetwork, ...]
    versions: tuple[tuple[str, str], ...]
    networks: int
    counted: int


def find_networks(
    *, words: str = "", parameters: ReportedNumber | None = None, macs: ReportedNumber | None = None
) -> NetworkSelection:
    """Return the networks whose names hold every word and whose counts are the numbers, rounded or truncated."""
    asked = words.lower().split()
    index = network_index()
    named = [network for network in index.networks if all(word in network.model.lower() for word in asked)]
    if macs is not None:
        named = [network for network in named if network.macs]
    fitting = [network for network in named if _fits(network, parameters, macs)]

    def distance(network: KnownNetwork) -> tuple[float, tuple[int, int, str]]:
        apart = _distance(network.parameters, parameters) + _distance(network.macs or 0, macs)
        return apart, plainness(network)

    nearest = [] if fitting else sorted(named, key=distance)[:_NEAREST]
    return NetworkSelection(
        fitting=tuple(sorted(fitting, key=distance)),
        nearest=tuple(nearest),
        versions=index.versions,
        networks=len(index.networks),
        counted=sum(network.macs is not None for network in index.networks),
    )


def _fits(network: KnownNetwork, parameters: ReportedNumber | None, macs: ReportedNumber | None) -> bool:
    wanted = ((network.parameters, parameters), (network.macs or 0, macs))
    return all(number is None or number.readings(value) for value, number in wanted)


def _distance(value: int, reported: ReportedNumber | None) -> float:
    """Return how many times larger or smaller a value is than a number, as a logarithm; 0 where none is asked for."""
    return 0.0 if reported is None else abs(math.log(value / (sum(reported.rounded) / 2))) if value else math.inf
