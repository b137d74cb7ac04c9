"""Real pairs across libraries: what `diagnose diff` says of them, what is known, and what a transplant by hand says.

Usage: python benchmarks/diff_pairs.py [PART OF A NAME …]
"""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass

import torch
from torch import nn

from diagnose import networks
from diagnose.diff.run import compare
from diagnose.errors import DiagnoseError
from diagnose.networks.inputs import parse_input
from diagnose.values import GraphDiff, Significance


@dataclass(frozen=True)
class Pair:
    """Two MODELs at an input, and what is known of them: the verdict, and why two of one name differ."""

    a: str
    b: str
    shape: str
    known: str
    why: str = ""


NO_DROP = "B drops nothing by default"

PAIRS = (
    Pair("torch", "mm", "1x3x32x32", "equivalent"),
    Pair("torchvision:resnet18", "timm:resnet18", "1x3x64x64", "equivalent"),
    Pair("torchvision:resnet50", "timm:resnet50", "1x3x64x64", "equivalent"),
    Pair("torchvision:resnet50", "mmpretrain:resnet50_8xb32_in1k", "1x3x64x64", "equivalent"),
    Pair("torchvision:resnext50_32x4d", "timm:resnext50_32x4d", "1x3x64x64", "equivalent"),
    Pair("torchvision:wide_resnet50_2", "timm:wide_resnet50_2", "1x3x64x64", "equivalent"),
    Pair("torchvision:densenet121", "timm:densenet121", "1x3x64x64", "equivalent"),
    Pair("torchvision:mobilenet_v2", "timm:mobilenetv2_100", "1x3x64x64", "different",
         f"dropout 0.2 before A's classifier; {NO_DROP}"),
    Pair("torchvision:mobilenet_v2", "mmpretrain:mobilenet-v2_8xb32_in1k", "1x3x64x64", "different",
         "dropout 0.2 before A's classifier; B's head has none"),
    Pair("torchvision:vgg11_bn", "timm:vgg11_bn", "1x3x224x224", "different",
         f"dropout 0.5 in A's classifier; {NO_DROP}; B's first two linear layers are convolutions"),
    Pair("torchvision:vit_b_16", "timm:vit_base_patch16_224", "1x3x224x224", "equivalent"),
    Pair("torchvision:convnext_tiny", "timm:convnext_tiny", "1x3x64x64", "different",
         f"stochastic depth up to 0.1 in A; {NO_DROP}"),
    Pair("torchvision:convnext_tiny", "mmpretrain:convnext-tiny_32xb128_in1k", "1x3x64x64", "equivalent"),
    Pair("torchvision:regnet_y_400mf", "timm:regnety_004", "1x3x64x64", "equivalent"),
    Pair("torchvision:resnet18", "torchvision:resnet34", "1x3x64x64", "different", "2, 2, 2, 2 blocks and 3, 4, 6, 3"),
    Pair("timm:resnet50", "timm:resnet50d", "1x3x64x64", "different",
         "B's stem has three convolutions, its shortcuts average before a convolution of stride 1"),
    Pair("torchvision:efficientnet_b0", "timm:efficientnet_b0", "1x3x64x64", "different",
         f"stochastic depth up to 0.2 and dropout 0.2 in A; {NO_DROP}"),
)  # fmt: skip


def by_hand(pair: Pair) -> str:
    """Load A's random weights into B by the order of registration, without the diff, and compare in float64.

    Says "equal", "differ in train mode", "differ" or, where the tensors in order have other shapes, "other order".
    """
    network_a, network_b = (networks.build(text, allocate=True, seed=0).module.double() for text in (pair.a, pair.b))
    mine, theirs = network_a.state_dict(), network_b.state_dict()
    if [tensor.shape for tensor in mine.values()] != [tensor.shape for tensor in theirs.values()]:
        return "other order"
    generator = torch.Generator().manual_seed(1)
    for tensor in mine.values():
        if tensor.is_floating_point():
            tensor.copy_(tensor + 0.05 * torch.rand(tensor.shape, generator=generator, dtype=torch.float64))
    network_b.load_state_dict(dict(zip(theirs, mine.values(), strict=True)))
    shape = parse_input(pair.shape).shape
    x = torch.randn((2, *shape[1:]), generator=generator, dtype=torch.float64)
    if not _close(network_a.eval(), network_b.eval(), x):
        return "differ"
    return "equal" if _close(network_a.train(), network_b.train(), x) else "differ in train mode"


def _close(network_a: nn.Module, network_b: nn.Module, x: torch.Tensor) -> bool:
    results = []
    for module in (network_a, network_b):
        torch.manual_seed(0)
        with torch.no_grad():
            results.append(module(x))
    return torch.allclose(*results, rtol=1e-9, atol=1e-9)


def real(answer: GraphDiff) -> list[str]:
    """Return the findings that are not cosmetic, the initial weights left out."""
    return [
        f"×{finding.count} {finding.verdict.value}, {finding.kind}: {finding.message[:100]}"
        for finding in answer.findings
        if finding.verdict is not Significance.COSMETIC and finding.kind != "initial weights"
    ]


def main(wanted: list[str]) -> None:
    """Print one row per pair, with its findings under it, and how many verdicts are right."""
    right = run = 0
    print(f"{'pair':74} {'verdict':12} {'known':11} {'by hand':22} findings  CPU s")
    for pair in PAIRS:
        name = f"{pair.a} | {pair.b}"
        if wanted and not any(word in name for word in wanted):
            continue
        start = time.process_time()
        try:
            answer = compare(pair.a, pair.b, asked=(parse_input(pair.shape),))
        except DiagnoseError as error:
            print(f"{name:74} not run: {error.message}", flush=True)
            continue
        seconds = time.process_time() - start
        found = real(answer)
        run, right = run + 1, right + (answer.verdict == pair.known)
        mark = "" if answer.verdict == pair.known else "  WRONG"
        checked = by_hand(pair)
        print(f"{name:74} {answer.verdict:12} {pair.known:11} {checked:22} {len(found):>8} {seconds:>6.0f}{mark}")
        for line in [*([f"known: {pair.why}"] if pair.why else []), *found[:6]]:
            print(f"    {line}")
        sys.stdout.flush()
    print(f"{right} of {run} verdicts are right")


if __name__ == "__main__":
    main(sys.argv[1:])
