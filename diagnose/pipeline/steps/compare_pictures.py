"""How far two pictures, or what two pipelines give to the network, are apart."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from diagnose.pipeline.runnable import Native, Picture, values_of
from diagnose.values import FormDifference, FormKind, PictureDifference, PictureUnit, PixelForm

TOLERANCES = {PictureUnit.LEVELS: 0.01, PictureUnit.DEVIATIONS: 1e-4, PictureUnit.OUTPUT: 1e-4}
"""Differences up to these are rounding: a hundredth of a grey level, or less than that where values are normalised."""


def picture_difference(image: str, unit: PictureUnit, a: Picture, b: Picture) -> PictureDifference:
    """Return the difference of two arrays; where their shapes differ, no number is given."""
    if a.shape != b.shape:
        return PictureDifference(image, unit, None, None, a.shape, b.shape)
    apart = np.abs(a - b)
    apart = np.where(np.isnan(a) & np.isnan(b), 0, apart)
    return PictureDifference(image, unit, float(apart.max()), float(apart.mean()), a.shape, b.shape)


def parts(difference: PictureDifference) -> bool:
    """Say whether two pictures differ by more than rounding; where one holds NaN, they do."""
    return difference.greatest is None or not difference.greatest <= TOLERANCES[difference.unit]


def worse(a: PictureDifference | None, b: PictureDifference) -> PictureDifference:
    """Return the greater difference; the first of two pictures of other shapes is the greatest."""
    if a is None:
        return b
    if a.greatest is None or b.greatest is None:
        return a if a.greatest is None else b
    return b if not b.greatest <= a.greatest else a


def layout_of(values: npt.NDArray[Any], form: PixelForm | None) -> str:
    """Return "CHW" or "HWC": as it is read, else by which end of the shape counts channels, else empty."""
    if form is not None:
        return form.layout
    if values.ndim != 3 or (values.shape[0] in (1, 3)) == (values.shape[-1] in (1, 3)):
        return ""
    return "CHW" if values.shape[0] in (1, 3) else "HWC"


def without_batch(output: Native) -> npt.NDArray[Any]:
    """Return the values of an output without a batch of one."""
    values = values_of(output)
    return values[0] if values.ndim == 4 and values.shape[0] == 1 else values


def output_difference(
    image: str, outputs: tuple[Native, Native], forms: tuple[PixelForm | None, PixelForm | None]
) -> PictureDifference:
    """Return the difference of what reaches the network; layouts are made equal first, the order of colours is not."""
    a, b = (_channels_first(without_batch(output), form) for output, form in zip(outputs, forms, strict=True))
    return picture_difference(image, output_unit(*forms), a, b)


def _channels_first(values: npt.NDArray[Any], form: PixelForm | None) -> Picture:
    if values.ndim == 3 and layout_of(values, form) == "HWC":
        values = values.transpose(2, 0, 1)
    return values.astype(np.float64)


def output_unit(a: PixelForm | None, b: PixelForm | None) -> PictureUnit:
    """Return the unit in which two outputs of these forms are compared."""
    if a is None or b is None or a.normalised != b.normalised:
        return PictureUnit.OUTPUT
    if a.normalised:
        return PictureUnit.DEVIATIONS
    return PictureUnit.LEVELS if a.levels == b.levels == 1 else PictureUnit.OUTPUT


def form_differences(
    outputs: tuple[Native, Native], forms: tuple[PixelForm | None, PixelForm | None]
) -> tuple[FormDifference, ...]:
    """Return how two outputs are written down differently; what cannot be read is not compared."""
    a, b = map(without_batch, outputs)
    form_a, form_b = forms
    pairs: list[tuple[FormKind, str, str]] = [
        (FormKind.TYPE, str(a.dtype), str(b.dtype)),
        (FormKind.LAYOUT, layout_of(a, form_a), layout_of(b, form_b)),
    ]
    if form_a is not None and form_b is not None:
        pairs.append((FormKind.ORDER, form_a.order, form_b.order))
        if not form_a.normalised and not form_b.normalised:
            pairs.append((FormKind.RANGE, _range(form_a), _range(form_b)))
    return tuple(FormDifference(kind, of_a, of_b) for kind, of_a, of_b in pairs if of_a and of_b and of_a != of_b)


def _range(form: PixelForm) -> str:
    return f"0 to {255 / form.levels:g}"
