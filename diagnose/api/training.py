"""Recipes compared, and the effects of what differs: `diagnose recipe` and `diagnose probe` for Python."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diagnose.api.drawable import Drawable
from diagnose.api.given import Progress, callers_state_kept, silent
from diagnose.errors import UsageError
from diagnose.values import FieldDiff, FieldStatus, PartialNumerics, Recipe, RecipeDiff, Trial, UnreadDifference

if TYPE_CHECKING:
    from diagnose.probe.answer import ProbeAnswer
    from diagnose.probe.effects.effects import ModelEffects

TRIAL_COLUMNS = ("model", "arm", "recipe", "seed", "epochs", "steps", "images", "data")
NUMERICS_COLUMNS = ("device", "precision", "threads", "layout", "engine")


@dataclass(frozen=True, repr=False, eq=False)
class RecipeComparison(Drawable):
    """Two recipes compared field by field."""

    diff: RecipeDiff

    @property
    def differences(self) -> tuple[FieldDiff, ...]:
        """Return the fields that both state and that differ."""
        return self.diff.having(FieldStatus.DIFFERS)

    @property
    def unstated(self) -> tuple[FieldDiff, ...]:
        """Return the fields that one of them alone states: equal or not, nothing is concluded from them."""
        return self.diff.having(FieldStatus.UNSTATED)

    @property
    def unread(self) -> tuple[UnreadDifference, ...]:
        """Return the keys of the sources that no field holds and that differ: whether they matter is undetermined."""
        return self.diff.unread

    def rows(self) -> list[dict[str, Any]]:
        """Return every field: field, a, b, status, verdict, why."""
        return [dict(row) for row in self.data["fields"]]


@dataclass(frozen=True, repr=False, eq=False)
class RecipeFields(Drawable):
    """One recipe, every field."""

    recipe: Recipe

    def rows(self) -> list[dict[str, Any]]:
        """Return what is stated: field, value, source."""
        return [{"field": name, **dict(setting)} for name, setting in dict(self.data["recipe"]["settings"]).items()]


@dataclass(frozen=True, repr=False, eq=False)
class ProbeEffects(Drawable):
    """The effects that short, paired trials show; `answer` has everything that was measured."""

    answer: ProbeAnswer

    @property
    def trials(self) -> tuple[Trial, ...]:
        """Return the trials, one per model, arm, seed and length."""
        return self.answer.trials

    @property
    def trained(self) -> tuple[Trial, ...]:
        """Return the trials that were trained, without those that are read from a longer one."""
        return self.answer.trained

    @property
    def effects(self) -> tuple[ModelEffects, ...]:
        """Return the effects of each model and length, in points of test accuracy, with their intervals."""
        return self.answer.effects

    @property
    def is_open(self) -> bool:
        """Return whether a model is inconclusive, or a trial diverged, failed or was not finished."""
        return self.answer.open or self.answer.interrupted

    def rows(self) -> list[dict[str, Any]]:
        """Return the trials: model, arm, seed, epochs, steps, images, accuracy (0–1), status, and how it computed."""
        return [_row(trial) for trial in self.trials]


def _row(trial: Trial) -> dict[str, Any]:
    own = {name: getattr(trial, name) for name in TRIAL_COLUMNS}
    computed = {name: getattr(trial.numerics, name) for name in NUMERICS_COLUMNS}
    return own | computed | {"accuracy": trial.accuracy, "status": trial.status}


def compare_recipes(a: str | Path, b: str | Path, *, progress: Progress = silent) -> RecipeComparison:
    """Compare two training recipes field by field.

    Args:
        a: a built-in recipe ("paper", "reproduction", …), a TOML file, "mmpretrain:NAME", or the path of a config of
            mmpretrain, which is run as code.
        b: the recipe to compare it with.
        progress: told what begins.

    Raises:
        UsageError: there is no such recipe, or it is wrong.
        CannotRun: a config's code failed.

    Examples:
        >>> comparison = compare_recipes("reproduction", "authors-2022")
        >>> [field.key for field in comparison.differences][:2]
        ['momentum', 'weight_decay']
    """
    with callers_state_kept():
        from diagnose.recipes import compare, load_both
        from diagnose.recipes.report import diff_report

        progress(f"Comparing {a} and {b}")
        diff = compare(*load_both(str(a), str(b)))
        return RecipeComparison(diff_report(diff), diff)


def read_recipe(recipe: str | Path) -> RecipeFields:
    """Read one recipe, every field with its value and where that is stated.

    Raises:
        UsageError: there is no such recipe, or it is wrong.
        CannotRun: a config's code failed.

    Examples:
        >>> read_recipe("reproduction").recipe.get("batch_size")
        128
    """
    with callers_state_kept():
        from diagnose.recipes import load
        from diagnose.recipes.report import show_report

        found = load(str(recipe))
        return RecipeFields(show_report(found), found)


def probe(
    *models: str,
    recipe: str | Path | None = None,
    against: str | Path | None = None,
    ablate: Sequence[str] = (),
    seeds: int = 5,
    epochs: int | Sequence[int] = 5,
    data: str | Path | None = None,
    download: bool = False,
    images: int | None = None,
    width: int | None = None,
    budget: float | Literal["auto"] | None = "auto",
    device: str | None = None,
    ray: str | None = None,
    precision: Literal["fp32", "bf16"] | None = None,
    layout: Literal["channels-last", "contiguous"] | None = None,
    engine: Literal["eager", "compile", "cuda-graphs"] | None = None,
    threads: int | None = None,
    workers: int | None = None,
    micro_batch: int | None = None,
    runs: str | Path | None = None,
    tensorboard: str | Path | None = None,
    progress: Progress = silent,
) -> ProbeEffects:
    """Train short, paired trials and say which suspects have an effect, how large and how sure.

    Trials run in processes of their own that build each network anew, so that networks are MODEL texts:
    "path/to/file.py:factory". The same call again goes on where it stopped; Ctrl-C ends with what there is.

    Args:
        *models: MODEL texts to train; none is those of the built-in case.
        recipe: where the arms start, as in `compare_recipes`; None is the built-in case's, as for the next.
        against: the recipe that each ablation takes its value from.
        ablate: the factors to move, "momentum", "weight_decay", …; none is all that differ.
        seeds: trials of each arm.
        epochs: length of a trial; several lengths have trials of their own.
        data: "cifar10[:ROOT]", a folder, tar or zip of train/ and test/, .npz, .npy or "synthetic[:COUNT]"; None is
            CIFAR-10 where it is at hand, else generated images.
        download: fetch CIFAR-10 (170 MB) where it is not there.
        images: training images to use; None is all.
        width: channels of the first stage of the built-in networks; None is their own.
        budget: seconds that the probe may take; None is no limit, "auto" is 20 minutes on a CPU and none on a GPU. To
            fit it, networks are narrowed, then seeds, arms, models and images left out.
        device: "cpu", "cuda" or "cuda:1"; None is a GPU where there is one.
        ray: the address of a Ray cluster, or "local".
        precision: of the forward pass; None is the faster by timing, as it is for the next four.
        layout: of images in memory.
        engine: what runs the forward pass.
        threads: of each trial.
        workers: trials at a time.
        micro_batch: images of one forward pass, where a batch does not fit the memory.
        runs: the folder of the journals; None is the user's cache.
        tensorboard: a folder to write the learning curves to, for TensorBoard.
        progress: told the plan, and of every trial that has ended.

    Raises:
        UsageError: an argument is not what it should be.
        CannotRun: no trial can run, or memory ran out with the smallest micro-batch.
        MissingDependency: Ray or TensorBoard is asked for and not installed.

    Examples:
        >>> import tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     found = probe(
        ...         "torch", width=4, data="synthetic:200", ablate=["momentum"], seeds=2, epochs=1, workers=1,
        ...         threads=1, precision="fp32", layout="contiguous", engine="eager", device="cpu", runs=folder,
        ...     )
        >>> {trial.status for trial in found.trials}
        {'done'}
    """
    if not all(isinstance(model, str) for model in models):
        raise UsageError(
            "A probe takes MODEL texts: each trial builds its network anew, in a process of its own.",
            hint="path/to/file.py:factory names a function of yours.",
        )
    lengths = (epochs,) if isinstance(epochs, int) else tuple(epochs)
    if not lengths:
        raise UsageError("A probe needs a length in epochs, and none is given.", hint="Give epochs=5, or several.")
    with callers_state_kept():
        from diagnose.plugins import defaults
        from diagnose.probe import run
        from diagnose.probe.data.load_images import journal_folder
        from diagnose.probe.report.report import probe_report
        from diagnose.probe.request import request_of
        from diagnose.recipes import load_ends

        if tensorboard is not None:
            from diagnose.probe.report.tensorboard import check

            check()
        request = request_of(
            models or defaults().models,
            load_ends(None if recipe is None else str(recipe), None if against is None else str(against)),
            device=device,
            elsewhere=ray is not None,
            budget=budget,
            lengths=lengths,
            ablate=ablate,
            seeds=seeds,
            images=images,
            width=width,
            numerics=PartialNumerics(precision, layout, engine, threads, micro_batch, workers),
        )
        folder = Path(runs) if runs is not None else journal_folder()

        @contextmanager
        def told(text: str) -> Iterator[None]:
            progress(text)
            yield

        listener = run.Listener(say=progress, busy=told)
        answer = run.probe(
            request, run.ImageSource(None if data is None else str(data), download), folder, ray=ray, listener=listener
        )
        if tensorboard is not None:
            from diagnose.probe.report.tensorboard import write

            write(answer.trials, Path(tensorboard))
        return ProbeEffects(probe_report(answer), answer)
