"""A case judged: each claim measured on its own, so that one that fails leaves the others their ruling."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from diagnose.case.cache import Cache
from diagnose.case.claims import KINDS
from diagnose.case.kind import OPPOSITE
from diagnose.case.measurements import Measurements
from diagnose.case.permission import allowed, missing_consent
from diagnose.errors import DiagnoseError, in_one_line
from diagnose.guard import RefusedError
from diagnose.networks.consent import ConsentError, Need
from diagnose.values import Case, Claim, JudgedClaim, Ruling, Skipped

_WORDS = {
    Need.CODE: "Not run: {} is code, which runs with --trust.",
    Need.DOWNLOAD: "Not run: {} asks for weights; --download allows it.",
}

INTERRUPTED = "The run was interrupted before this claim; the same command goes on from here."

Watch = Callable[[Claim, int], None]
"""A function that is told of each claim before it is judged, with its number from 1."""


def judge_case(
    case: Case,
    cache: Cache,
    *,
    runs: Path | None = None,
    download: bool = False,
    watch: Watch = lambda claim, number: None,
) -> tuple[tuple[JudgedClaim, ...], bool]:
    """Judge every claim, and return the judgements and whether the run was interrupted.

    Ctrl-C ends the measuring: the claims that were judged keep their ruling, and the others say why they have none.
    What the cache holds is not measured again. `runs` is the folder of the probes' journals.
    """
    measurements = Measurements(case, runs)
    judgements: list[JudgedClaim] = []
    try:
        with allowed(case, cache.places, download=download) as refused:
            for number, claim in enumerate(case.claims, 1):
                watch(claim, number)
                refused.clear()
                judgements.append(_judged(case, claim, measurements, cache, refused, download=download))
    except KeyboardInterrupt:
        left = case.claims[len(judgements) :]
        return (*judgements, *(JudgedClaim(claim, Ruling.UNDETERMINED, INTERRUPTED) for claim in left)), True
    return tuple(judgements), False


def _judged(
    case: Case, claim: Claim, measurements: Measurements, cache: Cache, refused: list[RefusedError], *, download: bool
) -> JudgedClaim:
    missing = missing_consent(case, claim, download=download)
    if missing:
        texts = ", ".join(f"`{text}`" for text in missing.texts)
        return JudgedClaim(claim, Ruling.UNDETERMINED, _WORDS[missing.need].format(texts))
    trials = measurements.trials_digest() if KINDS[claim.kind].trials else ""
    kept = cache.get(case, claim, trials)
    if kept is not None:
        return replace(kept, claim=claim, reused=True)
    try:
        judgement = judge_claim(claim, measurements)
    except Exception as error:  # a claim that fails is undetermined, and its error is what the page says
        return JudgedClaim(claim, Ruling.UNDETERMINED, _failure(refused[0] if refused else error))
    stopped = tuple(Skipped("a part of the measurement", refused_call.message) for refused_call in refused)
    judgement = replace(judgement, skipped=(*judgement.skipped, *stopped))
    cache.put(case, judgement, trials)
    return judgement


def judge_claim(claim: Claim, measurements: Measurements) -> JudgedClaim:
    """Measure one claim and judge it; what the document says not to hold is judged the other way round."""
    kind = KINDS[claim.kind]
    measured = kind.measure(claim, measurements)
    assessment = kind.judge(claim, measured)
    shown = kind.evidence(claim, measured)
    ruling = assessment.ruling if claim.holds else OPPOSITE[assessment.ruling]
    return JudgedClaim(claim, ruling, assessment.answer, shown.items, shown.data, shown.skipped)


def _failure(error: Exception) -> str:
    if isinstance(error, ConsentError):
        return _WORDS[error.need].format(error.what)
    if isinstance(error, RefusedError):
        return f"Stopped: it tried to {error.what}, which a case may do only with --trust."
    if isinstance(error, DiagnoseError):
        return f"It could not be measured: {error.message.rstrip('.')}. {error.hint}".strip()
    return f"It could not be measured: {in_one_line(error)}"
