"""Small edits that change a network's operations and that re-implementations differ by; each is one entry."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from torch import nn

from diagnose.networks.anatomy import anatomy


@dataclass(frozen=True, slots=True)
class WorkEdit:
    """An edit of a model on the meta device, in place; `apply` returns whether the model has a place for it."""

    text: str
    source: str
    apply: Callable[[nn.Module], bool]


def stride_on_the_first_convolution(model: nn.Module) -> bool:
    """Move the stride of each bottleneck from its 3×3 convolution to the 1×1 convolution before it."""
    moved = [_move_stride(first, second) for first, second in _bottlenecks(model)]
    return any(moved)


def stride_on_the_second_convolution(model: nn.Module) -> bool:
    """Move the stride of each bottleneck from its first 1×1 convolution to the 3×3 convolution behind it."""
    moved = [_move_stride(second, first) for first, second in _bottlenecks(model)]
    return any(moved)


def cifar_stem(model: nn.Module) -> bool:
    """Replace a 7×7 stem of stride 2 and its max-pool by a 3×3 convolution of stride 1."""
    path, stem = _first_convolution(model)
    pools = [name for name, module in model.named_modules() if isinstance(module, nn.MaxPool2d)]
    if stem is None or stem.kernel_size != (7, 7) or stem.stride != (2, 2) or len(pools) != 1:
        return False
    model.set_submodule(path, _stem_like(stem, kernel=3, stride=1))
    model.set_submodule(pools[0], nn.Identity())
    return True


def imagenet_stem(model: nn.Module) -> bool:
    """Replace a 3×3 stem of stride 1 by a 7×7 convolution of stride 2 and a max-pool of stride 2."""
    path, stem = _first_convolution(model)
    blocks = [block for stage in anatomy(model).stages for block in stage.blocks]
    if stem is None or not blocks or stem.kernel_size != (3, 3) or stem.stride != (1, 1):
        return False
    pool = nn.MaxPool2d(3, stride=2, padding=1)
    model.set_submodule(path, nn.Sequential(_stem_like(stem, kernel=7, stride=2), pool))
    return True


def _bottlenecks(model: nn.Module) -> Iterator[tuple[nn.Conv2d, nn.Conv2d]]:
    """Yield the first 1×1 convolution and the 3×3 convolution behind it of each bottleneck; no depthwise ones."""
    places = anatomy(model)
    for stage in places.stages:
        for block in stage.blocks:
            named = model.get_submodule(block.path).named_modules(prefix=block.path)
            convs = [m for path, m in named if isinstance(m, nn.Conv2d) and places.place(path).branch == "residual"]
            if [conv.kernel_size for conv in convs] == [(1, 1), (3, 3), (1, 1)] and convs[1].groups == 1:
                yield convs[0], convs[1]


def _move_stride(to: nn.Conv2d, source: nn.Conv2d) -> bool:
    if to.stride != (1, 1) or source.stride == (1, 1):
        return False
    to.stride, source.stride = source.stride, to.stride
    return True


def _first_convolution(model: nn.Module) -> tuple[str, nn.Conv2d | None]:
    return next(((path, m) for path, m in model.named_modules() if isinstance(m, nn.Conv2d)), ("", None))


def _stem_like(stem: nn.Conv2d, *, kernel: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(
        stem.in_channels,
        stem.out_channels,
        kernel,
        stride=stride,
        padding=kernel // 2,
        bias=stem.bias is not None,
        device="meta",
    )


EDITS: tuple[WorkEdit, ...] = (
    WorkEdit(
        "the stride of each bottleneck on its first 1×1 convolution",
        "He et al. 2016 (arXiv 1512.03385), the original ResNet",
        stride_on_the_first_convolution,
    ),
    WorkEdit(
        "the stride of each bottleneck on its 3×3 convolution",
        "torchvision's resnet, called ResNet v1.5",
        stride_on_the_second_convolution,
    ),
    WorkEdit(
        "a CIFAR stem: 3×3 convolution of stride 1, no max-pool",
        "common practice on CIFAR, mmpretrain's ResNet_CIFAR",
        cifar_stem,
    ),
    WorkEdit(
        "an ImageNet stem: 7×7 convolution of stride 2, max-pool",
        "He et al. 2016 (arXiv 1512.03385)",
        imagenet_stem,
    ),
)
