"""A guard over this process while a foreign file is judged: it also stops what no other check foresaw.

Consent is asked where code would run (`networks.consent`). This is the second line: Python tells its audit hooks of
every program text that runs, of every process, connection and file that is written, and the guard refuses what a
judgement never needs. It does not see what a library does in C without telling Python; SECURITY.md says so.

    >>> with guarded(writable=(cache,)):
    ...     judge()

`context` holds the rules in force, `refusals` has a check for each event, and `callers` finds who caused it.
"""

from diagnose.guard.context import guarded, guarded_unless, unguarded
from diagnose.guard.refusals import RefusedError

__all__ = ["RefusedError", "guarded", "guarded_unless", "unguarded"]
