# ruff: noqa: PTH118, PTH115, PTH123, N818
"""What watches one hostile input: Python's audit events, the files around it, its time and its memory.

Python cannot take an audit hook away again, so it is armed by a flag, and only in a process of its own (`fuzz.py`).
What it sees it notes down and forbids, so that an attack which works harms nothing.
"""

import os
import resource
import signal
import stat
import subprocess
import sys
import sysconfig
import time
from contextlib import contextmanager, suppress
from hashlib import sha256
from pathlib import Path

CPU_SECONDS = 20
"""CPU time of one input; beyond it, it hangs."""

IDLE_SECONDS = 12
"""Seconds in which an input uses no CPU at all: it waits for something that never comes, such as a pipe's writer."""

MEMORY = 1 << 30
"""Bytes by which one input may make the process grow."""

CANARY = "safety.ran"
"""The audit event that every planted piece of foreign code raises."""

_STARTS = (
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "os.spawn",
    "os.fork",
    "os.forkpty",
    "pty.spawn",
    "webbrowser.open",
)
_CONNECTS = ("socket.", "urllib.Request", "http.client.", "ftplib.", "smtplib.", "poplib.", "imaplib.", "telnetlib.")
_CHANGES = {
    "os.remove": 1, "os.rename": 2, "os.rmdir": 1, "os.mkdir": 1, "os.chmod": 1, "os.chown": 1, "os.truncate": 1,
    "os.link": 2, "os.symlink": 2, "os.utime": 1, "shutil.rmtree": 1, "shutil.move": 2,
}  # fmt: skip
"""Events that change files, with the number of their arguments that are paths."""

_PICKLED = ("os", "posix", "nt", "subprocess", "builtins", "sys", "runpy", "importlib", "shutil", "pty", "ctypes")
_WRITES = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND
_PLACES = sysconfig.get_paths()


class Hung(BaseException):
    """An input that took too long; no `except Exception` holds it up."""


class Forbidden(Exception):
    """Raised in the place of what the input must not do."""


class Guard:
    """The audit hook of this process, and what it noticed of the input at hand.

    `root` is the only folder in which files may be written, `code` the folders whose code may run.
    """

    def __init__(self, root, code=()):
        import diagnose

        installed = [_PLACES[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")]
        own = [Path(diagnose.__file__).parent, Path(__file__).parent, sys.prefix, sys.base_prefix, *code]
        self.root = os.path.realpath(root)
        self.code = tuple({os.path.realpath(folder) + os.sep for folder in (*installed, *own)})
        self.faults, self.probes, self._on = [], [], False
        self._popen = subprocess.Popen
        sys.addaudithook(self._hook)

    @contextmanager
    def armed(self):
        """Notice and forbid within this context; `faults` holds what was noticed, `probes` the probes asked for."""
        self.faults, self.probes = [], []
        before = subprocess.Popen
        subprocess.Popen = self._started
        self._on = True
        try:
            yield
        finally:
            self._on = False
            subprocess.Popen = before

    def note(self, fault):
        """Note a fault down once."""
        if fault not in self.faults:
            self.faults.append(fault)

    def _hook(self, event, args):
        if not self._on:
            return
        self._on = False
        try:
            fault = self._fault(event, args)
        finally:
            self._on = True
        if fault:
            self.note(fault)
            raise Forbidden(fault)

    def _fault(self, event, args):
        if event == CANARY:
            return f"foreign code ran: {args}"
        if event == "exec":
            file = getattr(args[0], "co_filename", "")
            foreign = file and not file.startswith("<") and not self._is_ours(file)
            return f"foreign code ran: exec of {file}" if foreign else ""
        if event == "open":
            return self._opened(*args)
        if event in _CHANGES:
            outside = [path for path in args[: _CHANGES[event]] if not self._is_inside(path)]
            return f"a file changed outside: {event} {outside}" if outside else ""
        if event in (*_STARTS, "subprocess.Popen"):
            return f"a process was started: {event} {args!r:.200}"
        if event.startswith(_CONNECTS):
            return f"a connection was opened: {event} {args!r:.200}"
        if event == "ctypes.dlopen":
            name = args[0]
            ours = name is None or (os.sep in os.fsdecode(name) and self._is_ours(os.fsdecode(name)))
            return "" if ours else f"foreign code ran: a library, {name}"
        if event == "pickle.find_class":
            return f"foreign code ran: pickled {args[0]}.{args[1]}" if args[0] in _PICKLED else ""
        return ""

    def _opened(self, path, mode, flags):
        if isinstance(path, int) or not flags & _WRITES or self._is_inside(path):
            return ""
        return "" if os.fsdecode(path) == os.devnull else f"a file changed outside: {os.fsdecode(path)!r} was opened"

    def _is_ours(self, file):
        return os.path.realpath(file).startswith(self.code)

    def _is_inside(self, path):
        if isinstance(path, int):
            return True
        real = os.path.realpath(os.fsdecode(path))
        return real == self.root or real.startswith(self.root + os.sep)

    def _started(self, command, *args, **kwargs):
        """Take the place of subprocess.Popen: write a probe of our own down and end it with 3, start nothing."""
        if isinstance(command, list) and command[1:4] == ["-m", "diagnose", "probe"]:
            self.probes.append(command[4:])
            return _Ended()
        sys.audit("subprocess.Popen", command, command, None, None)
        self.note(f"a process was started: {command!r:.200}")
        raise Forbidden(f"a process was started: {command!r:.200}")


class _Ended:
    """A process that could not run."""

    returncode, pid, stdout, stderr = 3, 0, None, None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        return None

    def wait(self, timeout=None):
        return self.returncode

    poll = wait

    def communicate(self, input=None, timeout=None):
        return None, None


# ------------------------------------------------------------------------------------------------ limits


@contextmanager
def limited(note):
    """Interrupt with `Hung` what computes or waits for too long, and note what grows too large.

    A loop in C that no signal handler interrupts ends the process, by its limit of CPU time.
    """
    begun, used, idle = time.process_time(), [_busy()], [0]

    def computing(*_):
        note(f"it hung: {time.process_time() - begun:.0f} s of CPU")
        raise Hung

    def waiting(*_):
        now = _busy()
        idle[0] = idle[0] + 1 if now - used[0] < 0.02 else 0
        used[0] = now
        if 3 * idle[0] >= IDLE_SECONDS:
            note(f"it hung: {IDLE_SECONDS} s without any work")
            raise Hung

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(begun) + 3 * CPU_SECONDS, hard))
    signal.signal(signal.SIGPROF, computing)
    signal.signal(signal.SIGALRM, waiting)
    _forget_peak()
    before = _kilobytes("VmRSS")
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS, 1)
    signal.setitimer(signal.ITIMER_REAL, 3, 3)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        grown = (_kilobytes("VmHWM") - before) << 10
        if grown > MEMORY:
            note(f"memory: it grew by {grown >> 20} MiB")


def limit_memory():
    """Let the address space grow by twice `MEMORY` from here: what reads without end fails, not the machine."""
    size = (_kilobytes("VmSize") << 10) + 2 * MEMORY
    _, hard = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (size, hard))


def _opened(path):
    try:
        return os.open(path, os.O_RDONLY)
    except OSError:
        return None


_SCHEDULED = _opened("/proc/self/schedstat")
"""Opened beforehand: what reads it runs amid the input, where opening is watched."""


def _busy():
    """Return the seconds that the process ran, or would have run had the machine had a core for it."""
    if _SCHEDULED is None:
        return time.process_time()
    ran, waited, *_ = map(int, os.pread(_SCHEDULED, 200, 0).split())
    return (ran + waited) / 1e9


def _forget_peak():
    with suppress(OSError):  # else the peak is that of the whole run, and the first input to exceed it is the one named
        Path("/proc/self/clear_refs").write_text("5")


def _kilobytes(name):
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1])
    return 0


# ------------------------------------------------------------------------------------------------- files


def snapshot(*folders):
    """Return every path below the folders with its kind, its mode, its size and a digest of a file's content."""
    found = {}
    for folder in folders:
        for base, names, files in os.walk(folder):
            for name in (*names, *files):
                path = os.path.join(base, name)
                found[path] = _state(path)
    return found


def _state(path):
    held = os.lstat(path)
    if stat.S_ISLNK(held.st_mode):
        return "link", os.readlink(path)
    if stat.S_ISREG(held.st_mode):
        with open(path, "rb") as file:
            return "file", held.st_mode, held.st_size, sha256(file.read(1 << 20)).hexdigest()
    return stat.S_IFMT(held.st_mode), held.st_mode, held.st_rdev


def changes(before, after, *, allowed):
    """Return the paths that appeared, vanished or changed, but for those below an allowed one."""
    differing = [path for path in {*before, *after} if before.get(path) != after.get(path)]
    return sorted(path for path in differing if not path.startswith(allowed))
