"""Π-net backbones for mmpretrain: residual networks with a second-order term in each basic block.

Importing this module registers `PiNet` and `PiNetCIFAR` in mmpretrain's registry, so a config builds and trains them:

    custom_imports = dict(imports=["diagnose.pinets.backbones"])
    model = dict(type="ImageClassifier", backbone=dict(type="PiNetCIFAR", depth=18), …)

With x the input of a block, s the shortcut (identity or projection) and ⊙ the Hadamard product:

    out = norm2(conv2(relu(norm1(conv1(x)))))
    s   = shortcut(x)
    y   = relu(out + s + norm3(out ⊙ s))

Source: Chrysos et al., "Deep Polynomial Neural Networks", IEEE TPAMI 2021 (arXiv 2006.13026), and the description of
the authors' public backbones. Written for this package against mmpretrain 1.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch.utils.checkpoint
from mmcv.cnn import build_conv_layer, build_norm_layer
from mmengine.model import constant_init
from mmpretrain.models.backbones.resnet import BasicBlock, ResLayer, ResNet
from mmpretrain.models.backbones.resnet_cifar import ResNet_CIFAR
from mmpretrain.registry import MODELS
from torch import Tensor, nn

Place = Literal["product", "residual", "shortcut", "operands"]
"""Where the convolutions of the second-order term stand: one after the other behind the product or before it on one
operand, or one on each operand."""

PLACES: tuple[Place, ...] = ("product", "residual", "shortcut", "operands")

GROUPS = 32
"""Groups of a group norm that is asked for by name alone, as in the paper that introduced it (Wu & He, 2018)."""


class PiNetBlock(BasicBlock):  # type: ignore[misc]
    """A basic residual block with a second-order term.

    Args:
        in_channels, out_channels: channels of the input (N, C, H, W) and of the output.
        second_order: False leaves a plain residual block.
        second_order_convs: bias-free convolutions in the term, 0, 1 or 2: `conv3`, `conv4`.
        second_order_kernel: their kernel size, 1 or 3.
        second_order_place: where they stand, see `Place`; by default behind the product, and two on the operands.
        second_order_norm: type or config of `norm3`; "same" is the block's own `norm_cfg`, None is no norm.
        relu: False leaves out both ReLUs.
        kwargs: mmpretrain's arguments of `BasicBlock`.

    Stochastic depth drops the residual branch and the second-order term together, so a dropped block is its shortcut.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        second_order: bool = True,
        second_order_convs: int = 0,
        second_order_kernel: int = 1,
        second_order_place: Place | None = None,
        second_order_norm: str | Mapping[str, Any] | None = "same",
        relu: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(in_channels, out_channels, **kwargs)
        place = second_order_place or ("operands" if second_order_convs == 2 else "product")
        _check(second_order_convs, second_order_kernel, place)
        self.second_order = second_order
        self.second_order_place = place
        self.norm3_name: str | None = None
        if not relu:
            self.relu = nn.Identity()
        if not second_order:
            return
        names = ("conv3", "conv4")[:second_order_convs]
        for name in names:
            padding = second_order_kernel // 2
            conv = build_conv_layer(
                self.conv_cfg, out_channels, out_channels, second_order_kernel, padding=padding, bias=False
            )
            self.add_module(name, conv)
        # The convolutions on each operand of the product, and those on the product itself.
        self._on_residual = names if place == "residual" else names[:1] if place == "operands" else ()
        self._on_shortcut = names if place == "shortcut" else names[1:] if place == "operands" else ()
        self._on_product = names if place == "product" else ()
        if second_order_norm is not None:
            self.norm3_name, norm = build_norm_layer(_norm(second_order_norm, self.norm_cfg), out_channels, postfix=3)
            self.add_module(self.norm3_name, norm)
        # What diagnose.networks.anatomy calls the branch of these modules.
        self.branch_of = dict.fromkeys((*names, self.norm3_name), "second-order")

    @property
    def norm3(self) -> nn.Module | None:
        """Return the norm of the second-order term, None where it has none."""
        return None if self.norm3_name is None else self.get_submodule(self.norm3_name)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_channels, H, W) to (N, out_channels, H / stride, W / stride)."""
        if self.with_cp and x.requires_grad:
            y: Tensor = torch.utils.checkpoint.checkpoint(self._polynomial, x, use_reentrant=False)
        else:
            y = self._polynomial(x)
        activated: Tensor = self.relu(y)
        return activated

    def _polynomial(self, x: Tensor) -> Tensor:
        """Return what the block's last ReLU is applied to. Nothing in place: the product needs both its operands."""
        out: Tensor = self.norm2(self.conv2(self.relu(self.norm1(self.conv1(x)))))
        s = x if self.downsample is None else self.downsample(x)
        if self.second_order:
            out = out + self._second_order_term(out, s)
        out = self.drop_path(out)
        return out + s

    def _second_order_term(self, out: Tensor, s: Tensor) -> Tensor:
        term = self._through(self._on_residual, out) * self._through(self._on_shortcut, s)
        term = self._through(self._on_product, term)
        if self.norm3_name is not None:
            term = getattr(self, self.norm3_name)(term)
        return term

    def _through(self, names: Sequence[str], x: Tensor) -> Tensor:
        for name in names:
            x = getattr(self, name)(x)
        return x


def _check(convs: int, kernel: int, place: str) -> None:
    if convs not in (0, 1, 2):
        raise ValueError(f"second_order_convs must be 0, 1 or 2, not {convs!r}")
    if kernel not in (1, 3):
        raise ValueError(f"second_order_kernel must be 1 or 3, not {kernel!r}")
    if place not in PLACES:
        raise ValueError(f"second_order_place must be one of {', '.join(PLACES)}, not {place!r}")
    if place == "operands" and convs == 1:
        raise ValueError('second_order_place="operands" needs a convolution for each operand: second_order_convs=2')


def _norm(wanted: str | Mapping[str, Any], same: Mapping[str, Any]) -> dict[str, Any]:
    if wanted == "same":
        return dict(same)
    config: dict[str, Any] = {"type": wanted} if isinstance(wanted, str) else dict(wanted)
    if config["type"] == "GN":
        config.setdefault("num_groups", GROUPS)
    return config


class _Polynomial(ResNet):  # type: ignore[misc]
    """What `PiNet` and `PiNetCIFAR` add to mmpretrain's ResNets.

    Args:
        depth: 18 or 34 with our block; at 50, 101 and 152 the blocks are mmpretrain's bottlenecks, unchanged.
        blocks: blocks per stage in place of the depth's own, such as (2, 2, 1, 1).
        second_order, second_order_convs, second_order_kernel, second_order_place, second_order_norm: see `PiNetBlock`.
        relu: False leaves out every ReLU of the stem and of our blocks.
        kwargs: mmpretrain's arguments of the backbone.
    """

    def __init__(
        self,
        depth: int,
        *,
        blocks: Sequence[int] | None = None,
        second_order: bool = True,
        second_order_convs: int = 0,
        second_order_kernel: int = 1,
        second_order_place: Place | None = None,
        second_order_norm: str | Mapping[str, Any] | None = "same",
        relu: bool = True,
        **kwargs: Any,
    ) -> None:
        settings: dict[int, tuple[type[nn.Module], tuple[int, ...]]] = ResNet.arch_settings
        if depth not in settings:
            raise ValueError(f"depth must be one of {', '.join(map(str, settings))}, not {depth!r}")
        block, usual = settings[depth]
        block = PiNetBlock if block is BasicBlock else block
        # Set on the instance before mmpretrain's constructor, which reads them.
        self.arch_settings = {**settings, depth: (block, tuple(blocks or usual))}
        self._of_blocks: dict[str, Any] = {
            "second_order": second_order,
            "second_order_convs": second_order_convs,
            "second_order_kernel": second_order_kernel,
            "second_order_place": second_order_place,
            "second_order_norm": second_order_norm,
            "relu": relu,
        }
        super().__init__(depth, **kwargs)
        if not relu:
            self._without_stem_relu()

    def make_res_layer(self, **kwargs: Any) -> nn.Module:
        """Build a stage; only our block knows our options."""
        stage: nn.Module = ResLayer(**kwargs, **(self._of_blocks if kwargs["block"] is PiNetBlock else {}))
        return stage

    def _without_stem_relu(self) -> None:
        if self.deep_stem:
            for part in self.stem:
                part.activate = nn.Identity()
        else:
            self.relu = nn.Identity()

    def init_weights(self) -> None:
        """Initialise as mmpretrain does, and zero-initialise norm3 wherever norm2 is.

        `zero_init_residual` is to let a block begin as the identity, so both terms of its residual must vanish. With
        norm2 alone at zero the product would be constant, and norm3 would divide its gradient by √eps ≈ 1/300.
        """
        super().init_weights()
        pretrained = isinstance(self.init_cfg, dict) and self.init_cfg["type"] == "Pretrained"
        if pretrained or not self.zero_init_residual:
            return
        for block in self.modules():
            if isinstance(block, PiNetBlock) and getattr(block.norm3, "weight", None) is not None:
                constant_init(block.norm3, 0)


@MODELS.register_module()
class PiNet(_Polynomial):
    """A Π-net with mmpretrain's ImageNet stem: 7×7 convolution of stride 2, then max-pool."""


@MODELS.register_module()
class PiNetCIFAR(_Polynomial, ResNet_CIFAR):  # type: ignore[misc]
    """A Π-net with mmpretrain's CIFAR stem: 3×3 convolution of stride 1, no max-pool."""
