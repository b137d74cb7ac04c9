"""The log of the process that trained, by what it tells: passes, loaders, the optimizer, schedulers."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from functools import cached_property
from typing import Any

from diagnose.values import Ending
from diagnose.watch.process_logs import Event, ProcessLog


class TrainingLog:
    """What one process did; `ranks` is the number of processes that trained together."""

    def __init__(self, log: ProcessLog, *, ending: Ending, ranks: int = 1) -> None:
        self.log = log
        self.ending = ending
        self.ranks = ranks

    def of(self, kind: str) -> tuple[Event, ...]:
        """Return the events of one kind in their order."""
        return self._by_kind.get(kind, ())

    @cached_property
    def _by_kind(self) -> Mapping[str, tuple[Event, ...]]:
        kinds: dict[str, list[Event]] = {}
        for event in self.log.events:
            kinds.setdefault(event["event"], []).append(event)
        return {kind: tuple(events) for kind, events in kinds.items()}

    # ------------------------------------------------------------------------------------------- passes

    @cached_property
    def passes(self) -> tuple[Event, ...]:
        """Return the passes over loaders that were written down, by their number."""
        return tuple(sorted((p for p in self.of("pass") if p["loader"] is not None), key=lambda p: p["number"]))

    @cached_property
    def outside(self) -> Event | None:
        """Return what happened outside any pass, None where the process did not come to its end."""
        return next((p for p in self.of("pass") if p["loader"] is None), None)

    @cached_property
    def training_passes(self) -> tuple[int, ...]:
        """Return the numbers of the passes in which backward was called, one that a kill cut off included."""
        numbers = {p["number"] for p in self.passes if p["backwards"]}
        numbers |= {step["in_pass"] for step in self.of("step")} | {b["in_pass"] for b in self.of("backward")}
        return tuple(sorted(numbers - {0}))

    @cached_property
    def loader_of_pass(self) -> Mapping[int, int]:
        """Return the loader of each pass."""
        return {begun["number"]: begun["loader"] for begun in self.of("pass-begins")}

    @cached_property
    def loaders(self) -> Mapping[int, Event]:
        """Return each loader by its number."""
        return {loader["number"]: loader for loader in self.of("loader")}

    @cached_property
    def training_loaders(self) -> tuple[Event, ...]:
        """Return the loaders in whose passes backward was called, the most used first."""
        counted = Counter(self.loader_of_pass.get(number) for number in self.training_passes)
        return tuple(self.loaders[n] for n, _ in counted.most_common() if n is not None and n in self.loaders)

    @cached_property
    def evaluation_passes(self) -> tuple[Event, ...]:
        """Return the passes without a backward in which a network ran, but for those that renew norm statistics."""
        exempt = [range(e["first"], e["last"] + 1) for e in self.of("exempt")]
        return tuple(
            p
            for p in self.passes
            if not p["backwards"] and p["forwards"] and not any(p["number"] in numbers for numbers in exempt)
        )

    # ----------------------------------------------------------------------------------------- optimizer

    @cached_property
    def optimizer(self) -> Event | None:
        """Return the optimizer of the recipe: of those that stepped, the one that holds the most parameters.

        Where none stepped it is the only one that was made, if there is one.
        """
        stepped = {step["optimizer"] for step in self.of("step")}
        made = self.of("optimizer")
        if not stepped:
            return made[0] if len(made) == 1 else None
        sizes = {first["optimizer"]: sum(first["sizes"]) for first in reversed(self.of("groups"))}
        return max((o for o in made if o["number"] in stepped), key=lambda o: sizes.get(o["number"], 0), default=None)

    @cached_property
    def steps(self) -> tuple[Event, ...]:
        """Return the steps of that optimizer."""
        optimizer = self.optimizer
        if optimizer is None:
            return ()
        return tuple(step for step in self.of("step") if step["optimizer"] == optimizer["number"])

    @cached_property
    def _first_groups(self) -> Event:
        """Return the groups at the first step; as they were made where there was none."""
        assert self.optimizer is not None
        number = self.optimizer["number"]
        return next((g for g in self.of("groups") if g["optimizer"] == number), self.optimizer)

    @cached_property
    def sizes(self) -> tuple[int, ...]:
        """Return the numbers in the parameters of each group."""
        return tuple(self._first_groups["sizes"]) if self.optimizer else ()

    @cached_property
    def main_group(self) -> int:
        """Return the index of the group that holds the most parameters."""
        return max(range(len(self.sizes)), key=lambda i: self.sizes[i], default=0)

    @cached_property
    def groups(self) -> tuple[Mapping[str, Any], ...]:
        """Return the hyperparameters of each group as they acted at the first step."""
        return tuple(self._first_groups["groups"]) if self.optimizer else ()

    @cached_property
    def rates(self) -> tuple[float, ...]:
        """Return the learning rate of the main group at each step."""
        return tuple(step["lr"][self.main_group] for step in self.steps if len(step["lr"]) > self.main_group)

    @cached_property
    def cover(self) -> Event | None:
        """Return the last look at which parameters that optimizer holds."""
        if self.optimizer is None:
            return None
        looks = [c for c in self.of("cover") if c["optimizer"] == self.optimizer["number"]]
        return looks[-1] if looks else None

    @cached_property
    def schedulers(self) -> tuple[Event, ...]:
        """Return the schedulers that no other one steps."""
        parts = {part for scheduler in self.of("scheduler") for part in scheduler["parts"]}
        return tuple(s for s in self.of("scheduler") if s["number"] not in parts)

    def scheduler_steps(self, scheduler: Event) -> tuple[Event, ...]:
        """Return the steps of a scheduler."""
        return tuple(step for step in self.of("scheduler-step") if step["scheduler"] == scheduler["number"])

    # ------------------------------------------------------------------------------------------- course

    @cached_property
    def epochs(self) -> int:
        """Return how many passes with training there were."""
        return len(self.training_passes)

    @cached_property
    def accumulation(self) -> int | None:
        """Return the batches of one step where nearly all steps had as many, else None."""
        counted = Counter(step["batches"] for step in self.steps if step["in_pass"] in self.training_passes)
        if not counted:
            return None
        batches, times = counted.most_common(1)[0]
        # The last step of a pass may have fewer batches, and so may the first one after an evaluation have more.
        rare = len(self.steps) - times <= max(2 * self.epochs, 1)
        return batches if batches >= 1 and rare else None
