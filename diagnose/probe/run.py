"""A probe from its request to its answer, as `diagnose probe` and `diagnose report --probe` both run it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from diagnose.errors import DiagnoseError
from diagnose.networks import parse
from diagnose.probe.answer import ProbeAnswer, TrialSchedule, run_probe, schedule_trials
from diagnose.probe.data.images import Images
from diagnose.probe.data.load_images import load_images
from diagnose.probe.executors import executor_for
from diagnose.probe.plan.checks import check_request
from diagnose.probe.report.report import plan_text
from diagnose.probe.request import ProbeRequest
from diagnose.probe.trial.devices import cores
from diagnose.values import Trial
from diagnose.wording import counted


@dataclass(frozen=True, slots=True)
class ImageSource:
    """The images of a probe as a text names them.

    CIFAR-10 that is not at hand is fetched where `download` is set or `ask`, called then, returns True.
    """

    text: str
    download: bool = False
    ask: Callable[[], bool] = lambda: False

    def load(self) -> Images:
        """Return the images.

        Raises:
            DiagnoseError: they are not there, or they are no images.
        """
        try:
            return load_images(self.text, download=self.download)
        except DiagnoseError:
            if self.download or not self.text.startswith("cifar10") or not self.ask():
                raise
        return load_images(self.text, download=True)


@dataclass(frozen=True, slots=True)
class Listener:
    """Who is told of a probe: `say` takes each line of its progress; `busy` is a context that lasts as long as the work
    that its text names.
    """

    say: Callable[[str], None] = lambda text: None
    busy: Callable[[str], AbstractContextManager[None]] = lambda text: nullcontext()


def probe(
    request: ProbeRequest, data: ImageSource, folder: Path, *, ray: str | None = None, listener: Listener | None = None
) -> ProbeAnswer:
    """Plan a probe, run its trials and judge them; Ctrl-C while they run ends with what there is.

    The journals are kept in `folder`, so that the same request goes on where it stopped. `ray` is the address of a
    cluster; else the trials run on this machine.

    Raises:
        DiagnoseError: the request cannot be met, or the trials cannot be run; the message says what would help.
    """
    listener = listener or Listener()
    for model in request.models:
        parse(model)
    check_request(request, cores=cores() if ray is None else None)
    images = data.load()
    with executor_for(request, images, folder, ray=ray) as executor:
        with listener.busy("Timing a few steps"):
            prepared = schedule_trials(request, images, folder, executor)
        listener.say(plan_text(prepared))

        def progress(ended: Sequence[Trial]) -> None:
            listener.say(f"{len(ended)} of {prepared.plan.trials} trials; {_last(ended[-1], prepared)}")

        return run_probe(prepared, folder, executor, progress, listener.say)


def _last(trial: Trial, prepared: TrialSchedule) -> str:
    """Return which trial has ended, and how."""
    length = f", {counted(trial.epochs, 'epoch')}" if len(prepared.plan.horizons) > 1 else ""
    return f"{trial.model}, {trial.arm}, seed {trial.seed}{length}: {trial.status}"
