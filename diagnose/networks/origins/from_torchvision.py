"""torchvision's models, by the names of `torchvision.models.list_models()`."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from diagnose.errors import UsageError, nearest
from diagnose.networks.build_errors import check_call
from diagnose.networks.consent import ask_for_download
from diagnose.networks.origins.origin import ModelFactory, Shapes
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn

DEFAULTS: dict[str, dict[str, Any]] = {
    "googlenet": {"init_weights": True},
    "inception_v3": {"init_weights": True},
}
"""What torchvision does by default but announces to change with a warning; stated, it does it in silence."""

BACKBONE = (
    "Built without the pretrained backbone that torchvision's default downloads: with it, torchvision freezes the "
    "backbone's first layers and in some models its batch norms, which then are buffers."
)

FRAMES = 16
"""Frames of a video clip: what torchvision's video models were trained with."""


class Torchvision:
    """torchvision: classification, segmentation, detection, video and optical flow."""

    def names(self) -> tuple[str, ...]:
        """Return the registered names."""
        import torchvision

        return tuple(torchvision.models.list_models())

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Find a model builder and check its arguments; no weights are loaded unless they are asked for."""
        import inspect

        import torchvision

        ask_for_download(ref)
        if ref.name not in torchvision.models.list_models():
            raise UsageError(
                f"torchvision has no model {ref.name!r}.",
                hint=nearest(ref.name, self.names()) or "`diagnose models QUERY` searches the names.",
            )
        builder = torchvision.models.get_model_builder(ref.name)
        kwargs = {**DEFAULTS.get(ref.name.removeprefix("quantized_"), {}), **dict(ref.kwargs)}
        check_call(builder, ref, kwargs)
        notes: tuple[str, ...] = ()
        if pretrained:
            kwargs.setdefault("weights", "DEFAULT")
        elif "weights_backbone" in inspect.signature(builder).parameters and "weights_backbone" not in kwargs:
            kwargs["weights_backbone"] = None  # the default downloads the backbone's weights
            notes = (BACKBONE,) if ".detection" in builder.__module__ else ()
        return ModelFactory(
            make=partial(builder, **kwargs),
            origin=f"torchvision {torchvision.__version__}",
            input_shapes=partial(_input_shapes, ref.name),
            notes=lambda module: notes,
        )


def _input_shapes(name: str, module: nn.Module) -> Shapes:
    """Return the input that a model was made for, from its own attributes or its published weights' preprocessing."""
    kind = type(module).__module__
    if ".optical_flow" in kind:
        return ()  # the forward pass takes two images
    if ".detection" in kind:
        fixed = getattr(getattr(module, "transform", None), "fixed_size", None)
        height, width = (fixed[1], fixed[0]) if fixed else (800, 800)
        return ((1, 3, height, width),)
    image = getattr(module, "image_size", None)
    height, width = (image, image) if isinstance(image, int) else _trained_at(name)
    if ".video" in kind:
        return ((1, 3, FRAMES, height, width),)
    return ((1, 3, height, width),)


def _trained_at(name: str) -> tuple[int, int]:
    """Return the height and width that a model's first published weights were evaluated at, else 224."""
    import torchvision

    try:
        weights = next(iter(torchvision.models.get_model_weights(name)))
    except (ValueError, StopIteration):
        return 224, 224
    options = getattr(weights.transforms, "keywords", {})
    side = options.get("crop_size", options.get("resize_size", 224))
    height, width = side if isinstance(side, (tuple, list)) else (side, side)
    return int(height), int(width)


ORIGIN = Torchvision()
