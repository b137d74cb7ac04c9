"""A training script watched as it runs: `diagnose watch` for Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from diagnose.api.drawable import Drawable
from diagnose.api.given import Progress, callers_state_kept, silent
from diagnose.values import Fault, Recipe, RecipeDiff, WatchedScript


@dataclass(frozen=True, repr=False, eq=False)
class ScriptObservation(Drawable):
    """What was seen of a training script; `diff` compares the recipe that acted with a stated one."""

    script: WatchedScript
    diff: RecipeDiff | None

    @property
    def recipe(self) -> Recipe:
        """Return the recipe that acted: the fields that were observed."""
        from diagnose.watch import recipe_of

        return recipe_of(self.script)

    @property
    def faults(self) -> tuple[Fault, ...]:
        """Return the silent faults that were seen; that none was seen excludes none."""
        return self.script.faults

    def rows(self) -> list[dict[str, Any]]:
        """Return the recipe that acted: field, value, source."""
        settings = self.recipe.settings
        return [{"field": setting.key, "value": setting.value, "source": setting.source} for setting in settings]

    def to_toml(self) -> str:
        """Return the recipe that acted as a file that `compare_recipes` and `probe` read."""
        from diagnose.watch import toml_of

        return toml_of(self.script)


def watch_script(
    *command: str,
    against: str | Path | None = None,
    batches: int | None = 8,
    epochs: int | None = None,
    seconds: float | None = None,
    logs: str | Path | None = None,
    progress: Progress = silent,
) -> ScriptObservation:
    """Run a training script in a process of its own, shortened, and say which recipe acts and which faults were seen.

    What the script prints goes to stderr.

    Args:
        *command: the script and its arguments, ("train.py", "--lr", "0.1"), or what starts it, ("torchrun", …).
        against: a recipe to compare with, as in `compare_recipes`.
        batches: the most batches of each pass over a loader; None shortens no pass.
        epochs: end after as many epochs.
        seconds: end after as many seconds.
        logs: an empty folder that keeps what was seen.
        progress: told what begins.

    Raises:
        UsageError: there is no such recipe.
        CannotRun: the command cannot be started, or no process of it imported torch.

    Examples:
        >>> import pathlib, tempfile
        >>> text = '''
        ... import torch
        ... net = torch.nn.Linear(4, 2)
        ... optimizer = torch.optim.SGD(net.parameters(), lr=0.5, momentum=0.9)
        ... for _ in range(3):
        ...     optimizer.zero_grad()
        ...     net(torch.ones(8, 4)).square().mean().backward()
        ...     optimizer.step()
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "train.py"
        ...     written = path.write_text(text)
        ...     seen = watch_script(str(path))
        >>> seen.recipe.get("learning_rate"), seen.recipe.get("momentum")
        (0.5, 0.9)
    """
    with callers_state_kept():
        from diagnose.recipes import compare, load
        from diagnose.watch import Shortening, recipe_of, watch
        from diagnose.watch.report import watch_report

        stated = None if against is None else load(str(against))
        progress(f"Watching {' '.join(command)}")
        script = watch(command, Shortening(batches, epochs, seconds), logs=None if logs is None else Path(logs))
        diff = None if stated is None else compare(recipe_of(script), stated)
        return ScriptObservation(watch_report(script, diff), script, diff)
