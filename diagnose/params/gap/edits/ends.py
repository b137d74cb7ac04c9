"""Edits at the ends of a network: stem, classifier and head."""

from __future__ import annotations

from dataclasses import replace

from diagnose.params.gap.edits.edit import Edit, Edits, convolution, linear, norm_like, to_layers, weights
from diagnose.params.gap.edits.embeddings import token_table
from diagnose.params.gap.edits.free_number import FreeNumber
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_CLASSES = {
    10: "CIFAR-10, MNIST", 100: "CIFAR-100", 200: "Tiny ImageNet", 1000: "ImageNet-1k",
    1001: "ImageNet-1k and a background class", 10450: "ImageNet-21k-P (winter)", 11221: "ImageNet-21k-P",
    21841: "ImageNet-21k", 21843: "ImageNet-21k with all synsets",
}  # fmt: skip
_CLASS_FAMILY = "number of classes"


def stem(layout: Layout) -> Edits:
    """Replace the kernel of the first convolution (7, 5, 3), or all of it by three 3×3 convolutions."""
    first = next((x for g in layout.groups if g.stage == "stem" for x in g.layers if x.is_convolution), None)
    if first is None or len(first.weight) != 4:
        return "no 2-d convolution was found in a stem"
    outward, inward, kernel, _ = first.weight
    if kernel % 2 == 0:
        return "the first convolution embeds patches"
    path = first.path

    def replaced(group: LayerGroup, new: tuple[Layer, ...]) -> LayerGroup:
        if not any(layer.path == path for layer in group.layers):
            return group
        return group.with_layers(y for x in group.layers for y in (new if x.path == path else (x,)))

    made = []
    for k in (7, 5, 3):
        if k != kernel:
            new = (replace(convolution(k, inward, outward, bias=first.biased), branch=""),)
            text = f"a {k}×{k} convolution as the stem"
            change = lambda g, new=new: replaced(g, new)  # noqa: E731
            made.append(Edit("stem", "stem", text, 1.0, change, parameters=(("kernel", k),)))
    half = outward // 2
    deep = (
        convolution(3, inward, half), norm_like(layout.layers(), half), convolution(3, half, half),
        norm_like(layout.layers(), half), convolution(3, half, outward),
    )  # fmt: skip
    made.append(
        Edit(
            "stem", "stem", f"a deep stem of three 3×3 convolutions ({half}, {half}, {outward})", 1.25,
            lambda g: replaced(g, deep), parameters=(("deep", True),), source="ResNet-C (arXiv 1812.01187)",
        )
    )  # fmt: skip
    return made


def _classifier(layout: Layout) -> Layer | None:
    """Return the last linear layer of the head; one from d to d is a pooler, and no classifier."""
    last = next((x for g in reversed(layout.groups) for x in reversed(g.layers) if x.classifier and x.weight), None)
    return None if last is None or last.weight[0] == last.weight[1] else last


def classes(layout: Layout) -> Edits:
    """Give the classifier the number of classes K of a well-known data set: (K′ − K)·(d + 1)."""
    number = class_number(layout)
    if isinstance(number, str):
        return number
    return [
        replace(number.make(k), cost=1.0, note=f"{k} classes: {dataset}.")
        for k, dataset in _CLASSES.items()
        if k != number.now
    ]


def class_number(layout: Layout) -> FreeNumber | str:
    """Return the number of classes, which may be any."""
    last = _classifier(layout)
    if last is None:
        return "no linear classifier was found in the head"
    tokens = token_table(layout)
    if tokens is not None and tokens.weight == last.weight:
        return "the last linear layer puts out tokens, not classes"
    now = last.weight[0]

    def changed(layer: Layer, k: int) -> Layer:
        if not (layer.kind == "linear" and layer.weight and layer.weight[0] == now and _in_head(layer, last)):
            return layer
        return replace(layer, parameters=weights((k, layer.weight[1]), bias=layer.biased))

    def make(k: int) -> Edit:
        text, change = f"{k} classes in place of {now}", to_layers(lambda layer: changed(layer, k))
        return Edit(_CLASS_FAMILY, "num_classes", text, 1.5, change, parameters=(("classes", k),))

    return FreeNumber(layout, _CLASS_FAMILY, "num_classes", now, make)


def _in_head(layer: Layer, classifier: Layer) -> bool:
    """Return whether a layer is the classifier, its twin, or an auxiliary one: they share their number of classes."""
    twin = layer.classifier and layer.weight == classifier.weight
    return layer.path == classifier.path or twin or "aux" in layer.path.lower()


def head(layout: Layout) -> Edits:
    """Take the classifier's bias (−K), or put a linear layer of width h before it: h·(d + 1) + K·(h − d)."""
    last = _classifier(layout)
    if last is None:
        return "no linear classifier was found in the head"
    k, d = last.weight
    biased = last.biased

    def bias(layer: Layer) -> Layer:
        return replace(layer, parameters=weights(layer.weight, bias=not biased)) if layer.path == last.path else layer

    def extra(group: LayerGroup, h: int) -> LayerGroup:
        if not any(layer.path == last.path for layer in group.layers):
            return group
        new = (linear(d, h), replace(last, parameters=weights((k, h), bias=biased)))
        return group.with_layers(y for x in group.layers for y in (new if x.path == last.path else (x,)))

    text = "a classifier without bias" if biased else "a classifier with bias"
    made = [Edit("classifier bias", "bias", text, 1.0, to_layers(bias), parameters=(("bias", not biased),))]
    for h in sorted({d, 512, 1024, 2048, 4096}):
        made.append(
            Edit(
                "extra linear layer", "head", f"a linear layer of {h} before the classifier", 1.0 + 0.25 * (h != d),
                lambda group, h=h: extra(group, h), parameters=(("width", h),),  # type: ignore[misc]
            )
        )  # fmt: skip
    return made
