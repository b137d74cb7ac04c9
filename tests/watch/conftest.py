"""Scripts watched in forks of a process that has imported torch: a second each, and not ten."""

import json
import os
import subprocess
import sys
from functools import cache
from types import SimpleNamespace

import pytest

from diagnose.recipes.toml import parse
from diagnose.render import render
from diagnose.watch.launch import Outcome
from diagnose.watch.report import watch_report
from diagnose.watch.run import observed
from diagnose.watch.saved_recipe import toml_of

# Each script runs in a fork, with the hooks that `sitecustomize` puts in where a script is started by the command.
_FORKS = """
import json, os, sys
import torch, torchvision
from torch.optim import swa_utils
from diagnose.watch import hooks
torch._dynamo  # which the first optimizer loads

for line in sys.stdin:
    call = json.loads(line)
    child = os.fork()
    if child == 0:
        import atexit, runpy
        with open(call["streams"], "w") as stream:
            os.dup2(stream.fileno(), 1)
            os.dup2(stream.fileno(), 2)
        os.chdir(call["folder"])
        sys.argv = ["train.py"]
        atexit._clear()
        hooks.begin(json.dumps(call["options"]))
        code = 0
        try:
            runpy.run_path("train.py", run_name="__main__")
        except SystemExit as end:
            code = end.code or 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
            code = 1
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os._exit(code)
    _, status = os.waitpid(child, 0)
    print(os.waitstatus_to_exitcode(status), flush=True)
"""


@pytest.fixture(scope="session")
def _forks():
    server = subprocess.Popen(
        [sys.executable, "-c", _FORKS], stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8",
        env=os.environ | {"OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    yield server
    server.stdin.close()
    server.stdout.close()
    server.wait(timeout=10)


@pytest.fixture(scope="session")
def watched(_forks, tmp_path_factory):
    """Return a function that runs the text of a script and returns what was seen, by keys."""

    @cache
    def run(text, *, batches=8, epochs=None, seconds=None):
        folder = tmp_path_factory.mktemp("script")
        (folder / "train.py").write_text(text)
        (folder / "logs").mkdir()
        options = {"folder": str(folder / "logs"), "batches": batches, "epochs": epochs, "seconds": seconds}
        call = {"options": options, "folder": str(folder), "streams": str(folder / "streams")}
        _forks.stdin.write(json.dumps(call) + "\n")
        _forks.stdin.flush()
        code = int(_forks.stdout.readline())
        script = observed(folder / "logs", ("train.py",), Outcome(code))
        printed = (folder / "streams").read_text()
        assert not script.hidden, (script.hidden, printed)
        assert render(watch_report(script), "terminal")  # each kind of evidence has the numbers that its words need
        parse(toml_of(script), "observed", "observed.toml")
        return SimpleNamespace(
            script=script,
            printed=printed,
            values={setting.key: setting.value for setting in script.settings},
            bases={setting.key: setting.basis for setting in script.settings},
            reasons={setting.key: setting.evidence.kind for setting in script.settings},
            facts={fact.kind: fact.value for fact in script.facts},
            faults={fault.kind: fault for fault in script.faults},
        )

    return run
