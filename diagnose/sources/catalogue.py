"""The aliases: MODELs with a short name, each with the options of its builder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from diagnose.errors import USAGE, DiagnoseError, nearest
from diagnose.sources.faults import check_call
from diagnose.sources.origin import Alias, Prepared, Shapes
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn

DEPTHS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3), 101: (3, 4, 23, 3), 152: (3, 8, 36, 3)}
"""Blocks per stage of each depth; from 50 on they are bottlenecks. Source: He et al. 2016, Table 1."""

BACKBONES = "our registration of the authors' public backbone in mmpretrain"
BOTTLENECKS = (
    "From depth 50 on the blocks are mmpretrain's own bottlenecks: they have no second-order term and keep their ReLUs."
)
NORMALISATION = {
    "cifar": {"mean": [125.307, 122.961, 113.8575], "std": [51.5865, 50.847, 51.255], "to_rgb": False},
    "imagenet": {"mean": [123.675, 116.28, 103.53], "std": [58.395, 57.12, 57.375], "to_rgb": True},
}
"""Means and standard deviations, 0–255. Source: mmpretrain's _base_/datasets/cifar10_bs16.py and imagenet_bs32.py."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An alias: its builder, whose keyword arguments are its options, and those it presets."""

    alias: Alias
    builder: Callable[..., nn.Module]
    preset: dict[str, Any] = field(default_factory=dict)


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
    from diagnose.sources.from_mmpretrain import get_model, load

    load()
    return get_model("resnet18_8xb16_cifar10", **config)


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
    """Build a Π-net with mmpretrain's global average pooling and linear head; see `pinet.PiNetBlock`."""
    from mmengine.config import Config

    from diagnose.sources.from_mmpretrain import get_model, load

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
        raise DiagnoseError(
            f"There is no depth {depth!r}.", hint=f"Depths: {', '.join(map(str, DEPTHS))}.", exit_code=USAGE
        )
    if blocks is None:
        return DEPTHS[depth]
    if not isinstance(blocks, (list, tuple)) or len(blocks) != 4 or not all(type(b) is int and b > 0 for b in blocks):
        raise DiagnoseError(
            f"blocks={blocks!r} is not four numbers of blocks.", hint="Write blocks=[2, 2, 1, 1].", exit_code=USAGE
        )
    return tuple(blocks)


def _check_stem(stem: str) -> None:
    if stem not in NORMALISATION:
        raise DiagnoseError(f"There is no stem {stem!r}.", hint="Stems: cifar, imagenet.", exit_code=USAGE)


def _entry(name: str, origin: str, description: str, builder: Callable[..., nn.Module], **preset: Any) -> Entry:
    return Entry(Alias(name, origin, description), builder, preset)


ENTRIES = {
    entry.alias.name: entry
    for entry in (
        _entry("torch", "torchvision", "ResNet-18 with a CIFAR stem, 10 classes", resnet),
        _entry("mm", "mmpretrain", "its own resnet18_8xb16_cifar10", mmpretrain_resnet),
        _entry(
            "prodpoly",
            "the reproduction's model, on our backbone",
            "pinet_relu with blocks [2, 2, 1, 1], CIFAR stem, 10 classes",
            pinet,
            blocks=(2, 2, 1, 1),
        ),
        _entry("pinet_relu", BACKBONES, "second-order term norm3(out ⊙ shortcut)", pinet),
        _entry(
            "pinet_1x1_relu", BACKBONES, "norm3(conv3(out ⊙ shortcut)), a 1×1 convolution", pinet, second_order_convs=1
        ),
        _entry("pinet_norelu", BACKBONES, "pinet_relu without any ReLU", pinet, relu=False),
        _entry(
            "pinet_1x1_norelu", BACKBONES, "pinet_1x1_relu without any ReLU", pinet, second_order_convs=1, relu=False
        ),
        _entry(
            "resnet_norelu",
            BACKBONES,
            "a plain residual network without any ReLU",
            pinet,
            second_order=False,
            relu=False,
        ),
    )
}


def aliases() -> tuple[Alias, ...]:
    """Return the aliases in the order in which they should be read."""
    return tuple(entry.alias for entry in ENTRIES.values())


class Catalogue:
    """The aliases as an origin."""

    def names(self) -> tuple[str, ...]:
        """Return the aliases' names."""
        return tuple(ENTRIES)

    def prepare(self, ref: ModelRef, *, pretrained: bool) -> Prepared:
        """Look an alias up and check its options."""
        if ref.name not in ENTRIES:
            raise _unknown(ref)
        if pretrained:
            raise DiagnoseError(f"No weights are published for the alias {ref.name!r}.", exit_code=USAGE)
        entry = ENTRIES[ref.name]
        kwargs = {**entry.preset, **dict(ref.kwargs)}
        check_call(entry.builder, ref, kwargs)
        if entry.builder is not resnet:
            from diagnose.sources.from_mmpretrain import load

            load()  # outside the context in which nothing is allocated
        return Prepared(
            make=partial(entry.builder, **kwargs),
            origin=entry.alias.origin,
            input_shapes=partial(_input_shapes, kwargs.get("stem", "cifar")),
            notes=partial(_notes, entry, kwargs),
        )


def _input_shapes(stem: str, module: nn.Module) -> Shapes:
    return ((1, 3, 32, 32) if stem == "cifar" else (1, 3, 224, 224),)


def _notes(entry: Entry, kwargs: dict[str, Any], module: nn.Module) -> tuple[str, ...]:
    if entry.builder is resnet:
        return ()
    from diagnose.sources.from_mmpretrain import UNINITIALISED

    bottleneck = entry.builder is pinet and kwargs.get("depth", 18) >= 50
    return (UNINITIALISED, BOTTLENECKS) if bottleneck else (UNINITIALISED,)


def _unknown(ref: ModelRef) -> DiagnoseError:
    """Return the error for a bare name that is no alias, with the aliases near it and the sources that have it."""
    from diagnose.sources.building import SEARCHED, names

    having: list[str] = []
    for source in SEARCHED:
        try:
            known = names(source)
        except DiagnoseError:
            continue  # not installed here: nothing to propose
        # mmpretrain's names carry the recipe: resnet18_8xb32_in1k.
        named = [name for name in known if name == ref.name or name.startswith(f"{ref.name}_8x")]
        having += [f"{source}:{name}" for name in named[:2]]
    near = nearest(ref.name, tuple(ENTRIES)) or f"Aliases: {', '.join(ENTRIES)}."
    hint = f"Did you mean {' or '.join(having)}?" if having else near
    return DiagnoseError(f"There is no alias {ref.name!r}.", hint=hint, exit_code=USAGE)


ORIGIN = Catalogue()
