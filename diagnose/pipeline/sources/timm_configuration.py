"""What timm's data configuration of a model makes of an image: `timm:resnet50.a1_in1k`."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from diagnose.errors import MissingDependency, UsageError, nearest
from diagnose.networks.build_errors import unexpected
from diagnose.pipeline.runnable import DECODE_BY_PIL, Native, RunnablePipeline, decoded_by_pil
from diagnose.pipeline.sources.read_transforms import read_transform
from diagnose.values import ModelRef

CONFIGURED = ("img_size", "input_size", "interpolation", "mean", "std", "crop_pct", "crop_mode")
"""Arguments that timm's `resolve_data_config` puts in place of the model's own."""

CREATED = (
    "scale", "ratio", "hflip", "vflip", "color_jitter", "auto_augment", "re_prob", "re_mode", "train_crop_mode",
    "no_aug",
)  # fmt: skip
"""Arguments of a training that timm's `create_transform` takes."""

TEST_SIZE = "use_test_size"
"""The argument of timm's validation that takes the size, and the share of the crop, for testing."""


def configured_pipeline(ref: ModelRef, *, train: bool) -> RunnablePipeline:
    """Return what `create_transform` makes of a model's data configuration; no model is built, nothing downloaded.

    Raises:
        DiagnoseError: timm is not installed, there is no such model, or it takes no such argument (exit code 2).
    """
    if find_spec("timm") is None:
        raise MissingDependency("timm is not installed.", hint="Install it: pip install timm")
    import timm
    from timm.data.config import resolve_data_config
    from timm.data.transforms_factory import create_transform

    kwargs = dict(ref.kwargs)
    right = (*CONFIGURED, TEST_SIZE, *(CREATED if train else ()))
    for key in kwargs:
        if key not in right:
            raise unexpected(key, ref, right)
    stated = _stated(ref.name).to_dict()
    arguments = {key: kwargs[key] for key in CONFIGURED if key in kwargs}
    use_test_size = bool(kwargs.get(TEST_SIZE, False))
    config: dict[str, Any] = resolve_data_config(arguments, pretrained_cfg=stated, use_test_size=use_test_size)  # type: ignore[no-untyped-call]
    augmentation = {key: kwargs[key] for key in CREATED if key in kwargs}
    transform = create_transform(**config, is_training=train, **augmentation)
    calls = read_transform(transform, DECODE_BY_PIL.form)
    notes = () if train or use_test_size else _other_test_size(stated)
    return RunnablePipeline(
        ref.text, f"timm {timm.__version__}", (DECODE_BY_PIL, *calls), partial(_whole, transform), notes
    )


def _whole(transform: Callable[[Native], Native], path: Path) -> Native:
    return transform(decoded_by_pil(path))


def _stated(name: str) -> Any:
    import timm
    from timm.models import get_pretrained_cfg

    base = name.partition(".")[0]
    if base not in timm.list_models():
        hint = nearest(base, timm.list_models()) or "`diagnose models QUERY` searches the names."
        raise UsageError(f"timm has no model {name!r}.", hint=hint)
    try:
        stated = get_pretrained_cfg(name)
    except RuntimeError:
        stated = None
    if stated is None:
        known = tuple(timm.list_models(f"{base}.*", pretrained=True))
        hint = nearest(name, known) or f"Write {' or '.join(known[:5])}."
        raise UsageError(f"timm has no weights {name!r}, and so no data configuration.", hint=hint)
    return stated


def _other_test_size(stated: dict[str, Any]) -> tuple[str, ...]:
    """Return a note where timm states another size for testing, at which its published accuracy may be measured."""
    size, crop = stated.get("test_input_size"), stated.get("test_crop_pct")
    if size is None or (size == stated.get("input_size") and crop in (None, stated.get("crop_pct"))):
        return ()
    share = f" and crop_pct={crop:g}" if crop is not None else ""
    return (f"timm states another size for testing, {size[-2]}x{size[-1]}{share}: `{TEST_SIZE}=True` takes it.",)
