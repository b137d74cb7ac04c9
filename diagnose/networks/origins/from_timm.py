"""timm's models, by the names of `timm.list_models()`, with or without a pretrained tag."""

from __future__ import annotations

from functools import partial
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from diagnose.errors import MissingDependency, UsageError, nearest
from diagnose.networks.consent import ask_for_download
from diagnose.networks.origins.origin import ModelFactory, Shapes
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn


class Timm:
    """timm, where it is installed."""

    def names(self) -> tuple[str, ...]:
        """Return the registered names, without pretrained tags."""
        _installed()
        import timm

        return tuple(timm.list_models())

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> ModelFactory:
        """Find a registered model; a name on a model hub, which timm would download, is refused."""
        ask_for_download(ref)
        known = self.names()
        import timm

        base = ref.name.partition(".")[0]
        if base not in known:
            raise UsageError(
                f"timm has no model {ref.name!r}.",
                hint=nearest(base, known) or "`diagnose models QUERY` searches the names.",
            )
        kwargs = dict(ref.kwargs)
        return ModelFactory(
            make=partial(timm.create_model, ref.name, **{"pretrained": pretrained, **kwargs}),
            origin=f"timm {timm.__version__}",
            input_shapes=partial(_input_shapes, kwargs),
        )


def _installed() -> None:
    if find_spec("timm") is None:
        raise MissingDependency("timm is not installed.", hint="Install it: pip install timm")


def _input_shapes(kwargs: dict[str, Any], module: nn.Module) -> Shapes:
    """Return the shape of timm's own configuration, with the user's img_size and in_chans in place of its."""
    config: dict[str, Any] = getattr(module, "pretrained_cfg", None) or getattr(module, "default_cfg", None) or {}
    channels, height, width = config.get("input_size", (3, 224, 224))
    size = kwargs.get("img_size", (height, width))
    height, width = (size, size) if isinstance(size, int) else size
    return ((1, kwargs.get("in_chans", channels), height, width),)


ORIGIN = Timm()
