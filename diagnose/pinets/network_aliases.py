"""The aliases of the built-in case."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from diagnose.networks.origins.aliases import AliasEntry, Options
from diagnose.networks.origins.origin import Alias, Shapes
from diagnose.pinets.networks import mmpretrain_resnet, pinet, resnet

if TYPE_CHECKING:
    pass

BACKBONES = "the authors' backbone, on mmpretrain"
BOTTLENECKS = (
    "From depth 50 on the blocks are mmpretrain's own bottlenecks: they have no second-order term and keep their ReLUs."
)
HUB = "mmpretrain:resnet18_8xb16_cifar10"


def entries() -> tuple[AliasEntry, ...]:
    """Return the aliases in the order in which they should be read."""
    return (
        AliasEntry(
            Alias("torch", "torchvision", "ResNet-18 with a CIFAR stem, 10 classes"),
            resnet,
            _input_shapes,
            narrow=lambda width: {"width": width},
        ),
        AliasEntry(
            Alias("mm", "mmpretrain", "its own resnet18_8xb16_cifar10"),
            mmpretrain_resnet,
            _input_shapes,
            load=_mmpretrain,
            notes=_notes,
            published=HUB,
            narrow=_narrow_mm,
        ),
        _backbone(
            "prodpoly",
            "pinet_relu with blocks [2, 2, 1, 1], CIFAR stem, 10 classes",
            "the reproduction's model, on mmpretrain",
            blocks=(2, 2, 1, 1),
        ),
        _backbone("pinet_relu", "second-order term norm3(out ⊙ shortcut)"),
        _backbone("pinet_1x1_relu", "norm3(conv3(out ⊙ shortcut)), a 1×1 convolution", second_order_convs=1),
        _backbone("pinet_norelu", "pinet_relu without any ReLU", relu=False),
        _backbone("pinet_1x1_norelu", "pinet_1x1_relu without any ReLU", second_order_convs=1, relu=False),
        _backbone("resnet_norelu", "a plain residual network without any ReLU", second_order=False, relu=False),
    )


def _backbone(name: str, description: str, origin: str = BACKBONES, **preset: Any) -> AliasEntry:
    return AliasEntry(
        Alias(name, origin, description),
        pinet,
        _input_shapes,
        preset,
        load=_mmpretrain,
        notes=_notes_of_backbone,
        narrow=lambda width: {"base_channels": width},
    )


def _mmpretrain() -> None:
    from diagnose.networks.origins.from_mmpretrain import load

    load()


def _input_shapes(options: Options) -> Shapes:
    return ((1, 3, 32, 32) if options.get("stem", "cifar") == "cifar" else (1, 3, 224, 224),)


def _notes(options: Options) -> tuple[str, ...]:
    from diagnose.networks.origins.from_mmpretrain import UNINITIALISED

    return (UNINITIALISED,)


def _notes_of_backbone(options: Options) -> tuple[str, ...]:
    bottleneck = options.get("depth", 18) >= 50
    return (*_notes(options), BOTTLENECKS) if bottleneck else _notes(options)


def _narrow_mm(width: int) -> dict[str, Any]:
    return {"backbone": {"base_channels": width, "stem_channels": width}, "head": {"in_channels": 8 * width}}
