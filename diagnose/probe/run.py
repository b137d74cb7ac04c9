"""A probe from its request to its answer, for whoever asks: a command, a case or a caller in Python."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from diagnose.errors import DiagnoseError
from diagnose.networks import parse
from diagnose.probe.answer import ProbeAnswer, TrialSchedule, run_probe, schedule_trials
from diagnose.probe.data.images import Images
from diagnose.probe.data.load_images import load_images
from diagnose.probe.executors import executor_for
from diagnose.probe.executors.executor import Executor
from diagnose.probe.plan.checks import check_request
from diagnose.probe.report.report import plan_text
from diagnose.probe.request import ProbeRequest
from diagnose.probe.trial.devices import cores
from diagnose.values import Trial
from diagnose.wording import counted


@dataclass(frozen=True, slots=True)
class ImageSource:
    """The images of a probe as a text names them; None is CIFAR-10 where it is at hand, else generated images.

    CIFAR-10 that is not at hand is fetched where `download` is set or `ask`, called then, returns True.
    """

    text: str | None
    download: bool = False
    ask: Callable[[], bool] = lambda: False

    def load(self) -> Images:
        """Return the images.

        Raises:
            DiagnoseError: they are not there, or they are no images.
        """
        text = self.text or "cifar10"
        try:
            return load_images(text, download=self.download)
        except DiagnoseError:
            if self.download or not text.startswith("cifar10"):
                raise
            if self.ask():
                return load_images(text, download=True)
            if self.text is not None:
                raise
        return load_images("synthetic")


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
    with _scheduled(request, data, folder, ray, listener) as (prepared, executor):
        listener.say(plan_text(prepared))

        def progress(ended: Sequence[Trial]) -> None:
            listener.say(f"{len(ended)} of {prepared.plan.trials} trials; {_last(ended[-1], prepared)}")

        return run_probe(prepared, folder, executor, progress, listener.say)


def plan(
    request: ProbeRequest, data: ImageSource, folder: Path, *, ray: str | None = None, listener: Listener | None = None
) -> TrialSchedule:
    """Plan a probe and train nothing; the plan is kept in `folder`, so that the same request follows it.

    Raises:
        DiagnoseError: the request cannot be met; the message says what would help.
    """
    with _scheduled(request, data, folder, ray, listener or Listener()) as (prepared, _):
        return prepared


@contextmanager
def _scheduled(
    request: ProbeRequest, data: ImageSource, folder: Path, ray: str | None, listener: Listener
) -> Iterator[tuple[TrialSchedule, Executor]]:
    """Yield the plan of a probe, and what runs its trials."""
    for model in request.models:
        parse(model)
    check_request(request, cores=cores() if ray is None else None)
    images = data.load()
    with executor_for(request, images, folder, ray=ray) as executor:
        with listener.busy("Timing a few steps"):
            prepared = schedule_trials(request, images, folder, executor)
        yield prepared, executor


def _last(trial: Trial, prepared: TrialSchedule) -> str:
    """Return which trial has ended, and how."""
    length = f", {counted(trial.epochs, 'epoch')}" if len(prepared.plan.horizons) > 1 else ""
    return f"{trial.model}, {trial.arm}, seed {trial.seed}{length}: {trial.status}"
