"""The images that pipelines are tried on: drawn by formula, or the user's own."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from diagnose.errors import UsageError
from diagnose.values import Skipped

SUFFIXES = frozenset((".bmp", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"))
"""What an image file in a folder ends with."""

MOST_IMAGES = 64
"""How many of a folder's images are tried, in the order of their names."""

Drawing = npt.NDArray[np.uint8]


def chart(height: int, width: int) -> Drawing:
    """Return a resolution chart (H, W, 3): rings that grow finer outwards, to two pixels for a period at the edge."""
    y, x = np.mgrid[:height, :width]
    y, x = y - (height - 1) / 2, x - (width - 1) / 2
    phase = np.pi * (x**2 + y**2) / max(height, width)
    channels = [127.5 + 127.5 * np.cos(phase + shift) for shift in (0.0, 1.0, 2.0)]
    levels: Drawing = np.rint(np.stack(channels, -1)).astype(np.uint8)
    return levels


def gradients(height: int, width: int) -> Drawing:
    """Return a gradient to the right in red, down in green and to the left in blue, each from 0 to 255."""
    across = np.linspace(0, 255, width)[None].repeat(height, 0)
    down = np.linspace(0, 255, height)[:, None].repeat(width, 1)
    return np.rint(np.stack((across, down, 255 - across), -1)).astype(np.uint8)


def colour_bars(height: int, width: int) -> Drawing:
    """Return eight bars, each channel 0 or 255: all corners of the cube of colours, white to black."""
    number = 7 - np.arange(width) * 8 // width
    bars = np.stack([(number >> bit & 1) * 255 for bit in (1, 2, 0)], -1)
    return bars[None].repeat(height, 0).astype(np.uint8)


def noise(height: int, width: int) -> Drawing:
    """Return independent random values, the same each time."""
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


def write_samples(folder: Path) -> tuple[Path, ...]:
    """Draw the test images into a folder and return their paths.

    They are large, odd, tall, wide and tiny; RGB, grey, with a palette and with alpha; PNG and one JPEG.
    """
    from PIL import Image

    drawn = {
        "chart-375x500.png": Image.fromarray(chart(375, 500)),
        "gradients-640x427.png": Image.fromarray(gradients(640, 427)),
        "colour-bars-300x300.png": Image.fromarray(colour_bars(300, 300)),
        "noise-240x320.png": Image.fromarray(noise(240, 320)),
        "wide-60x900.png": Image.fromarray(chart(60, 900)),
        "tall-701x90.png": Image.fromarray(gradients(701, 90)),
        "tiny-7x5.png": Image.fromarray(noise(7, 5)),
        "grey-257x331.png": Image.fromarray(chart(257, 331)[..., 0]),
        "palette-256x384.png": Image.fromarray(colour_bars(256, 384)).quantize(16),
        "alpha-320x240.png": Image.fromarray(np.dstack((gradients(320, 240), chart(320, 240)[..., :1]))),
        "photo-like-333x499.jpg": Image.fromarray(chart(333, 499) // 2 + gradients(333, 499) // 2),
    }
    paths = []
    for name, image in drawn.items():
        image.save(folder / name)
        paths.append(folder / name)
    return tuple(paths)


def images_in(folder: Path) -> tuple[tuple[Path, ...], tuple[Skipped, ...]]:
    """Return the image files of a folder, sorted by name, the first `MOST_IMAGES`; and what was left out.

    Raises:
        UsageError: there is no such folder, or no image in it.
    """
    if not folder.is_dir():
        raise UsageError(f"There is no folder {str(folder)!r}.", hint="Name a folder that holds images.")
    paths = sorted(path for path in folder.iterdir() if path.suffix.lower() in SUFFIXES and os.path.isfile(path))  # noqa: PTH113
    if not paths:
        raise UsageError(
            f"There is no image in {str(folder)!r}.", hint=f"Files are read that end in {', '.join(sorted(SUFFIXES))}."
        )
    left_out = len(paths) - MOST_IMAGES
    skipped = (Skipped(f"{left_out:,} images", f"the first {MOST_IMAGES} of the folder are tried"),)
    return tuple(paths[:MOST_IMAGES]), skipped if left_out > 0 else ()
