"""What one trial is to do, as JSON: its configuration is its key, so the same trial is never run twice."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from hashlib import sha256
from typing import Any

from diagnose.bounds import parse_json
from diagnose.probe.trial.hyperparameters import Hyperparameters
from diagnose.values import Augmentation, EpochResult, Normalisation, Numerics, Schedule, Trial, TrialEnd, TrialOutcome

VERSION = 3
"""Part of every key: another way of training is another trial."""


@dataclass(frozen=True, slots=True)
class TrialLength:
    """How long a trial trains: epochs over `images` of the training images, the recipe's own number of epochs."""

    epochs: int
    images: int
    planned_epochs: int


@dataclass(frozen=True, slots=True)
class TrialSpec:
    """One trial to run. `changed` are the fields that its arm moves; `images_key` is the digest of the images.

    `code` is the digest of the user's own files that define the model, empty where there are none.
    """

    model: str
    arm: str
    recipe: str
    changed: tuple[tuple[str, str], ...]
    seed: int
    settings: Hyperparameters
    length: TrialLength
    images_name: str
    images_key: str
    numerics: Numerics
    code: str = ""

    @property
    def key(self) -> str:
        """Return a digest of everything that the numbers depend on, torch's version included."""
        from importlib.metadata import version

        whole = asdict(self) | {"version": VERSION, "torch": version("torch")}
        for name in ("arm", "recipe", "changed", "images_name"):
            del whole[name]
        return sha256(json.dumps(whole, sort_keys=True).encode()).hexdigest()[:20]

    @property
    def steps(self) -> int:
        """Return the optimiser's steps of the whole trial."""
        size = min(self.settings.batch_size, self.length.images)
        return self.length.epochs * (self.length.images // size)

    def result(self, curve: tuple[EpochResult, ...], end: TrialEnd) -> Trial:
        """Return the result of the trial."""
        done = end.outcome is TrialOutcome.DONE and len(curve) == self.length.epochs
        return Trial(
            self.model,
            self.arm,
            self.recipe,
            self.changed,
            self.seed,
            self.length.epochs,
            self.steps,
            self.length.images,
            self.images_name,
            self.numerics,
            curve,
            curve[-1].test_accuracy if done else None,
            end,
        )


def to_json(spec: TrialSpec) -> str:
    """Return a trial as JSON."""
    return json.dumps(asdict(spec), indent=1)


def from_json(text: str) -> TrialSpec:
    """Return the trial that `to_json` wrote."""
    raw: dict[str, Any] = parse_json(text)
    given = raw["settings"]
    schedule, channels, augmentation = given["schedule"], given["normalisation"], given["augmentation"]
    settings = Hyperparameters(
        **(
            given
            | {
                "schedule": Schedule(**(schedule | {"milestones": tuple(schedule["milestones"])})),
                "normalisation": Normalisation(tuple(channels["mean"]), tuple(channels["std"])),
                "augmentation": Augmentation(**(augmentation | {"other": tuple(augmentation["other"])})),
            }
        )
    )
    parts = {"settings": settings, "length": TrialLength(**raw["length"]), "numerics": Numerics(**raw["numerics"])}
    return TrialSpec(**(raw | parts | {"changed": tuple((key, value) for key, value in raw["changed"])}))
