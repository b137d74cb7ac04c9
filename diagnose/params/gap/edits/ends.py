"""Edits at the ends of a network: stem, classifier and head, vocabulary, position embeddings, tied embeddings."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from diagnose.params.gap.edits.edit import Edit, Edits, convolution, linear, norm_like, to_layers, weights
from diagnose.params.gap.layout import Layer, LayerGroup, Layout

_CLASSES = {
    10: "CIFAR-10, MNIST", 100: "CIFAR-100", 200: "Tiny ImageNet", 1000: "ImageNet-1k",
    1001: "ImageNet-1k and a background class", 10450: "ImageNet-21k-P (winter)", 11221: "ImageNet-21k-P",
    21841: "ImageNet-21k", 21843: "ImageNet-21k with all synsets",
}  # fmt: skip
_VOCABULARIES = {
    28996: "BERT, cased", 30522: "BERT, uncased", 32000: "Llama 1 and 2", 32128: "T5, padded", 49152: "StarCoder",
    49408: "CLIP", 50257: "GPT-2", 50265: "RoBERTa", 50304: "GPT-2, padded to a multiple of 64",
    100277: "cl100k", 128256: "Llama 3", 151936: "Qwen 2", 250002: "XLM-R", 256000: "Gemma",
}  # fmt: skip
_POSITION = re.compile(r"pos(?:ition)?(?:al)?_?emb|wpe|pos_embed|position_embeddings", re.IGNORECASE)


def stem(layout: Layout) -> Edits:
    """Replace the kernel of the first convolution (7, 5, 3), or all of it by three 3×3 convolutions."""
    first = next((x for g in layout.groups if g.stage == "stem" for x in g.layers if x.is_convolution), None)
    if first is None or len(first.weight) != 4:
        return "no 2-d convolution was found in a stem"
    outward, inward, kernel, _ = first.weight
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
    return next((x for g in reversed(layout.groups) for x in reversed(g.layers) if x.classifier and x.weight), None)


def classes(layout: Layout) -> Edits:
    """Give the classifier another number of classes K: (K′ − K)·(d + 1)."""
    last = _classifier(layout)
    if last is None:
        return "no linear classifier was found in the head"
    now = last.weight[0]

    def changed(layer: Layer, k: int) -> Layer:
        if not (layer.kind == "linear" and layer.weight and layer.weight[0] == now and _in_head(layer, last)):
            return layer
        return replace(layer, parameters=weights((k, layer.weight[1]), bias=layer.biased))

    return [
        Edit(
            "number of classes", "num_classes", f"{k} classes in place of {now}", 1.0,
            to_layers(lambda x, k=k: changed(x, k)),  # type: ignore[misc]
            parameters=(("classes", k),), note=f"{k} classes: {dataset}.",
        )
        for k, dataset in _CLASSES.items()
        if k != now
    ]  # fmt: skip


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


def vocabulary(layout: Layout) -> Edits:
    """Give the token embedding, and an output layer of the same height, another vocabulary V: (V′ − V)·d each."""
    tokens = next((x for x in layout.layers() if x.kind == "embedding" and not _POSITION.search(x.path)), None)
    if tokens is None or not tokens.weight:
        return "no token embedding was found"
    now, d = tokens.weight

    def changed(layer: Layer, v: int) -> Layer:
        if layer.path == tokens.path or (layer.classifier and layer.weight and layer.weight[0] == now):
            return replace(layer, parameters=weights((v, layer.weight[1]), bias=layer.biased))
        return replace(layer, tied=v * d) if layer.tied == now * d else layer

    return [
        Edit(
            "vocabulary", "vocabulary", f"a vocabulary of {v:,} in place of {now:,}", 1.0,
            to_layers(lambda x, v=v: changed(x, v)),  # type: ignore[misc]
            parameters=(("vocabulary", v),), note=f"{v:,} tokens: {origin}.",
        )
        for v, origin in _VOCABULARIES.items()
        if v != now
    ]  # fmt: skip


def tying(layout: Layout) -> Edits:
    """Tie the output layer to the token embedding (−V·d), or untie it (+V·d)."""
    tokens = next((x for x in layout.layers() if x.kind == "embedding" and not _POSITION.search(x.path)), None)
    if tokens is None or not tokens.weight:
        return "no token embedding was found"
    shape = tokens.weight
    if any(layer.tied == math.prod(shape) for layer in layout.layers()):

        def untie(layer: Layer) -> Layer:
            if layer.tied != math.prod(shape):
                return layer
            return replace(layer, tied=0, parameters=(("weight", shape), *layer.parameters))

        text = "an output layer of its own, not tied to the token embedding"
        return [Edit("tying", "tying", text, 1.0, to_layers(untie), parameters=(("tied", False),))]
    if not any(layer.classifier and layer.weight == shape for layer in layout.layers()):
        return "no output layer of the token embedding's shape was found"

    def tie(layer: Layer) -> Layer:
        if not (layer.classifier and layer.weight == shape):
            return layer
        kept = tuple((name, s) for name, s in layer.parameters if s != shape)
        return replace(layer, tied=math.prod(shape), parameters=kept)

    text = "the output layer tied to the token embedding"
    return [Edit("tying", "tying", text, 1.0, to_layers(tie), parameters=(("tied", True),))]


def positions(layout: Layout) -> Edits:
    """Give the learned position embedding another length n: (n′ − n)·d, or none at all: −n·d."""

    def shape_of(layer: Layer) -> tuple[str, tuple[int, ...]] | None:
        named = [(name, shape) for name, shape in layer.parameters if _POSITION.search(f"{layer.path}.{name}")]
        return named[0] if named and len(named[0][1]) >= 2 else None

    found = next(((layer, named) for layer in layout.layers() if (named := shape_of(layer))), None)
    if found is None:
        return "no learned position embedding was found"
    holder, (tensor, shape) = found
    length, d = shape[-2], shape[-1]
    extra = 1 if math.isqrt(length) ** 2 != length and math.isqrt(length - 1) ** 2 == length - 1 else 0
    grids = [(size // 16) ** 2 + extra for size in (32, 64, 128, 224, 256, 288, 384, 512)]
    lengths = sorted({0, *(grids if holder.kind != "embedding" else (128, 512, 1024, 2048, 4096, 8192))} - {length})

    def changed(layer: Layer, n: int) -> Layer:
        if layer.path != holder.path:
            return layer
        new = (*shape[:-2], n, d)
        return replace(layer, parameters=tuple((name, new if name == tensor else s) for name, s in layer.parameters))

    def text(n: int) -> str:
        if n == 0:
            return "no learned position embedding"
        return f"a position embedding of length {n} in place of {length}"

    return [
        Edit(
            "positions", "positions", text(n), 1.0,
            to_layers(lambda x, n=n: changed(x, n)),  # type: ignore[misc]
            parameters=(("length", n),),
        )
        for n in lengths
    ]  # fmt: skip
