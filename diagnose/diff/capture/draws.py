"""Random numbers under control: what a network draws in Python and in NumPy, and which of its paths they choose.

Every uniform draw is one number, the *quantile*: at ½ a layer that is dropped at a rate below one half is kept.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from diagnose.networks.process_state import drawing_from

MIDDLE = 0.5

_UNIFORM = {"rand", "rand_like", "uniform_"}


@dataclass(slots=True)
class DrawLog:
    """What was drawn: `draws` uniform numbers that the quantile stood for; `others` says that more was drawn."""

    draws: int = 0
    others: bool = False


@contextmanager
def draws_at(quantile: float, seed: int = 0) -> Iterator[DrawLog]:
    """Let uniform draws of Python and NumPy be one number meanwhile, and all others start from a seed.

    The random states are restored at the end.
    """
    log = DrawLog()

    def uniform(low: float = 0.0, high: float = 1.0, size: Any = None) -> Any:
        log.draws += 1
        value = low + (high - low) * quantile
        return value if size is None else np.full(size, value)

    def sized(*size: int) -> Any:
        return uniform(size=(size if len(size) != 1 else size[0]) or None)

    replaced: list[tuple[Any, str, Any]] = [
        (random, "random", uniform), (random, "uniform", uniform), (np.random, "rand", sized),
        (np.random, "random", lambda size=None: uniform(size=size)),
        (np.random, "random_sample", lambda size=None: uniform(size=size)), (np.random, "uniform", uniform),
    ]  # fmt: skip
    held = [getattr(module, name) for module, name, _ in replaced]
    with drawing_from(seed):
        before = _states()
        for module, name, function in replaced:
            setattr(module, name, function)
        try:
            yield log
        finally:
            for (module, name, _), function in zip(replaced, held, strict=True):
                setattr(module, name, function)
            log.others = _states() != before


def _states() -> tuple[object, bytes]:
    return random.getstate(), np.random.get_state()[1].tobytes()  # type: ignore[index]


def at_quantile(name: str, args: tuple[Any, ...], result: Any, quantile: float) -> Any:
    """Return what an operator of torch's draws at a quantile; the result of any other operator as it is."""
    if name in _UNIFORM and isinstance(result, Tensor):
        low, high = (float(args[1]), float(args[2])) if name == "uniform_" and len(args) > 2 else (0.0, 1.0)
        return result.fill_(low + (high - low) * quantile)
    if name in ("bernoulli", "bernoulli_") and isinstance(result, Tensor):
        rate = args[1] if len(args) > 1 else (args[0] if name == "bernoulli" else 0.5)
        kept = torch.as_tensor(rate, dtype=torch.float64) > quantile
        return result.copy_(kept.expand(result.shape))
    return result
