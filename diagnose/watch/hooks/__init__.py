"""What runs inside a watched process: it looks on when torch is used, and writes what it sees to a log of its own.

1. `begin` is called before the script; it waits for the import of torch (`torch_import`).
2. Each `watch_…` module then puts its hooks in: loaders, networks, losses, optimizers, schedulers, and single calls.
3. `Course` (`course`) is what the hooks share: the pass over a loader that is going on, and counters.
4. `EventLog` (`event_log`) writes each event as one JSON line at once, so that a killed process leaves what it saw.

Only the standard library and torch are imported here, and relatively, for this runs in the script's own Python. A hook
that fails is switched off and says so in the log; it never reaches the script. Nothing draws a random number.
"""

from __future__ import annotations

import json


def begin(settings: str) -> None:
    """Watch this process from the import of torch on; `settings` is what `launch` wrote into the environment."""
    from . import torch_import

    options = json.loads(settings)
    torch_import.when_imported(lambda: _install(options))


def _install(options: dict[str, object]) -> None:
    from . import watch_calls, watch_loaders, watch_losses, watch_networks, watch_optimizers, watch_schedulers
    from .course import Course
    from .event_log import EventLog
    from .run_limits import Limits

    log = EventLog(str(options["folder"]))
    course = Course(log, Limits.of(options))
    for module in (watch_loaders, watch_networks, watch_losses, watch_optimizers, watch_schedulers, watch_calls):
        course.guarded(module.install, module.__name__.rpartition(".")[2])(course)
