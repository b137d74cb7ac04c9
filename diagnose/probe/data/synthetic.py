"""Generated images: ten classes, learnable, the same on every machine."""

from __future__ import annotations

from hashlib import sha256

import numpy as np
from numpy.typing import NDArray

from diagnose.bounds import whole
from diagnose.errors import UsageError
from diagnose.probe.data.images import Images

TRAIN, TEST, CLASSES, SIDE = 10_000, 2_000, 10, 32
CONTRAST, DISTRACTOR, NOISE = 5.0, 30.0, 30.0
"""Standard deviations in grey levels of a class's pattern, of one that tells nothing, and of the noise."""


def synthetic(text: str = "") -> Images:
    """Return `text` training images (default 10,000) and a fifth as many test images.

    An image is its class's smooth pattern, shifted by up to 4 pixels, under another pattern that is drawn at random,
    and noise. NumPy promises that RandomState draws the same numbers in every version.
    """
    count = whole(text, 100, 1_000_000) if text else TRAIN
    if count is None:
        raise UsageError(
            f"cannot generate {text[:20]!r} images",
            hint="Write synthetic or synthetic:5000; from 100 to 1,000,000.",
        )
    draw = np.random.RandomState(20_210_613)
    patterns, distractors = _patterns(draw, CLASSES), _patterns(draw, 30)
    train, test = (_split(draw, number, patterns, distractors) for number in (count, max(count // 5, 50)))
    digest = sha256(train[0].tobytes() + test[0].tobytes()).hexdigest()
    names = tuple(f"pattern {index}" for index in range(CLASSES))
    return Images(f"{count:,} synthetic images", digest, names, *train, *test, generated=True)


def _patterns(draw: np.random.RandomState, count: int) -> NDArray[np.float64]:
    """Return smooth patterns (count, 40, 40, 3) of mean 0 and standard deviation 1."""
    side = SIDE + 8
    coarse = np.repeat(np.repeat(draw.standard_normal((count, 5, 5, 3)), side // 5, axis=1), side // 5, axis=2)
    for axis in (1, 2):  # three box blurs of width 7 are nearly a Gaussian of standard deviation 3.5 pixels
        for _ in range(3):
            coarse = np.mean([np.roll(coarse, shift, axis) for shift in range(-3, 4)], axis=0)
    flat = coarse.reshape(count, -1)
    scaled = (flat - flat.mean(1, keepdims=True)) / flat.std(1, keepdims=True)
    return np.asarray(scaled.reshape(coarse.shape))


def _split(
    draw: np.random.RandomState, count: int, patterns: NDArray[np.float64], distractors: NDArray[np.float64]
) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    labels = draw.permutation(np.arange(count, dtype=np.int64) % CLASSES)
    mixed = CONTRAST * _shifted(draw, patterns, labels)
    mixed += DISTRACTOR * _shifted(draw, distractors, draw.randint(0, len(distractors), count))
    mixed += NOISE * draw.standard_normal(mixed.shape)
    return np.clip(np.rint(mixed + 128), 0, 255).astype(np.uint8), labels


def _shifted(
    draw: np.random.RandomState, patterns: NDArray[np.float64], chosen: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return a window (N, 32, 32, 3) of each chosen pattern at a random place."""
    rows, columns = (draw.randint(0, 9, (len(chosen), 1)) + np.arange(SIDE) for _ in range(2))
    return np.asarray(patterns[chosen[:, None, None], rows[:, :, None], columns[:, None, :]])
