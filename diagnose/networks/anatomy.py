"""What a network is made of: stem, stages, blocks, branches, head, and the kind of every layer.

Read off the module tree alone, before anything runs. A *block* is the unit that a network repeats: a module with two
or more weight layers whose class stands in the network at least twice. A *stage* is the run of blocks under one
parent. What stands before the first block is the stem, between two stages a transition, after the last block the head.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from torch import Tensor, nn

from diagnose.values import Place

ITSELF = "the model itself"
"""The stage of what stands in no child module of a network without blocks."""

_CONTAINERS = (nn.Sequential, nn.ModuleList, nn.ModuleDict)
_SHORTCUT = re.compile(r"downsample|shortcut|skip|identity", re.IGNORECASE)
_HEAD = re.compile(r"(?:lm_)?heads?|fc|classifier|logits", re.IGNORECASE)
_STEM = re.compile(r"stem\d*|conv_stem|patch_embed(?:ding)?", re.IGNORECASE)
_AUXILIARY = re.compile(r"aux", re.IGNORECASE)
_NORM = re.compile(r"norm", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Block:
    """One repeated unit: its path in the module tree and the name of its class."""

    path: str
    class_name: str


@dataclass(frozen=True, slots=True)
class Stage:
    """A run of blocks under one parent: "stage 1", "stage 2", … in the order of registration."""

    name: str
    path: str
    blocks: tuple[Block, ...]


class Anatomy:
    """The stages and blocks of a model, and the place of each of its modules.

    A block that names the branch of its modules itself, in a dictionary `branch_of`, is taken at its word.
    """

    def __init__(self, stages: tuple[Stage, ...], places: dict[str, Place]) -> None:
        self.stages = stages
        self._places = places

    def place(self, path: str) -> Place:
        """Return the place of a module, parameter or buffer by its path in the module tree."""
        while path not in self._places:
            path = path.rpartition(".")[0]
        return self._places[path]


def anatomy(model: nn.Module) -> Anatomy:
    """Return the stages, blocks and places of a model."""
    blocks = _blocks(model)
    stages = _stages(blocks)
    return Anatomy(stages, _places(model, stages))


def kind_of(owner: nn.Module, name: str, tensor: Tensor) -> str:
    """Return the kind of layer that a tensor of the module `owner` belongs to, in the field's terms."""
    if isinstance(owner, nn.modules.conv._ConvNd):
        return _convolution_kind(owner)
    for classes, kind in _KINDS:
        if isinstance(owner, classes):
            return kind
    if _NORM.search(type(owner).__name__) and tensor.ndim <= 1:
        return "norm"
    return "bare parameter" if isinstance(tensor, nn.Parameter) else "bare buffer"


_KINDS: tuple[tuple[tuple[type[nn.Module], ...], str], ...] = (
    ((nn.Linear, nn.Bilinear), "linear"),
    ((nn.modules.batchnorm._BatchNorm,), "batch norm"),
    ((nn.LayerNorm,), "layer norm"),
    ((nn.GroupNorm,), "group norm"),
    ((nn.modules.instancenorm._InstanceNorm,), "instance norm"),
    ((nn.RMSNorm,), "RMS norm"),
    ((nn.Embedding, nn.EmbeddingBag), "embedding"),
    ((nn.MultiheadAttention,), "attention projection"),
    ((nn.RNNBase, nn.RNNCellBase), "recurrent"),
    ((nn.PReLU,), "activation"),
)
PARAMETRIZED = ", parametrized"
"""The end of the kind of what a layer's weight is computed from: a weight norm's length and direction."""

NORMS = frozenset({"batch norm", "layer norm", "group norm", "instance norm", "RMS norm", "norm"})


def _convolution_kind(layer: nn.modules.conv._ConvNd) -> str:
    kernel = "×".join(map(str, layer.kernel_size))
    transposed = "transposed " if layer.transposed else ""
    depthwise = layer.groups > 1 and layer.groups == layer.in_channels
    grouped = "depthwise " if depthwise else "grouped " if layer.groups > 1 else ""
    return f"{kernel} {grouped}{transposed}convolution"


def _weight_layers(module: nn.Module) -> int:
    """Count the modules at or under `module` that own a weight of two or more dimensions."""
    return sum(any(p is not None and p.ndim >= 2 for p in m._parameters.values()) for m in module.modules())


def _blocks(model: nn.Module) -> tuple[Block, ...]:
    composite = {m: _weight_layers(m) >= 2 and not isinstance(m, _CONTAINERS) for m in model.modules()}
    composite[model] = False
    instances = Counter(type(m) for m, is_composite in composite.items() if is_composite)
    instances.update(type(m) for m in _registered_again(model) if composite[m])
    stage_classes = {
        type(m)
        for m, is_composite in composite.items()
        if is_composite and any(_repeats(child, composite) for child in m.modules())
    }

    parent_of: dict[nn.Module, nn.Module] = {}

    def topmost(module: nn.Module, path: str) -> Iterator[Block]:
        cls = type(module)
        if composite[module] and instances[cls] >= 2 and cls not in stage_classes and not _AUXILIARY.search(path):
            yield Block(path, cls.__name__)
            return
        listed = isinstance(module, _CONTAINERS)
        for name, child in module._modules.items():
            # A block that is shared stands several times in one list; elsewhere a second name is an alias.
            if child is None or (child in parent_of and not (listed and parent_of[child] is module)):
                continue
            parent_of.setdefault(child, module)
            yield from topmost(child, f"{path}.{name}" if path else name)

    return tuple(_widened(model, tuple(topmost(model, ""))))


def _registered_again(model: nn.Module) -> Iterator[nn.Module]:
    """Yield the modules that a container holds more than once, each time after the first."""
    for module in model.modules():
        if isinstance(module, _CONTAINERS):
            held = Counter(child for child in module._modules.values() if child is not None)
            yield from (held - Counter(set(held))).elements()


def _widened(model: nn.Module, blocks: tuple[Block, ...]) -> Iterator[Block]:
    """Yield the blocks, in place of a part of a block the one-of-a-kind block that holds it.

    timm's EfficientNet begins with a block of a class of its own, whose squeeze-and-excitation stands in all others.
    """
    parts = {
        type(part).__name__
        for block in blocks
        for part in model.get_submodule(block.path).modules()
        if type(part).__name__ != block.class_name
    }
    for block in blocks:
        parent = block.path.rpartition(".")[0]
        holder = model.get_submodule(parent)
        if block.class_name not in parts:
            yield block
        elif parent and not isinstance(holder, _CONTAINERS):
            yield Block(parent, type(holder).__name__)


def _repeats(module: nn.Module, composite: dict[nn.Module, bool]) -> bool:
    """Return whether a module is a run of composite modules of one class.

    Two make a run in a container; a class that registers its blocks on itself, as timm's RegStage, needs three and
    nothing beside them.
    """
    weighted = [m for m in module._modules.values() if m is not None and next(m.parameters(), None) is not None]
    classes = [type(child) for child in weighted if composite[child]]
    if not isinstance(module, _CONTAINERS):
        return len(classes) == len(weighted) >= 3 and len(set(classes)) == 1
    return len(classes) >= 2 and len(set(classes)) == 1


def _stages(blocks: tuple[Block, ...]) -> tuple[Stage, ...]:
    by_parent: dict[str, list[Block]] = {}
    for block in blocks:
        by_parent.setdefault(block.path.rpartition(".")[0], []).append(block)
    return tuple(Stage(f"stage {i}", path, tuple(run)) for i, (path, run) in enumerate(by_parent.items(), start=1))


def _places(model: nn.Module, stages: tuple[Stage, ...]) -> dict[str, Place]:
    if not stages:
        return _places_without_blocks(model)
    stage_of = {block.path: stage for stage in stages for block in stage.blocks}
    places: dict[str, Place] = {}
    passed: list[Stage] = []
    remaining = Counter({stage.name: len(stage.blocks) for stage in stages})
    inside = ""
    for path, module in model.named_modules(remove_duplicate=False):
        if path in stage_of:
            inside = path
            stage = stage_of[path]
            passed = [*passed, stage] if stage not in passed else passed
            remaining[stage.name] -= 1
        if inside and (path == inside or path.startswith(f"{inside}.")):
            stage = stage_of[inside]
            places[path] = Place(
                stage.name, inside, _branch(path.removeprefix(inside).lstrip("."), module, model, inside)
            )
        else:
            places[path] = Place(_between(path, passed, stages, remaining))
    return places


def _between(path: str, passed: list[Stage], stages: tuple[Stage, ...], remaining: Counter[str]) -> str:
    """Return the stage name of a module outside every block, by the blocks registered before it."""
    if _AUXILIARY.search(path):
        return "auxiliary head"
    if _HEAD.fullmatch(path.partition(".")[0]):
        return "head"
    if not passed or _STEM.fullmatch(path.partition(".")[0]):
        return "stem"
    last = passed[-1]
    if remaining[last.name]:
        return last.name
    return "head" if last is stages[-1] else f"transition {stages.index(last) + 1}"


def _branch(inside: str, module: nn.Module, model: nn.Module, block: str) -> str:
    first = inside.partition(".")[0]
    if not first:
        return ""
    if _SHORTCUT.search(first):
        return "shortcut"
    named = getattr(model.get_submodule(block), "branch_of", None)
    return named.get(first, "residual") if isinstance(named, dict) else "residual"


def _places_without_blocks(model: nn.Module) -> dict[str, Place]:
    def stage(path: str) -> str:
        first = path.partition(".")[0]
        return "auxiliary head" if _AUXILIARY.search(path) else "head" if _HEAD.fullmatch(first) else first or ITSELF

    return {path: Place(stage(path)) for path, _ in model.named_modules(remove_duplicate=False)}
