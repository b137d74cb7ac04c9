"""Silent faults of a training: each check looks at what was seen, and yields a fault only with its evidence.

A new check is one generator that takes the `TrainingLog`, named in `CHECKS`. What a check cannot decide, it does not
tell; what may be meant so, it calls undetermined.
"""

from __future__ import annotations

from diagnose.values import Fault
from diagnose.watch.faults import (
    data_faults,
    gradient_faults,
    loss_faults,
    mode_faults,
    parameter_faults,
    schedule_faults,
)
from diagnose.watch.training_log import TrainingLog

CHECKS = (
    *gradient_faults.CHECKS,
    *schedule_faults.CHECKS,
    *mode_faults.CHECKS,
    *loss_faults.CHECKS,
    *parameter_faults.CHECKS,
    *data_faults.CHECKS,
)


def find_faults(log: TrainingLog) -> tuple[Fault, ...]:
    """Return every silent fault that was seen."""
    return tuple(fault for check in CHECKS for fault in check(log))
