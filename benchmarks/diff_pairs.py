"""Real pairs across libraries: what `diagnose diff` says of them, against what is known.

Usage: python benchmarks/diff_pairs.py [PART OF A NAME …]
"""

from __future__ import annotations

import sys
import time

from diagnose.errors import DiagnoseError
from diagnose.graph.answer import compare
from diagnose.inputs import parse_input
from diagnose.values import Verdict

PAIRS = (
    ("torch", "mm", "1x3x32x32", "equivalent"),
    ("torchvision:resnet18", "timm:resnet18", "1x3x64x64", "equivalent"),
    ("torchvision:resnet50", "timm:resnet50", "1x3x64x64", "equivalent"),
    ("torchvision:resnet50", "mmpretrain:resnet50_8xb32_in1k", "1x3x64x64", "equivalent"),
    ("torchvision:resnext50_32x4d", "timm:resnext50_32x4d", "1x3x64x64", "equivalent"),
    ("torchvision:wide_resnet50_2", "timm:wide_resnet50_2", "1x3x64x64", "equivalent"),
    ("torchvision:densenet121", "timm:densenet121", "1x3x64x64", "equivalent"),
    ("torchvision:mobilenet_v2", "timm:mobilenetv2_100", "1x3x64x64", "different"),
    ("torchvision:mobilenet_v2", "mmpretrain:mobilenet-v2_8xb32_in1k", "1x3x64x64", "different"),
    ("torchvision:vgg11_bn", "timm:vgg11_bn", "1x3x224x224", "different"),
    ("torchvision:vit_b_16", "timm:vit_base_patch16_224", "1x3x224x224", "equivalent"),
    ("torchvision:convnext_tiny", "timm:convnext_tiny", "1x3x64x64", "different"),
    ("torchvision:convnext_tiny", "mmpretrain:convnext-tiny_32xb128_in1k", "1x3x64x64", "equivalent"),
    ("torchvision:regnet_y_400mf", "timm:regnety_004", "1x3x64x64", "equivalent"),
    ("torchvision:resnet18", "torchvision:resnet34", "1x3x64x64", "different"),
    ("timm:resnet50", "timm:resnet50d", "1x3x64x64", "different"),
    ("torchvision:efficientnet_b0", "timm:efficientnet_b0", "1x3x64x64", "different"),
)
"""A, B, the input, and the known verdict: see the findings for why two of one name differ."""


def main(wanted: list[str]) -> None:
    """Print one line per pair, and what was found where it is not the known verdict."""
    for a, b, shape, known in PAIRS:
        if wanted and not any(word in f"{a} {b}" for word in wanted):
            continue
        start = time.process_time()
        try:
            answer = compare(a, b, asked=(parse_input(shape),))
        except DiagnoseError as error:
            print(f"NOT RUN  {a} | {b}: {error.message}", flush=True)
            continue
        right = "right" if answer.verdict == known else "WRONG"
        real = [f"×{each.count} {each.kind}: {each.message[:110]}" for each in answer.findings
                if each.verdict is not Verdict.COSMETIC and each.kind != "initial weights"]  # fmt: skip
        seconds = time.process_time() - start
        print(f"{right}  {a} | {b}: {answer.verdict}, proof agrees {answer.proof.agrees}, {seconds:.0f} s of CPU time")
        for line in real[:6]:
            print(f"       {line}")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
