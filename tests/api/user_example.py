"""What a user writes, checked by mypy in strict mode; also the README's lines."""

from __future__ import annotations

import torch
from torch import nn

import diagnose
from diagnose.testing import assert_equivalent, assert_operations, assert_parameters


def compared(mine: nn.Module) -> dict[str, torch.Tensor]:
    comparison: diagnose.NetworkComparison = diagnose.compare(
        mine, "torchvision:resnet18", inputs=torch.zeros(2, 3, 224, 224), mode="both", progress=print
    )
    if comparison.verdict != "equivalent":
        for finding in comparison.differences:
            print(finding.kind, finding.where, finding.message)
    pairs: list[tuple[str, str]] = [(pair.a, pair.b) for pair in comparison.mapping.pairs]
    largest: float | None = comparison.proof.eval
    print(pairs, largest, str(comparison))
    comparison.save("report.html")
    return comparison.convert({"weight": torch.zeros(1)}, to="a")


def counted(mine: nn.Module) -> int:
    total: int = diagnose.count_parameters(mine).total
    macs: int = diagnose.count_operations(mine, inputs={"ids": "1x128:int64"}).macs
    edits = [row["edits"] for row in diagnose.explain_parameters(mine, "6.0M", also={"torch": "11.2M"}).rows()]
    print(edits)
    return total + macs


def trained() -> bool:
    recipes = diagnose.compare_recipes("paper", "mine.toml")
    print([field.key for field in recipes.differences])
    effects = diagnose.probe("torch", ablate=["momentum"], data="synthetic", epochs=(2, 5), budget=None)
    rulings = [judgement.ruling.value for judgement in diagnose.judge("case.toml").judgements]
    return effects.is_open or "refuted" in rulings


def test_my_port() -> None:
    assert_equivalent(nn.ReLU(), "torch.nn:ReLU", inputs="1x4", mode="eval", weights="own", atol=1e-6)
    assert_parameters(nn.Linear(784, 10), "7.85k")
    assert_operations(nn.Linear(784, 10), "7.84k", inputs=(1, 784))


def handled(mine: nn.Module) -> str:
    try:
        return diagnose.count_parameters(mine).summary
    except diagnose.UsageError as error:
        return error.hint
    except diagnose.CannotRun as error:
        return error.message
