"""Looks on at every pass over a `DataLoader`, and ends a pass early where the run is shortened."""

from __future__ import annotations

import hashlib
import weakref
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import torch
from torch.utils.data import DataLoader
from torch.utils.data import dataloader as torch_loaders

from .code_place import code_place
from .course import Course, LoaderPass
from .data_sets import data_set_facts, length_of

MOST_BATCHES = 64
"""Batches of a pass whose labels are read."""

MEASURED = 2
"""Batches of a pass whose images are measured, in the first passes over a loader."""

MOST_CLASSES = 2_000
"""Distinct labels that are counted; more are no classes."""


def install(course: Course) -> None:
    """Put the hooks in."""
    _Loaders(course).install()


class _Loaders:
    """The loaders seen, each with a number, and the pass that each iterator is in."""

    def __init__(self, course: Course) -> None:
        self.course = course
        self.numbers: dict[tuple[Any, ...], list[int]] = {}
        self.data_sets: dict[int, Callable[[], Any]] = {}
        self.owners: weakref.WeakKeyDictionary[Any, tuple[int, int | None]] = weakref.WeakKeyDictionary()
        self.passes: weakref.WeakKeyDictionary[Any, LoaderPass] = weakref.WeakKeyDictionary()
        self.begun: dict[int, int] = {}
        self.look = course.guarded(self._look, "batches")

    def install(self) -> None:
        base = torch_loaders._BaseDataLoaderIter
        self.course.after(base, "__init__", self._own)
        self.course.after(base, "_reset", self._renew)
        self.course.wrap(base, "__next__", self._counted)

    def _own(self, result: None, iterator: Any, loader: DataLoader[Any]) -> None:
        """Note which loader an iterator is of; loaders made anew in each epoch, alike and in one place, are one."""
        place = code_place()
        size = getattr(loader.batch_sampler, "batch_size", loader.batch_size)
        key = (type(loader.dataset), length_of(loader.dataset), size, type(loader.sampler), place)
        number = self._known(key, loader.dataset)
        if number is None:
            number = len(self.data_sets) + 1
            self.numbers.setdefault(key, []).append(number)
            self._describe(loader, number, place)
        self.data_sets[number] = _reference(loader.dataset)
        self.owners[iterator] = (number, length_of(loader))

    def _known(self, key: tuple[Any, ...], data_set: Any) -> int | None:
        """Return the loader of a data set, or of one that was like it and is no more; None where there is none."""
        alike = self.numbers.get(key, [])
        same = (number for number in alike if self.data_sets[number]() is data_set)
        gone = (number for number in alike if self.data_sets[number]() is None)
        return next(same, next(gone, None))

    def _renew(self, result: None, iterator: Any, *args: Any, **kwargs: Any) -> None:
        ended = self.passes.pop(iterator, None)
        if ended is not None and ended.batches:
            self.course.end_pass(ended)

    def _counted(self, original: Callable[..., Any]) -> Callable[..., Any]:
        def following(iterator: Any) -> Any:
            going = self._pass_of(iterator)
            if going is None:
                return original(iterator)
            self.course.end_where_asked()
            most = self.course.limits.batches
            if most is not None and going.batches >= most and (going.length is None or going.length > most):
                going.cut = True
                self.course.end_pass(going)
                raise StopIteration
            try:
                batch = original(iterator)
            except StopIteration:
                going.exhausted = True
                self.course.end_pass(going)
                raise
            going.batches += 1
            self.course.current = going
            self.look(going, batch)
            return batch

        return following

    def _pass_of(self, iterator: Any) -> LoaderPass | None:
        """Return the pass of an iterator, begun at its first batch; None where its loader is not known."""
        going = self.passes.get(iterator)
        if going is not None:
            return going
        if iterator not in self.owners:
            return None
        number, length = self.owners[iterator]
        # Before a training pass that would be one too many: the evaluation after the last one has been seen.
        self.course.end_where_asked(before_training=number in self.course.training_loaders)
        going = self.course.begin_pass(number, length)
        self.begun[number] = self.begun.get(number, 0) + 1
        self.passes[iterator] = going
        return going

    def _describe(self, loader: DataLoader[Any], number: int, place: str) -> None:
        batches = loader.batch_sampler if loader.batch_sampler is not None else None
        sampler = getattr(batches, "sampler", None) or loader.sampler
        drop_last = getattr(batches, "drop_last", None)
        self.course.log.write(
            "loader",
            number=number,
            data=data_set_facts(loader.dataset),
            iterable=isinstance(loader.dataset, torch.utils.data.IterableDataset),
            batch_size=getattr(batches, "batch_size", None) or loader.batch_size,
            sampler=f"{type(sampler).__module__}.{type(sampler).__qualname__}",
            drawn=length_of(sampler),
            replacement=bool(getattr(sampler, "replacement", False)),
            replicas=getattr(sampler, "num_replicas", None),
            shuffle=_shuffles(sampler),
            drop_last=bool(loader.drop_last if drop_last is None else drop_last),
            workers=loader.num_workers,
            length=length_of(loader),
            place=place,
        )

    def _look(self, going: LoaderPass, batch: Any) -> None:
        assert going.loader is not None
        if going.batches > MOST_BATCHES:
            return
        images, labels = parts_of(batch)
        if labels is not None:
            _count_labels(going, labels)
        if images is not None and going.batches <= MEASURED and self.begun[going.loader] <= MEASURED:
            self.course.log.write("batch", loader=going.loader, number=going.number, **_measured(images))


def _reference(data_set: Any) -> Callable[[], Any]:
    """Return what gives a data set as long as there is one; one that takes no weak reference is kept."""
    try:
        return weakref.ref(data_set)
    except TypeError:
        return lambda: data_set


def _shuffles(sampler: Any) -> bool | None:
    """Say whether a sampler draws anew in each epoch, None where its class does not tell."""
    if isinstance(sampler, torch.utils.data.SequentialSampler):
        return False
    if isinstance(sampler, torch.utils.data.RandomSampler | torch.utils.data.SubsetRandomSampler):
        return True
    stated = getattr(sampler, "shuffle", None)
    return stated if isinstance(stated, bool) else None


def parts_of(batch: Any) -> tuple[torch.Tensor | None, torch.Tensor | None]:
    """Return the first floating or byte tensor of two dimensions or more, and the labels: whole numbers, (N,)."""
    tensors = list(_tensors(batch, 0))
    images = next((t for t in tensors if t.ndim >= 2 and (t.is_floating_point() or t.dtype == torch.uint8)), None)
    labels = next((t for t in tensors if t.ndim == 1 and t.dtype in (torch.int64, torch.int32)), None)
    return images, labels


def _tensors(value: Any, depth: int) -> Iterator[torch.Tensor]:
    if isinstance(value, torch.Tensor):
        yield value
    elif depth < 3:
        parts = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
        for part in list(parts)[:16]:
            yield from _tensors(part, depth + 1)


def _count_labels(going: LoaderPass, labels: torch.Tensor) -> None:
    if labels.device.type != "cpu":
        return
    if going.labels is None:
        going.labels = hashlib.sha256()
    going.labels.update(labels.numpy().tobytes())
    if len(going.label_counts) > MOST_CLASSES:
        return
    for label in labels.tolist():
        going.label_counts[label] = going.label_counts.get(label, 0) + 1


def _measured(images: torch.Tensor) -> dict[str, Any]:
    """Return shape, type, range, and mean and standard deviation per channel of images (N, C, H, W)."""
    facts: dict[str, Any] = {"shape": list(images.shape), "type": str(images.dtype)}
    values = images.detach().to(torch.float32)
    facts |= {"low": float(values.min()), "high": float(values.max())}
    if images.ndim == 4 and images.shape[1] in (1, 3):
        facts["mean"] = [float(x) for x in values.mean((0, 2, 3))]
        facts["std"] = [float(x) for x in values.std((0, 2, 3))]
    return facts
