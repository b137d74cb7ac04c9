"""The images of a probe as a value: both splits with their labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, eq=False)
class Images:
    """Images (N, H, W, 3) uint8 and labels (N,) int64 of both splits; `key` is a digest of the content.

    `name` is how reports call them. `generated` images show no objects: their accuracies compare with no dataset's.
    """

    name: str
    key: str
    classes: tuple[str, ...]
    train_images: NDArray[np.uint8]
    train_labels: NDArray[np.int64]
    test_images: NDArray[np.uint8]
    test_labels: NDArray[np.int64]
    generated: bool = False
