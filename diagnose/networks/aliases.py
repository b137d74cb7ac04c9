"""The aliases: MODELs with a short name, each with the options of its builder."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from diagnose.errors import DiagnoseError, UsageError, nearest
from diagnose.networks.build_errors import check_call
from diagnose.networks.consent import ask_for_download
from diagnose.networks.origin import Alias, Prepared, Shapes
from diagnose.pinets.networks import mmpretrain_resnet, pinet, resnet
from diagnose.values import ModelRef

if TYPE_CHECKING:
    from torch import nn

BACKBONES = "the authors' backbone, on mmpretrain"
BOTTLENECKS = (
    "From depth 50 on the blocks are mmpretrain's own bottlenecks: they have no second-order term and keep their ReLUs."
)


@dataclass(frozen=True, slots=True)
class Entry:
    """An alias: its builder, whose keyword arguments are its options, and those it presets."""

    alias: Alias
    builder: Callable[..., nn.Module]
    preset: dict[str, Any] = field(default_factory=dict)


def _entry(name: str, origin: str, description: str, builder: Callable[..., nn.Module], **preset: Any) -> Entry:
    return Entry(Alias(name, origin, description), builder, preset)


ENTRIES = {
    entry.alias.name: entry
    for entry in (
        _entry("torch", "torchvision", "ResNet-18 with a CIFAR stem, 10 classes", resnet),
        _entry("mm", "mmpretrain", "its own resnet18_8xb16_cifar10", mmpretrain_resnet),
        _entry(
            "prodpoly",
            "the reproduction's model, on mmpretrain",
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
        ask_for_download(ref)
        if ref.name not in ENTRIES:
            raise _unknown(ref)
        if pretrained:
            raise UsageError(
                f"The alias {ref.name!r} has no published weights.",
                hint="mmpretrain:resnet18_8xb16_cifar10 has." if ref.name == "mm" else "",
            )
        entry = ENTRIES[ref.name]
        kwargs = {**entry.preset, **dict(ref.kwargs)}
        check_call(entry.builder, ref, kwargs)
        if entry.builder is not resnet:
            from diagnose.networks.from_mmpretrain import load

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
    from diagnose.networks.from_mmpretrain import UNINITIALISED

    bottleneck = entry.builder is pinet and kwargs.get("depth", 18) >= 50
    return (UNINITIALISED, BOTTLENECKS) if bottleneck else (UNINITIALISED,)


def _unknown(ref: ModelRef) -> DiagnoseError:
    """Return the error for a bare name that is no alias, with the aliases near it and the sources that have it."""
    from difflib import get_close_matches

    from diagnose.networks.registry import SEARCHED, names

    typo = get_close_matches(ref.name, ENTRIES, cutoff=0.8)  # so near that no library need be asked
    having: list[str] = []
    for source in () if typo else SEARCHED:
        try:
            known = names(source)
        except DiagnoseError:
            continue  # not installed here: nothing to propose
        # mmpretrain's names carry the recipe: resnet18_8xb32_in1k.
        named = [name for name in known if name == ref.name or name.startswith(f"{ref.name}_8x")]
        having += [f"{source}:{name}" for name in named[:2]]
    near = nearest(ref.name, tuple(ENTRIES)) or f"Aliases: {', '.join(ENTRIES)}."
    hint = f"Did you mean {' or '.join(having)}?" if having else near
    return UsageError(f"There is no alias {ref.name!r}.", hint=hint)


ORIGIN = Catalogue()
