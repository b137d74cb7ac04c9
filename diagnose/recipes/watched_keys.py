"""A config that notes which of its keys are read, so that what no field holds is listed and never dropped."""

from __future__ import annotations

from collections.abc import ItemsView, Iterator, Mapping
from typing import Any

NOT_OF_TRAINING = (
    "default_scope", "visualizer", "vis_backends", "log_level", "log_processor", "launcher", "work_dir", "env_cfg",
    "default_hooks.logger", "default_hooks.timer", "default_hooks.checkpoint", "default_hooks.visualization",
    "train_dataloader.num_workers", "train_dataloader.persistent_workers", "train_dataloader.pin_memory",
    "train_dataloader.dataset.data_root", "val_", "test_",
)  # fmt: skip
"""Beginnings of the keys that change no weight: logs, workers, folders, and evaluation beside the fields read."""

_OF_TRAINING_IN_MODEL = ("model.train_cfg", "model.data_preprocessor", "model.head.loss")


class WatchedKeys(dict[str, Any]):
    """A mapping of a config that notes the places of the values that are read from it."""

    def __init__(self, values: Mapping[str, Any], place: str = "", read: set[str] | None = None) -> None:
        self.place, self.read = place, set() if read is None else read
        super().__init__({key: _watched(value, self._at(key), self.read) for key, value in values.items()})

    def get(self, key: str, default: Any = None) -> Any:
        """Return a value and note that it is read."""
        self.read.add(self._at(key))
        return super().get(key, default)

    def __getitem__(self, key: str) -> Any:
        self.read.add(self._at(key))
        return super().__getitem__(key)

    def items(self) -> ItemsView[str, Any]:  # type: ignore[override]
        """Return all pairs and note that each is read."""
        self.read.update(self._at(key) for key in self)
        return super().items()

    def unread(self) -> dict[str, str]:
        """Return the places of the values that concern the training and were not read, each with its value in text."""
        return {place: repr(value) for place, value in _leaves(self) if place not in self.read and _matters(place)}

    def _at(self, key: str) -> str:
        return f"{self.place}.{key}" if self.place else str(key)


def _watched(value: Any, place: str, read: set[str]) -> Any:
    if isinstance(value, Mapping):
        return WatchedKeys(value, place, read)
    if isinstance(value, list | tuple) and any(isinstance(item, Mapping) for item in value):
        return [_watched(item, f"{place}[{i}]", read) for i, item in enumerate(value)]
    return value


def _leaves(values: WatchedKeys) -> Iterator[tuple[str, Any]]:
    for key, value in dict.items(values):
        yield from _leaves_of(value, values._at(key))


def _leaves_of(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, WatchedKeys) and value:
        yield from _leaves(value)
    elif isinstance(value, list) and any(isinstance(item, WatchedKeys) for item in value):
        for i, item in enumerate(value):
            yield from _leaves_of(item, f"{place}[{i}]")
    else:
        yield place, value


def _matters(place: str) -> bool:
    if place.startswith("model."):
        return place.startswith(_OF_TRAINING_IN_MODEL)
    return not place.startswith(NOT_OF_TRAINING)
