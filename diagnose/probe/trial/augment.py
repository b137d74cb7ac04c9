"""Random crop, horizontal flip and normalisation of a batch, by one gather from uint8 images."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor

from diagnose.values import Augmentation, Normalisation


@dataclass(frozen=True, slots=True)
class Draws:
    """The random numbers of one epoch: the order of the images (N,), and each image's crop and flip (N,)."""

    order: Tensor
    top: Tensor
    left: Tensor
    flip: Tensor

    def to(self, device: torch.device) -> Draws:
        """Return the draws on a device."""
        return Draws(self.order.to(device), self.top.to(device), self.left.to(device), self.flip.to(device))


def draw(count: int, epoch: int, seed: int, augmentation: Augmentation) -> Draws:
    """Draw what an epoch needs, from the seed and the epoch alone.

    Two trials of one seed see the same images in the same order with the same augmentation, whatever their model,
    device and numerics, and a resumed trial needs no state.
    """
    generator = torch.Generator().manual_seed(epoch_seed(seed, epoch))
    order = torch.randperm(count, generator=generator)
    places = 2 * augmentation.pad + 1
    top, left = (torch.randint(places, (count,), generator=generator) for _ in range(2))
    return Draws(order, top, left, torch.rand(count, generator=generator) < augmentation.flip)


def epoch_seed(seed: int, epoch: int) -> int:
    """Return the seed of an epoch's draws, at least 0 and below 2⁶³."""
    return (seed * 1_000_003 + epoch) % 2**63


def padded(images: Tensor, augmentation: Augmentation) -> Tensor:
    """Return images (N, H, W, C) with zeros around them, as RandomCrop pads before it normalises."""
    pad = augmentation.pad
    return torch.nn.functional.pad(images, (0, 0, pad, pad, pad, pad))


def batch(images: Tensor, draws: Draws, rows: slice, side: int) -> Tensor:
    """Return the augmented images (B, side, side, C) of one batch, uint8.

    Args:
        images: all images, padded, (N, H + 2 pad, W + 2 pad, C) uint8.
        draws: the epoch's draws, on the device of `images`.
        rows: which of the epoch's images, in its order.
        side: height and width of the crop.
    """
    chosen = draws.order[rows]
    span = torch.arange(side, device=images.device)
    down = draws.top[rows, None] + span
    # A flipped image is read from right to left.
    across = draws.left[rows, None] + torch.where(draws.flip[rows, None], side - 1 - span, span)
    _, height, width, channels = images.shape
    places = (chosen[:, None, None] * height + down[:, :, None]) * width + across[:, None, :]
    # One index into all pixels is gathered four times as fast as three into images, rows and columns.
    found = images.view(-1, channels).index_select(0, places.view(-1))
    return found.view(len(chosen), side, side, channels)


def normalised(pixels: Tensor, normalisation: Normalisation, *, layout: str = "channels-last") -> Tensor:
    """Return (N, H, W, C) uint8 as (N, C, H, W) float32 in the memory layout asked for, (x − mean) / std."""
    mean, std = (_on(pixels.device, values) for values in (normalisation.mean, normalisation.std))
    images = pixels.float().sub_(mean).div_(std).permute(0, 3, 1, 2)
    return images if layout == "channels-last" else images.contiguous()


@cache
def _on(device: torch.device, values: tuple[float, ...]) -> Tensor:
    """Return values on a device, copied once: a GPU would wait for each copy."""
    return torch.tensor(values, device=device)
