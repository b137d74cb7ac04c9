"""A case judged by its evidence, and what can be named: `diagnose report` and `diagnose models` for Python."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from diagnose.api.drawable import Drawable
from diagnose.api.given import Progress, callers_state_kept, silent
from diagnose.api.training import ProbeEffects
from diagnose.errors import UsageError
from diagnose.values import Case, JudgedClaim, Ruling

if TYPE_CHECKING:
    from diagnose.networks import SearchResult
    from diagnose.values import Claim, Report


@dataclass(frozen=True, repr=False, eq=False)
class CaseJudgement(Drawable):
    """A case with its claims judged, each by its evidence.

    `summary_report` is what the terminal shows; the page has the evidence. `interrupted` says that Ctrl-C ended it.
    """

    summary_report: Report
    case: Case
    judgements: tuple[JudgedClaim, ...]
    interrupted: bool

    def __str__(self) -> str:
        from diagnose.render import render

        return render(self.summary_report, "terminal").rstrip("\n")

    def having(self, ruling: Ruling) -> tuple[JudgedClaim, ...]:
        """Return the claims that are supported, refuted or undetermined."""
        return tuple(judgement for judgement in self.judgements if judgement.ruling is ruling)

    def rows(self) -> list[dict[str, Any]]:
        """Return the claims: id, kind, says, holds, source, verdict, answer."""
        names = ("id", "kind", "says", "holds", "source", "verdict", "answer")
        return [{name: claim[name] for name in names} for claim in self.data["claims"]]


@dataclass(frozen=True, repr=False, eq=False)
class ModelList(Drawable):
    """What can be named: aliases and MODEL texts."""

    found: SearchResult

    def rows(self) -> list[dict[str, Any]]:
        """Return what was found: model, origin, description."""
        aliases = [
            {"model": alias.name, "origin": alias.origin, "description": alias.description}
            for alias in self.found.aliases
        ]
        texts = [{"model": text, "origin": text.partition(":")[0], "description": ""} for text in self.found.models]
        return [*aliases, *texts]


def judge(
    case: str | Path | None = None,
    *,
    trust: bool = False,
    download: bool = False,
    fresh: bool = False,
    runs: str | Path | None = None,
    progress: Progress = silent,
) -> CaseJudgement:
    """Judge every claim of a case by its evidence.

    Args:
        case: a built-in case by its name, or a case file (.toml); None is the built-in case.
        trust: run the case's models and recipes that are code.
        download: let the case's models fetch weights.
        fresh: measure everything again, whatever earlier runs kept in the user's cache.
        runs: the folder of a probe's journals; None is the user's cache.
        progress: told of each claim before it is judged.

    Raises:
        UsageError: there is no such case, or its file is wrong; the message names line and key.

    Examples:
        >>> import pathlib, tempfile
        >>> text = '''
        ... title = "A head"
        ... summary = "A linear layer on 784 pixels."
        ... [models]
        ... head = "torch.nn:Linear(in_features=784, out_features=10)"
        ... [[claim]]
        ... kind = "parameter count"
        ... says = "It has 7.85k parameters."
        ... model = "head"
        ... number = "7.85k"
        ... '''
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = pathlib.Path(folder) / "case.toml"
        ...     written = path.write_text(text)
        ...     found = judge(path, trust=True, fresh=True)
        >>> [row["verdict"] for row in found.rows()]
        ['supported']
    """
    with callers_state_kept():
        from diagnose.case.cache import Cache, FileCache, NoCache, default_folder
        from diagnose.case.case import load
        from diagnose.case.report import case_report, summary_report
        from diagnose.case.run import judge_case
        from diagnose.plugins import defaults
        from diagnose.render import as_json

        folder = _journals(runs)
        if runs is not None and not folder.is_dir():
            raise UsageError(f"There is no folder {folder}.")
        read = load(str(defaults().case if case is None else case), trusted=trust)
        kept = FileCache(default_folder(), write=as_json.render, read=as_json.parse)
        cache: Cache = NoCache() if fresh else kept

        def watch(claim: Claim, number: int) -> None:
            progress(f"{number}/{len(read.claims)} {claim.says}")

        judged, interrupted = judge_case(read, cache, runs=folder, download=download, watch=watch)
        short = summary_report(read, judged, interrupted=interrupted, written="")
        return CaseJudgement(case_report(read, judged, interrupted=interrupted), short, read, judged, interrupted)


def probe_case(
    case: str | Path | None = None,
    *,
    trust: bool = False,
    download: bool = False,
    data: str | Path = "cifar10",
    seeds: int = 5,
    budget: float | Literal["auto"] | None = "auto",
    device: str = "cpu",
    runs: str | Path | None = None,
    progress: Progress = silent,
) -> tuple[ProbeEffects, ...]:
    """Run the probes that the claims of a case ask for; `judge` with the same `runs` then judges by their trials.

    The same call again goes on where it stopped; Ctrl-C ends with what there is.

    Args:
        case: a built-in case by its name, or a case file (.toml); None is the built-in case.
        trust: run the case's models and recipes that are code.
        download: fetch CIFAR-10 (170 MB) and the weights that the case's models ask for.
        data: "cifar10[:ROOT]", a folder, tar or zip of train/ and test/, .npz, .npy or "synthetic[:COUNT]".
        seeds: trials of each arm.
        budget: seconds that each probe may take, as in `probe`.
        device: "cpu", "cuda" or "cuda:1".
        runs: the folder of the journals; None is the user's cache.
        progress: told the plan, and of every trial that has ended.

    Raises:
        UsageError: there is no such case, it is wrong, or no claim of it asks for trials that may be run.
        CannotRun: a probe could not run.

    Examples:
        >>> import diagnose
        >>> try:
        ...     probe_case("resnet18-timm")
        ... except diagnose.UsageError as error:
        ...     print(error)
        No claim of resnet18-timm asks for trials that may be run.
    """
    with callers_state_kept():
        from diagnose.case.case import load
        from diagnose.case.trials.run_trials import TrialOptions, run_trials
        from diagnose.plugins import defaults
        from diagnose.probe.report.report import probe_report
        from diagnose.probe.run import ImageSource, Listener

        read = load(str(defaults().case if case is None else case), trusted=trust)
        options = TrialOptions(ImageSource(str(data), download), _journals(runs), device, budget, seeds)
        answers = tuple(run_trials(read, options, Listener(say=progress)))
        return tuple(ProbeEffects(probe_report(answer), answer) for answer in answers)


def keep_trials(
    case: str | Path | None, path: str | Path, *, runs: str | Path | None = None, trust: bool = False
) -> int:
    """Write the trials at hand of a case's networks into a file that the case may name as `trials`.

    Args:
        case: a built-in case by its name, or a case file (.toml); None is the built-in case.
        path: the file to write.
        runs: the folder of the journals; None is the user's cache.
        trust: read the case's models and recipes that are code.

    Returns:
        How many trials were written.

    Raises:
        UsageError: there is no such case, or its file is wrong.
        CannotRun: the file cannot be written.

    Examples:
        >>> import pathlib, tempfile
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     keep_trials("resnet18-timm", pathlib.Path(folder) / "trials.json", runs=folder)
        0
    """
    with callers_state_kept():
        from diagnose.case.case import load
        from diagnose.case.trials.run_trials import keep_trials as write_trials
        from diagnose.plugins import defaults

        read = load(str(defaults().case if case is None else case), trusted=trust)
        return write_trials(read, _journals(runs), Path(path))


def _journals(runs: str | Path | None) -> Path:
    """Return the folder of journals, the user's cache where none is named."""
    from diagnose.probe.data.load_images import journal_folder

    return Path(runs) if runs is not None else journal_folder()


def find_models(query: str = "", *, progress: Progress = silent) -> ModelList:
    """List the aliases, and the names of torchvision, mmpretrain and timm that hold every word of a query.

    Examples:
        >>> [row["model"] for row in find_models("prodpoly").rows()][:1]
        ['prodpoly']
    """
    with callers_state_kept():
        from diagnose.networks import search
        from diagnose.params.models_report import models_report

        progress("Looking up models")
        return ModelList(models_report(query), search(query))
