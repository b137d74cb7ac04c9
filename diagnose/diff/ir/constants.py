"""Constants of a graph: a leaf carries a digest of its tensor and, where they are few, its values."""

from __future__ import annotations

import hashlib
from typing import Any

import torch
from torch import Tensor

LEGIBLE = 16
"""The most elements of a constant that carries its values; a larger one carries their digest."""


def constant_attributes(tensor: Tensor, name: str = "") -> tuple[tuple[str, Any], ...]:
    """Return the attributes of a constant's leaf: its "values", or their digest, and its "digest"."""
    digest = _digest(tensor, name)
    legible = tensor.numel() <= LEGIBLE and not tensor.is_meta
    values = tuple(tensor.detach().flatten().tolist()) if legible else digest
    return ("values", values), ("digest", digest)


def _digest(tensor: Tensor, name: str) -> str:
    if tensor.is_meta:
        return f"without values: {name}"
    content = tensor.detach().cpu().contiguous()
    head = f"{tuple(content.shape)}{content.dtype}".encode()
    return hashlib.sha256(head + content.flatten().view(torch.uint8).numpy().tobytes()).hexdigest()[:24]
