"""The blocks of a network, and what stands before them, fitted by polynomials along a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from diagnose.errors import CannotRun
from diagnose.values import Skipped

if TYPE_CHECKING:
    import torch
    from torch import Tensor, nn

    from diagnose.polynomial.degree import Fit, Growth

BEFORE = "before the blocks"
"""The path that stands for what comes before the first block."""


@dataclass(frozen=True, slots=True)
class BlockDegree:
    """One block's fit as it is, and with its ReLUs frozen at one input, None where it has none."""

    path: str
    class_name: str
    as_it_is: Fit
    frozen: Fit | None


@dataclass(frozen=True, slots=True)
class Degrees:
    """The fits of all blocks; of a network also the fit of what stands before them, and its growth."""

    model: str
    blocks: tuple[BlockDegree, ...]
    growth: Growth | None
    skipped: tuple[Skipped, ...]


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """A network with random weights, an input of it, and the fits of its blocks."""

    network: nn.Module
    x: Tensor
    blocks: tuple[BlockDegree, ...]
    skipped: tuple[Skipped, ...]


def fit_blocks(model: str) -> NetworkFit:
    """Give a network random weights, and fit each of its blocks along a line.

    Raises:
        DiagnoseError: no input shape of the network is known.
    """
    import torch

    from diagnose.networks import build
    from diagnose.networks.anatomy import anatomy
    from diagnose.polynomial.restrict import SEED, inputs_of, randomise

    built = build(model, allocate=True, seed=SEED)
    if not built.input_shapes:
        raise CannotRun(f"no input shape of {model} is known")
    generator = torch.Generator().manual_seed(SEED)
    network = built.module
    randomise(network, generator)
    x = torch.randn(built.input_shapes[0], generator=generator, dtype=torch.float64)
    blocks = [block for stage in anatomy(network).stages for block in stage.blocks]
    starts = inputs_of(network, [block.path for block in blocks], x)
    skipped = tuple(Skipped(block.path, "it takes no single tensor") for block in blocks if block.path not in starts)
    fitted = tuple(
        _block(network.get_submodule(block.path), block.path, block.class_name, starts[block.path], generator)
        for block in blocks
        if block.path in starts
    )
    return NetworkFit(network, x, fitted, skipped)


def degrees_of_blocks(name: str, fitted: NetworkFit) -> Degrees:
    """Return the fits of the blocks alone."""
    return Degrees(name, fitted.blocks, None, fitted.skipped)


def fit_network(name: str, fitted: NetworkFit) -> Degrees:
    """Return the fits with that of what stands before the blocks, and the growth of the network."""
    import torch

    from diagnose.polynomial.degree import growth
    from diagnose.polynomial.restrict import SEED, NetworkPrefix, straight

    generator = torch.Generator().manual_seed(SEED + 1)
    parts = fitted.blocks
    if parts:
        before = NetworkPrefix(fitted.network, parts[0].path)
        parts = (_block(before, BEFORE, "", fitted.x, generator), *parts)
    return Degrees(name, parts, growth(straight(fitted.network, fitted.x, generator)), fitted.skipped)


def _block(block: nn.Module, path: str, name: str, start: Tensor, generator: torch.Generator) -> BlockDegree:
    from diagnose.polynomial.degree import fit
    from diagnose.polynomial.restrict import frozen, relus, straight

    line = straight(block, start, generator)
    as_it_is, at_start = fit(line), None
    if as_it_is.degree is None and relus(block):
        with frozen(block, start):
            at_start = fit(line)
    return BlockDegree(path, name, as_it_is, at_start)
