"""Decoded images in a file: written in one atomic step, read back whole or not at all."""

from __future__ import annotations

import zipfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from diagnose.errors import DiagnoseError
from diagnose.files import open_regular, replacing

if TYPE_CHECKING:
    from diagnose.probe.data.images import Images

Splits = tuple[NDArray[np.uint8], NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]
"""Training images (N, H, W, 3) and labels (N,), test images and labels."""


def write(path: Path, splits: Splits) -> None:
    """Write the arrays; a reader sees the old file or the new one, never a part."""
    path.parent.mkdir(parents=True, exist_ok=True)
    named: dict[str, Any] = {f"array{index}": array for index, array in enumerate(splits)}
    with replacing(path) as file:
        np.savez(file, **named)


def read(path: Path) -> Splits | None:
    """Return the arrays, None where there are none or the file is broken."""
    try:
        with open_regular(path, "images") as file, np.load(file, allow_pickle=False) as found:
            train_images, train_labels, test_images, test_labels = (found[f"array{index}"] for index in range(4))
            return train_images, train_labels, test_images, test_labels
    except (DiagnoseError, OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile):
        return None


def placed(images: Images, folder: Path) -> Path:
    """Return the file of images that trials read, below `folder`; written where it is not there."""
    path = folder / f"images-{images.key[:20]}.npz"
    if read(path) is None:
        write(path, (images.train_images, images.train_labels, images.test_images, images.test_labels))
    return path
