"""Checks before a probe trains anything: requests that no trial can meet, and facts that a reader would not expect."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from diagnose.errors import Option, UsageError
from diagnose.networks import build
from diagnose.probe.data.images import Images
from diagnose.probe.plan.arms import Arm
from diagnose.probe.plan.limits import check_counts
from diagnose.probe.plan.plan import FEWEST_STEPS, Plan
from diagnose.values import ENGINES, LAYOUTS, PRECISIONS, InitialWeights
from diagnose.wording import counted

if TYPE_CHECKING:
    from diagnose.probe.request import ProbeRequest


def check_request(request: ProbeRequest, *, cores: int | None) -> None:
    """Refuse numbers that make no probe, and words that are none of those known.

    Raises:
        DiagnoseError: one of them is too small or too large, or two cannot be had together (exit code 2).
    """
    fixed = request.numerics
    for name, known in (("precision", PRECISIONS), ("layout", LAYOUTS), ("engine", ENGINES)):
        value = getattr(fixed, name)
        if value is not None and value not in known:
            raise UsageError(f"unknown {name} {value!r}", hint=f"Known are {', '.join(known)}.")
    check_counts(request.counts, cores=cores)
    for epochs in request.lengths:
        check_counts({"epochs": epochs})
    if fixed.engine == "cuda-graphs" and not request.device.startswith("cuda"):
        raise UsageError(
            "CUDA graphs need a GPU, and these trials run on the processor.",
            hint="{} runs there; {} asks for a GPU.",
            options=(Option("engine", "eager"), Option("device", "cuda")),
        )
    if fixed.engine == "cuda-graphs" and fixed.micro_batch is not None:
        raise UsageError(
            "CUDA graphs take no micro-batches: the gradients of one graph would be overwritten by the next.",
            hint="{} does.",
            options=(Option("engine", "compile"),),
        )


def check_arms(arms: Sequence[Arm], images: Images, micro_batch: int | None) -> None:
    """Refuse arms that would not be trained as they say.

    Raises:
        DiagnoseError: crops to several sizes, or a micro-batch that does not divide each batch (exit code 2).
    """
    side = images.train_images.shape[1]
    crops = sorted({arm.settings.augmentation.crop for arm in arms} - {0})
    if len(crops) > 1:
        raise UsageError(
            f"The recipes crop to {' and to '.join(map(str, crops))} pixels: a probe's images keep their {side}.",
            hint="Give both recipes the same crop, or no crop.",
        )
    batches = sorted({arm.settings.batch_size for arm in arms})
    if micro_batch is not None and any(batch % micro_batch for batch in batches):
        fitting = [n for n in range(batches[0], 0, -1) if not any(batch % n for batch in batches)]
        raise UsageError(
            f"A micro-batch of {micro_batch} does not divide the batch of {' and of '.join(map(str, batches))} images.",
            hint=f"These do: {', '.join(map(str, fitting[:6]))}.",
        )


def check_init(arms: Sequence[Arm], models: Sequence[str]) -> None:
    """Refuse a model without the initialisation that a recipe asks for; it is built without weights.

    Raises:
        DiagnoseError: it has no `init_weights` (exit code 2), or it cannot be built.
    """
    asking = next((arm for arm in arms if arm.settings.init == InitialWeights.MMPRETRAIN), None)
    if asking is None:
        return
    for model in models:
        if not hasattr(build(model).module, "init_weights"):
            raise UsageError(
                f"{model} has no init_weights(), which the recipe {asking.recipe} initialises by.",
                hint="Name a model of mmpretrain, or write that recipe with another `init`.",
            )


def remarks(plan: Plan, images: Images, micro_batch: int | None) -> Iterator[str]:
    """Yield the facts of a plan that a reader would not expect."""
    side = images.train_images.shape[1]
    crop = max(arm.settings.augmentation.crop for arm in plan.arms)
    if crop not in (0, side):
        yield f"The images are of {side}×{side} pixels: a random crop keeps this size, in place of the recipe's {crop}."
    if micro_batch is not None:
        yield f"Batch norm takes its mean and variance over {micro_batch} images at most, those of one forward pass."
    small = [arm for arm in plan.arms if plan.images_of(arm) < arm.settings.batch_size]
    if small:
        said = ", ".join(f"{arm.name} {plan.images_of(arm)} in place of {arm.settings.batch_size}" for arm in small)
        yield f"There are fewer images than a batch has, so that all of them are one batch: {said}."
    shortest = plan.horizons[0]
    steps = min(plan.steps(arm, shortest) for arm in plan.arms)
    if steps < FEWEST_STEPS:
        trial = f"A trial of {counted(shortest, 'epoch')}" if len(plan.horizons) > 1 else "A trial"
        yield f"{trial} takes {counted(steps, 'step')}, fewer than {FEWEST_STEPS}: it tells of the first steps alone."
