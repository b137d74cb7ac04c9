"""Edits of the embeddings: the vocabulary, whether the output layer is tied to it, and the learned positions."""

from __future__ import annotations

import math
import re
from dataclasses import replace

from diagnose.params.gap.edits.edit import Edit, Edits, to_layers, weights
from diagnose.params.gap.edits.free_number import FreeNumber
from diagnose.params.gap.layout import Layer, Layout

_VOCABULARIES = {
    28996: "BERT, cased", 30522: "BERT, uncased", 32000: "Llama 1 and 2", 32128: "T5, padded", 49152: "StarCoder",
    49408: "CLIP", 50257: "GPT-2", 50265: "RoBERTa", 50304: "GPT-2, padded to a multiple of 64",
    100277: "cl100k", 128256: "Llama 3", 151936: "Qwen 2", 250002: "XLM-R", 256000: "Gemma",
}  # fmt: skip
_POSITION = re.compile(
    r"wpe|pos(?:ition)?(?:al|s)?_?(?:emb|enc)|embed_?pos|(?:^|[._])pos(?:ition)?s?(?:[._]|$)", re.IGNORECASE
)
_TOKEN_FAMILY, _POSITION_FAMILY = "vocabulary", "positions"
_NO_TOKENS = "no embedding was found that is clearly the one of the tokens"
_FAR_LARGER = 4
"""How many times as many rows the token embedding has as any other table, where no output layer tells."""


def vocabulary(layout: Layout) -> Edits:
    """Give the token embedding a well-known vocabulary V: (V′ − V)·d, and as much for each output layer."""
    number = vocabulary_number(layout)
    if isinstance(number, str):
        return number
    return [
        replace(number.make(v), cost=1.0, note=f"{v:,} tokens: {origin}.")
        for v, origin in _VOCABULARIES.items()
        if v != number.now
    ]


def vocabulary_number(layout: Layout) -> FreeNumber | str:
    """Return the size of the vocabulary, which may be any."""
    tokens = token_table(layout)
    if tokens is None:
        return _NO_TOKENS
    now, d = tokens.weight

    def changed(layer: Layer, v: int) -> Layer:
        if layer.path == tokens.path or (layer.classifier and layer.weight and layer.weight[0] == now):
            return replace(layer, parameters=weights((v, layer.weight[1]), bias=layer.biased))
        return replace(layer, tied=v * d) if layer.tied == now * d else layer

    def make(v: int) -> Edit:
        text, change = f"a vocabulary of {v:,} in place of {now:,}", to_layers(lambda layer: changed(layer, v))
        return Edit(_TOKEN_FAMILY, "vocabulary", text, 1.5, change, parameters=(("vocabulary", v),))

    return FreeNumber(layout, _TOKEN_FAMILY, "vocabulary", now, make)


def token_table(layout: Layout) -> Layer | None:
    """Return the token embedding: the one that an output layer shares or matches, else one far larger than others."""
    tables = [
        layer
        for layer in layout.layers()
        if layer.kind == "embedding" and len(layer.weight) == 2 and not _POSITION.search(layer.path)
    ]
    outputs = {layer.weight for layer in layout.layers() if layer.classifier}
    tied = {layer.tied for layer in layout.layers() if layer.tied}
    named = [table for table in tables if table.weight in outputs or math.prod(table.weight) in tied]
    if len(named) == 1:
        return named[0]
    by_size = sorted(tables, key=lambda table: -table.weight[0])
    if not by_size or (len(by_size) > 1 and by_size[0].weight[0] < _FAR_LARGER * by_size[1].weight[0]):
        return None
    return by_size[0]


def tying(layout: Layout) -> Edits:
    """Tie the output layer to the token embedding (−V·d), or untie it (+V·d)."""
    tokens = token_table(layout)
    if tokens is None:
        return _NO_TOKENS
    shape = tokens.weight
    if any(layer.kind == "linear" and layer.tied == math.prod(shape) for layer in layout.layers()):

        def untie(layer: Layer) -> Layer:
            if layer.kind != "linear" or layer.tied != math.prod(shape):
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
    """Give the learned position embedding a usual length n: (n′ − n)·d, or none at all: −n·d."""
    number = position_number(layout)
    if isinstance(number, str):
        return number
    length = number.now
    extra = 1 if math.isqrt(length) ** 2 != length and math.isqrt(length - 1) ** 2 == length - 1 else 0
    grids = [(size // 16) ** 2 + extra for size in (32, 64, 128, 224, 256, 288, 384, 512)]
    holder, _, _ = _position_table(layout) or (None, "", ())
    tokens = holder is not None and holder.kind == "embedding"
    lengths = sorted({0, *((128, 512, 1024, 2048, 4096, 8192) if tokens else grids)} - {length})
    return [replace(number.make(n), cost=1.0) for n in lengths]


def _position_table(layout: Layout) -> tuple[Layer, str, tuple[int, ...]] | None:
    """Return the layer that holds the learned position embedding, with the name and the shape of the tensor."""
    for layer in layout.layers():
        for name, shape in layer.parameters:
            if (
                len(shape) >= 2
                and (layer.kind == "embedding" or layer.is_bare)
                and _POSITION.search(f"{layer.path}.{name}")
            ):
                return layer, name, shape
    return None


def position_number(layout: Layout) -> FreeNumber | str:
    """Return the length of the learned position embedding, which may be any."""
    found = _position_table(layout)
    if found is None:
        return "no learned position embedding was found"
    holder, tensor, shape = found
    length, d = shape[-2], shape[-1]

    def changed(layer: Layer, n: int) -> Layer:
        if layer.path != holder.path:
            return layer
        new = (*shape[:-2], n, d)
        return replace(layer, parameters=tuple((name, new if name == tensor else s) for name, s in layer.parameters))

    def make(n: int) -> Edit:
        text = f"a position embedding of length {n} in place of {length}" if n else "no learned position embedding"
        change = to_layers(lambda layer: changed(layer, n))
        return Edit(_POSITION_FAMILY, "positions", text, 2.0, change, parameters=(("length", n),))

    return FreeNumber(layout, _POSITION_FAMILY, "positions", length, make, 2.0)
