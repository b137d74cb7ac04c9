"""The installed script, whatever is done to its streams and whenever Ctrl-C comes; user's code that ends programs."""

import os
import signal
import subprocess
import sys
import time

import pytest

SMALL = "torchvision:squeezenet1_1"
FULL = "error: cannot write to standard output: No space left on device\n"


def shell(command):
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("arguments", ["--help", "--version", f"params {SMALL}", f"params {SMALL} --quiet"])
def test_a_full_disk_behind_stdout_is_told_in_one_sentence(script, arguments):
    done = shell(f"'{script.path}' {arguments} >/dev/full")
    assert (done.returncode, done.stderr) == (3, FULL)


@pytest.mark.parametrize("streams", [">&-", "2>&-", "2>/dev/full", ">&- 2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("arguments", ["--version", "recipe paper paper"])
def test_a_stream_that_is_closed_or_full_takes_nothing_and_changes_no_exit_code(script, streams, arguments):
    done = shell(f"'{script.path}' {arguments} {streams}")
    assert (done.returncode, done.stderr) == (0, "")


def test_both_streams_may_be_full(script):
    done = shell(f"'{script.path}' recipe paper paper >/dev/full 2>/dev/full")
    assert (done.returncode, done.stdout, done.stderr) == (3, "", "")


@pytest.mark.parametrize("arguments", [("--help",), ("params", SMALL)])
@pytest.mark.parametrize("delay", [0, 0.05, 0.3, 0.6])
def test_ctrl_c_ends_with_130_and_no_traceback_from_our_first_import_on(script, arguments, delay):
    command = [sys.executable, "-X", "importtime", script.path, *arguments]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, **pipes) as run:
        while "diagnose.start" not in (line := run.stderr.readline()):
            assert line
        time.sleep(delay)
        run.send_signal(signal.SIGINT)
        _, said = run.communicate(timeout=60)
    assert run.returncode in (0, 130, -signal.SIGINT)  # 0 where it was done, the last while Python itself ends
    assert not [line for line in said.splitlines() if not line.startswith("import time:")]


MODEL = """import itertools, os, sys
from torch import nn
class Own(BaseException):
    pass
class Mute(Exception):
    def __str__(self):
        raise RuntimeError("mute")
class Net(nn.Linear):
    def __init__(self):
        super().__init__(2, 2)
        self.built = True
        {built}
    def forward(self, x):
        {forward}
        return super().forward(x)
    def parameters(self, *args, **options):
        if hasattr(self, "built"):
            {parameters}
        return super().parameters(*args, **options)
    def named_modules(self, *args, **options):
        {named_modules}
        return super().named_modules(*args, **options)
def again():
    again()
"""
PLACES = ("built", "forward", "parameters", "named_modules")
ENDS = ["raise Own('end')", "raise KeyboardInterrupt", "raise GeneratorExit", "sys.exit(0)", "os._exit(0)",
        "raise Mute", "raise EOFError", "again()"]  # fmt: skip


@pytest.fixture
def flops(diagnose, tmp_path):
    def run(place, statement):
        (tmp_path / "net.py").write_text(MODEL.format(**dict.fromkeys(PLACES, "pass") | {place: statement}))
        return diagnose("flops", f"{tmp_path}/net.py:Net", "--input", "1x2")

    return run


@pytest.mark.parametrize("statement", ENDS)
def test_a_forward_pass_that_ends_the_program_is_told_by_its_model(flops, statement):
    done = flops("forward", statement)
    assert done.returncode == 3
    assert "net.py:Net" in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("place", ["built", "parameters", "named_modules"])
def test_code_that_ends_the_program_elsewhere_is_told_by_its_place(flops, place):
    done = flops(place, "raise Own('end')")
    assert done.returncode == 3
    assert "net.py:Net raised Own at " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("statement", "said"),
    [("return iter([1, 2])", "yields an int, not tensors"), ("return itertools.repeat(self.weight)", "does not end")],
)
def test_parameters_that_are_none_or_never_end_are_refused(flops, statement, said):
    done = flops("parameters", statement)
    assert (done.returncode, said in done.stderr) == (2, True), done.stderr


BROKEN = """import sys, diagnose.recipes
def broken(a, b):
    raise {}
diagnose.recipes.load_both = broken
sys.argv = ["diagnose", "recipe", "paper", "paper"]
from diagnose.start import main
main()
"""


def ended_by(error, **environment):
    code = BROKEN.format(error)
    settings = {**os.environ, **environment}
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=settings, timeout=120)


def test_an_error_that_nobody_foresaw_is_called_a_defect():
    done = ended_by("LookupError('nobody foresaw\\nthis')")
    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        "error: This is a defect of diagnose, which met LookupError: nobody foresaw\n"
        "hint: DIAGNOSE_TRACEBACK=1 shows the traceback.\n"
    )
    assert "in broken" in ended_by("LookupError('this')", DIAGNOSE_TRACEBACK="1").stderr


def test_a_full_disk_is_told_with_its_place():
    done = ended_by("OSError(28, 'No space left on device', 'some/file')")
    assert done.returncode == 3
    assert done.stderr.startswith("error: cannot write some/file: No space left on device\nhint: Free some space")
