"""Networks of the index, and which of them a reported number names."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, slots=True)
class KnownNetwork:
    """A network that a library can build: its MODEL text and its counts.

    `classifier` are the parameters of the linear layers in its head, `buffers` the elements of its buffers. `macs` are
    those of a forward pass at `input`, None where no pass ran or some operators have no formula.
    """

    model: str
    parameters: int
    classifier: int
    buffers: int
    macs: int | None = None
    input: str = ""

    @property
    def headless(self) -> int:
        """Return the parameters without the classifier."""
        return self.parameters - self.classifier


class CountedPart(StrEnum):
    """What of a known network a number counts."""

    WHOLE = "whole"
    HEADLESS = "without the classifier"


@dataclass(frozen=True, slots=True)
class KnownMatch:
    """A network of the index whose count a reported number may be; `total` is the count of the `part` of it.

    `chance` is the share of random numbers that a known network, or edits as plausible, would meet, from 0 to 1.
    """

    network: KnownNetwork
    part: CountedPart
    total: int
    chance: float = 1.0


@dataclass(frozen=True, slots=True)
class IndexAnswer:
    """What the index says of a reported number: its matches, the likeliest first, and the nearest networks.

    `stands_out` says whether the first match is more than chance and clearly likelier than every set of edits.
    `versions` are those of the libraries that the index was made from.
    """

    matches: tuple[KnownMatch, ...]
    nearest: tuple[KnownNetwork, ...]
    versions: tuple[tuple[str, str], ...]
    stands_out: bool = False
