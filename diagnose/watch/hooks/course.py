"""What the hooks of one process share: the pass over a loader that is going on, counters, and how code is wrapped."""

from __future__ import annotations

import atexit
import functools
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from .code_place import place_in
from .event_log import EventLog
from .run_limits import Limits


@dataclass(slots=True)
class LoaderPass:
    """One pass over a loader, or what happens outside any: how often each thing was seen in it."""

    number: int
    loader: int | None
    length: int | None = None
    batches: int = 0
    backwards: int = 0
    steps: int = 0
    forwards: dict[str, int] = field(default_factory=dict)
    modes: dict[str, list[int]] = field(default_factory=dict)
    networks: list[int] = field(default_factory=list)
    cut: bool = False
    exhausted: bool = False
    labels: Any = None
    label_counts: dict[int, int] = field(default_factory=dict)
    closed: bool = False
    batches_at_step: dict[int, int] = field(default_factory=dict)

    def batches_of_step(self, optimizer: int) -> int:
        """Return the batches since the last step of an optimizer in this pass, and begin to count anew."""
        before = self.batches_at_step.get(optimizer, 0)
        self.batches_at_step[optimizer] = self.batches
        return self.batches - before


class Course:
    """The state of a watched process, and the one way in which its hooks are called."""

    def __init__(self, log: EventLog, limits: Limits) -> None:
        self.log = log
        self.limits = limits
        self.passes = 0
        self.outside = LoaderPass(0, None)
        self.current = self.outside
        self.open: list[LoaderPass] = []
        self.training_loaders: set[int] = set()
        self.trained_passes: set[int] = set()
        self.backwards = 0
        self.steps = 0
        self.failures: set[str] = set()
        self.networks: list[Any] = []  # weak references to the outermost modules that were called
        self.undo: list[tuple[Any, str, Any, Any]] = []
        self.stopping = False
        self.before_backward: list[Callable[[], None]] = []
        self._tell_the_end()

    # ------------------------------------------------------------------------------------------ passes

    def begin_pass(self, loader: int, length: int | None) -> LoaderPass:
        """Begin a pass over a loader; an older pass over the same one is over."""
        for old in [old for old in self.open if old.loader == loader]:
            self.end_pass(old)
        self.passes += 1
        started = LoaderPass(self.passes, loader, length)
        self.open.append(started)
        self.log.write("pass-begins", number=started.number, loader=loader, after_steps=self.steps)
        return started

    def end_pass(self, ended: LoaderPass) -> None:
        """Write what was seen in a pass, once."""
        if ended in self.open:
            self.open.remove(ended)
        if self.current is ended:
            self.current = self.open[-1] if self.open else self.outside
        if ended.closed:
            return
        ended.closed = True
        self._write_pass(ended)

    def _write_pass(self, seen: LoaderPass) -> None:
        self.log.write(
            "pass",
            number=seen.number,
            loader=seen.loader,
            length=seen.length,
            batches=seen.batches,
            backwards=seen.backwards,
            steps=seen.steps,
            forwards=seen.forwards,
            modes=seen.modes,
            networks=seen.networks,
            cut=seen.cut,
            exhausted=seen.exhausted,
            labels=seen.labels.hexdigest() if seen.labels is not None else None,
            label_counts={str(label): count for label, count in seen.label_counts.items()},
            after_steps=self.steps,
        )

    # ------------------------------------------------------------------------------------------- limits

    def end_where_asked(self, *, before_training: bool = False) -> None:
        """End the script where its shortened run is over; `before_training` says that another epoch is about to begin.

        Raises:
            SystemExit: with 0; the script's own `finally` clauses run.
        """
        epochs = self.limits.epochs
        over = epochs is not None and len(self.trained_passes) + before_training > epochs
        if (over or self.limits.is_late) and not self.stopping:
            self.stopping = True
            self.log.write("stopped", reason="epochs" if over else "seconds")
            sys.exit(0)

    # -------------------------------------------------------------------------------------------- hooks

    def guarded(self, look: Callable[..., Any], name: str) -> Callable[..., None]:
        """Return a hook that never raises: the first failure is written down and ends this hook."""

        def hook(*args: Any, **kwargs: Any) -> None:
            if name in self.failures:
                return
            try:
                look(*args, **kwargs)
            except Exception as error:
                self.failures.add(name)
                self.log.write("hook-failed", hook=name, error=f"{type(error).__name__}: {error}"[:300])

        return hook

    def wrap(self, owner: Any, name: str, make: Callable[[Callable[..., Any]], Callable[..., Any]]) -> None:
        """Put a wrapper in the place of a function; `make` gets the function and returns the wrapper's body."""
        original = getattr(owner, name, None)
        if original is None or getattr(original, "_diagnose_watch", False):
            return
        wrapper = functools.wraps(original)(make(original))
        # torch keeps a function that dynamo leaves alone in the function's own dictionary: that would be the original.
        vars(wrapper).pop("__dynamo_disable", None)
        wrapper._diagnose_watch = True  # type: ignore[attr-defined]
        setattr(owner, name, wrapper)
        self.undo.append((owner, name, original, wrapper))

    def after(self, owner: Any, name: str, look: Callable[..., Any]) -> None:
        """Call `look(result, *args, **kwargs)` after each call of a function."""
        hook = self.guarded(look, f"{getattr(owner, '__name__', owner)}.{name}")

        def make(original: Callable[..., Any]) -> Callable[..., Any]:
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                result = original(*args, **kwargs)
                hook(result, *args, **kwargs)
                return result

            return wrapper

        self.wrap(owner, name, make)

    # --------------------------------------------------------------------------------------------- end

    def _tell_the_end(self) -> None:
        theirs = sys.excepthook

        def tell(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
            self.guarded(self._write_error, "error")(kind, error, trace)
            theirs(kind, error, trace)

        sys.excepthook = tell
        atexit.register(self.guarded(self._finish, "end"))

    def _write_error(self, kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        place = ""
        while trace is not None:
            place = place_in(trace.tb_frame.f_code.co_filename, trace.tb_lineno) or place
            trace = trace.tb_next
        lines = str(error).splitlines()
        self.log.write("error", name=kind.__name__, message=lines[0][:300] if lines else "", place=place)

    def _finish(self) -> None:
        for left in list(self.open):
            self.end_pass(left)
        self._write_pass(self.outside)
        self.log.write("end")
