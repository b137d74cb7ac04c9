"""A data set, a sampler and transforms described as far as their objects show it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

DEEPEST = 8
"""Most data sets that are followed from one that wraps another."""

LONGEST = 200
"""Longest text of a value."""


def data_set_facts(data_set: Any) -> dict[str, Any]:
    """Return class, length, the split that it says it holds, the chain that it wraps, and its transforms."""
    chain = list(_chain(data_set))
    base = chain[-1]
    return {
        "class": _class_of(base),
        "chain": [_class_of(link) for link in chain],
        "length": length_of(data_set),
        "subset": _subset(chain),
        "split": _split(base),
        "transforms": [step for link in chain for step in transform_steps(link)],
        "identity": id(base),
    }


def length_of(sized: Any) -> int | None:
    """Return a length, None where there is none."""
    try:
        return len(sized)
    except (TypeError, NotImplementedError, AttributeError):
        return None


def _chain(data_set: Any) -> Iterator[Any]:
    for _ in range(DEEPEST):
        yield data_set
        inner = getattr(data_set, "dataset", None)
        if inner is None or inner is data_set:
            return
        data_set = inner


def _class_of(thing: Any) -> str:
    return f"{type(thing).__module__}.{type(thing).__qualname__}"


def _subset(chain: list[Any]) -> dict[str, int] | None:
    """Return how many images of its data set a `Subset` holds, repeated ones once."""
    for link in chain:
        indices = getattr(link, "indices", None)
        whole = length_of(getattr(link, "dataset", None))
        if indices is not None and whole is not None and length_of(indices) is not None:
            return {"of": whole, "distinct": len({int(index) for index in indices})}
    return None


def _split(base: Any) -> str | None:
    """Return the split where a data set says it, as those of torchvision do."""
    train = getattr(base, "train", None)
    if isinstance(train, bool):
        return "train" if train else "test"
    split = getattr(base, "split", None)
    return split if isinstance(split, str) and split else None


def transform_steps(link: Any) -> list[dict[str, Any]]:
    """Return the steps of a data set's transforms in order: torchvision's, and pipelines of the mm libraries."""
    for name in ("transform", "pipeline"):
        whole = getattr(link, name, None)
        if whole is not None:
            return [_step(step) for step in _flat(whole)]
    return []


def _flat(transform: Any) -> Iterator[Any]:
    steps = getattr(transform, "transforms", None)
    if type(transform).__name__ == "Compose" and isinstance(steps, list | tuple):
        for step in steps:
            yield from _flat(step)
    else:
        yield transform


def _step(step: Any) -> dict[str, Any]:
    values = vars(step) if hasattr(step, "__dict__") else {}
    numbers = {key: _plain(value) for key, value in values.items() if not key.startswith("_") and key != "training"}
    return {
        "class": type(step).__name__,
        "module": type(step).__module__,
        "values": {key: value for key, value in numbers.items() if value is not None},
    }


def _plain(value: Any) -> Any:
    if isinstance(value, bool | int | float):
        return value
    if isinstance(value, str):
        return value[:LONGEST]
    if isinstance(value, list | tuple) and len(value) <= 8 and all(isinstance(part, int | float) for part in value):
        return list(value)
    return None
