"""The networks behind the aliases; their keyword arguments are the aliases' options."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from diagnose.errors import UsageError

if TYPE_CHECKING:
    from torch import nn

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks per stage of each depth; from 50 on they are bottlenecks. Source: He et al. 2016, Table 1."""

NORMALISATION = {
    "cifar": {"mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255], "to_rgb": False},
    "imagenet": {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "to_rgb": True},
}
"""Means and standard deviations, 0–255. Source: mmpretrain's _base_/datasets/cifar10_bs16.py and imagenet_bs32.py."""


def resnet(
    *,
    depth: int = 18,
    blocks: Sequence[int] | None = None,
    stem: str = "cifar",
    num_classes: int = 10,
    width: int = 64,
    zero_init_residual: bool = False,
    groups: int = 1,
    width_per_group: int = 64,
) -> nn.Module:
    """Build torchvision's ResNet with a CIFAR stem, initialised as torchvision initialises.

    `width` is the number of channels of the stem and the first stage; the last three are torchvision's own.
    """
    from torch import nn
    from torchvision.models.resnet import BasicBlock, Bottleneck, ResNet

    layers = _blocks(depth, blocks)
    _check_stem(stem)
    block = BasicBlock if depth < 50 else Bottleneck

    class Widened(ResNet):  # type: ignore[misc]
        """torchvision's ResNet with every stage `width`/64 as wide: its constructor knows 64 only."""

        def _make_layer(self, block: Any, planes: int, *args: Any, **kwargs: Any) -> nn.Sequential:
            if planes == 64:
                self.inplanes = width
            layer: nn.Sequential = super()._make_layer(block, planes * width // 64, *args, **kwargs)
            return layer

    model: nn.Module = (ResNet if width == 64 else Widened)(
        block,
        list(layers),
        num_classes=num_classes,
        zero_init_residual=zero_init_residual,
        groups=groups,
        width_per_group=width_per_group,
    )
    if stem == "cifar":
        model.conv1 = nn.Conv2d(3, width, kernel_size=3, stride=1, padding=1, bias=False)
        model.maxpool = nn.Identity()
    elif width != 64:
        model.conv1 = nn.Conv2d(3, width, kernel_size=7, stride=2, padding=3, bias=False)
    if width != 64:
        model.bn1 = nn.BatchNorm2d(width)
        model.fc = nn.Linear(8 * width * block.expansion, num_classes)
    if isinstance(model.conv1, nn.Conv2d):
        nn.init.kaiming_normal_(model.conv1.weight, mode="fan_out", nonlinearity="relu")
    return model


def mmpretrain_resnet(**config: Any) -> nn.Module:
    """Build mmpretrain's resnet18_8xb16_cifar10; options are merged into its config's `model`."""
    from diagnose.networks.origins.from_mmpretrain import get_model, hub_config, load

    load()
    return get_model(hub_config("resnet18_8xb16_cifar10"), **config)


def pinet(
    *,
    depth: int = 18,
    blocks: Sequence[int] | None = None,
    stem: str = "cifar",
    num_classes: int = 10,
    base_channels: int = 64,
    second_order: bool = True,
    second_order_convs: int = 0,
    second_order_kernel: int = 1,
    second_order_place: str | None = None,
    second_order_norm: str | dict[str, Any] | None = "BN",
    relu: bool = True,
) -> nn.Module:
    """Build a Π-net with mmpretrain's global average pooling and linear head; see `backbones.PiNetBlock`."""
    from mmengine.config import Config

    from diagnose.networks.origins.from_mmpretrain import get_model, load

    layers = _blocks(depth, blocks)
    _check_stem(stem)
    load()
    backbone = {
        "type": "PiNetCIFAR" if stem == "cifar" else "PiNet",
        "depth": depth,
        "blocks": layers,
        "stem_channels": base_channels,
        "base_channels": base_channels,
        "second_order": second_order,
        "second_order_convs": second_order_convs,
        "second_order_kernel": second_order_kernel,
        "second_order_place": second_order_place,
        "second_order_norm": second_order_norm,
        "relu": relu,
    }
    features = base_channels * 8 * (1 if depth < 50 else 4)
    model = {
        "type": "ImageClassifier",
        "data_preprocessor": {"num_classes": num_classes, **NORMALISATION[stem]},
        "backbone": backbone,
        "neck": {"type": "GlobalAveragePooling"},
        "head": {
            "type": "LinearClsHead",
            "num_classes": num_classes,
            "in_channels": features,
            "loss": {"type": "CrossEntropyLoss", "loss_weight": 1.0},
        },
    }
    return get_model(Config({"model": model}))


def _blocks(depth: int, blocks: Sequence[int] | None) -> tuple[int, ...]:
    if depth not in DEPTHS:
        raise UsageError(f"There is no depth {depth!r}.", hint=f"Depths: {', '.join(map(str, DEPTHS))}.")
    if blocks is None:
        return DEPTHS[depth]
    if not isinstance(blocks, (list, tuple)) or len(blocks) != 4 or not all(type(b) is int and b > 0 for b in blocks):
        raise UsageError(f"blocks={blocks!r} is not four numbers of blocks.", hint="Write blocks=[2, 2, 1, 1].")
    return tuple(blocks)


def _check_stem(stem: str) -> None:
    if stem not in NORMALISATION:
        raise UsageError(f"There is no stem {stem!r}.", hint="Stems: cifar, imagenet.")
