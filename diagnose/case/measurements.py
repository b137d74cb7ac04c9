"""What claims of one run share: a network that several claims are about is built, counted and compared once."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from diagnose.values import Case

if TYPE_CHECKING:
    from diagnose.case.trials.stored_trials import AvailableTrials
    from diagnose.networks import BuiltModel
    from diagnose.values import FlopTable, GraphDiff, ParamTable, Skipped

T = TypeVar("T")


class Measurements:
    """The measurements of one run over a case; `text` turns the case's name of a model into its MODEL text.

    `runs` is the folder of the probes' journals.
    """

    def __init__(self, case: Case, runs: Path | None = None) -> None:
        self.case, self._runs = case, runs
        self._held: dict[Hashable, Any] = {}

    def text(self, name: str) -> str:
        """Return the MODEL text of one of the case's names."""
        return self.case.model(name)

    def once(self, key: Hashable, measure: Callable[[], T]) -> T:
        """Return what `measure` returns, measured once for each key."""
        if key not in self._held:
            self._held[key] = measure()
        held: T = self._held[key]
        return held

    def built(self, name: str) -> BuiltModel:
        """Build a model without weights."""
        from diagnose.networks import build

        return self.once(("built", self.text(name)), lambda: build(self.text(name)))

    def parameters(self, name: str) -> ParamTable:
        """Count a model's parameters."""
        from diagnose.networks.inputs import candidates
        from diagnose.params.table import count_parameters

        def count() -> ParamTable:
            built = self.built(name)
            return count_parameters(built.module, candidates(built.module, built.input_shapes, ()))

        return self.once(("parameters", self.text(name)), count)

    def operations(self, name: str) -> FlopTable | Skipped:
        """Count the operations of a model's forward pass."""
        from diagnose.flops.count import count_operations
        from diagnose.networks.inputs import candidates

        def count() -> FlopTable | Skipped:
            built = self.built(name)
            return count_operations(built.module, candidates(built.module, built.input_shapes, ()))

        return self.once(("operations", self.text(name)), count)

    def available_trials(self) -> AvailableTrials:
        """Return the trials at hand: those that go with the case, and those in the folder of journals.

        Trials of a network whose code has been edited since are left out, and said to be.
        """
        from diagnose.case.trials.stored_trials import AvailableTrials, journals_in, kept_in

        def read() -> AvailableTrials:
            found = kept_in(Path(self.case.trials)) if self.case.trials else AvailableTrials()
            found = found.with_more(journals_in(self._runs)) if self._runs else found
            return found.of_this_code(text for _, text in self.case.models)

        return self.once("trials", read)

    def trials_digest(self) -> str:
        """Return a digest of the trials at hand, without reading what they say."""
        from diagnose.case.trials.stored_trials import digest

        kept = Path(self.case.trials) if self.case.trials else None
        return self.once("digest", lambda: digest(kept, self._runs))

    def compared(self, a: str, b: str) -> GraphDiff:
        """Compare two models as `diagnose diff` does."""
        from diagnose.diff.run import compare

        texts = self.text(a), self.text(b)

        def compared() -> GraphDiff:
            with one_thread():
                return compare(*texts)

        return self.once(("diff", *texts), compared)


@contextmanager
def one_thread() -> Iterator[None]:
    """Let torch compute in one thread: the same last bits whatever the number of cores, and no thread that waits.

    A claim runs one or two images through small layers. There two threads spend most of their time waiting for each
    other: on the built-in case they take more than twice the CPU time of one, and no less time.
    """
    import torch

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)
