"""The commands run as a user runs them, in a process of their own, with stdout, stderr and exit code."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

SCRIPT = Path(sys.executable).with_name("diagnose")
FROM_THE_CALLER = ("NO_COLOR", "FORCE_COLOR", "COLUMNS")

# Imports torch once and runs each command in a fork, through the same `main` that the installed script calls.
_FORKS = """
import json, os, sys, traceback
import torch, torchvision
import diagnose.cli

for line in sys.stdin:
    call = json.loads(line)
    child = os.fork()
    if child == 0:
        for number, path in ((1, call["stdout"]), (2, call["stderr"])):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC), number)
        os.environ.update(call["environment"])
        sys.argv = ["diagnose", *call["arguments"]]
        code, leave = 0, os._exit
        try:
            from diagnose.start import main

            main()
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            traceback.print_exc()
            code = 1
        sys.stderr.flush()
        leave(code)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


def _environment():
    return {key: value for key, value in os.environ.items() if key not in FROM_THE_CALLER}


@pytest.fixture(scope="session")
def script():
    """Return a function that runs the installed script; `script.path` is where it stands."""

    def run(*arguments, **environment):
        command = [str(SCRIPT), *map(str, arguments)]
        settings = {**_environment(), **environment}
        return subprocess.run(command, capture_output=True, encoding="utf-8", env=settings, timeout=300, check=False)

    run.path = SCRIPT
    return run


@pytest.fixture(scope="session")
def diagnose(tmp_path_factory):
    """Return a function that runs the command line in a fork of a process that has imported torch."""
    folder = tmp_path_factory.mktemp("streams")
    server = subprocess.Popen(
        [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
        env=_environment(),
    )  # fmt: skip

    def run(*arguments, **environment):
        streams = {name: folder / name for name in ("stdout", "stderr")}
        call = {"arguments": [*map(str, arguments)], "environment": environment}
        server.stdin.write(json.dumps({**call, **{name: str(path) for name, path in streams.items()}}) + "\n")
        server.stdin.flush()
        code = int(server.stdout.readline())
        texts = {name: path.read_text(encoding="utf-8") for name, path in streams.items()}
        return SimpleNamespace(returncode=code, **texts)

    yield run
    server.stdin.close()
    server.wait(timeout=30)
    server.stdout.close()
