"""The guard: what a judgement never needs is refused, and what it needs is not."""

# The plain calls are what is attempted.
# ruff: noqa: PTH101, PTH102, PTH104, PTH107, PTH109, PTH100, PTH116, PTH123, PTH211, SIM115

import ctypes
import os
import pickle
import runpy
import socket
import sqlite3
import subprocess
import sys
from collections import namedtuple
from dataclasses import make_dataclass

import pytest

from diagnose.errors import DiagnoseError
from diagnose.guard import RefusedError, guarded, unguarded


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "victim").write_text("whole")
    (tmp_path / "stranger.py").write_text("open('ran', 'w').close()\n")
    (tmp_path / "may").mkdir()
    return tmp_path


class Gadget:
    def __reduce__(self):
        return os.system, ("touch ran",)


def connect():
    with socket.socket() as made:
        made.connect(("127.0.0.1", 9))


def import_stranger():
    sys.path.insert(0, os.getcwd())
    try:
        import stranger  # noqa: F401
    finally:
        del sys.path[0]


ATTEMPTS = {
    "a shell": lambda: os.system("touch ran"),
    "a process": lambda: subprocess.run(["touch", "ran"], check=True),
    "a spawned process": lambda: os.posix_spawn("/bin/touch", ["touch", "ran"], os.environ),
    "a fork": os.fork,
    "a signal": lambda: os.kill(os.getpid(), 0),
    "a connection": connect,
    "a look-up of a host": lambda: socket.getaddrinfo("localhost", 80),
    "a text that is run": lambda: exec("open('ran', 'w').close()"),
    "a text that is evaluated": lambda: eval("open('ran', 'w')"),
    "a file that is run": lambda: runpy.run_path("stranger.py"),
    "a module from the folder": import_stranger,
    "a pickle": lambda: pickle.loads(pickle.dumps(Gadget())),
    "a library": lambda: ctypes.CDLL(os.path.abspath("evil.so")),
    "a file written": lambda: open("victim", "w"),
    "a file appended to": lambda: open("victim", "a"),
    "a file opened by its descriptor": lambda: os.open("ran", os.O_CREAT | os.O_WRONLY),
    "a file removed": lambda: os.remove("victim"),
    "a file renamed": lambda: os.rename("victim", "may/victim"),
    "a file brought here": lambda: os.rename("may", "ran"),
    "a file cut": lambda: os.truncate("victim", 0),
    "a mode changed": lambda: os.chmod("victim", 0),
    "a folder made": lambda: os.mkdir("ran"),
    "a link made": lambda: os.symlink("victim", "ran"),
    "a way out of the folder that may be written": lambda: open("may/../ran", "w"),
    "a data base": lambda: sqlite3.connect("ran"),
    "a change of folder": lambda: os.chdir("/"),
    "a device": lambda: open("/dev/zero", "rb"),
}


@pytest.mark.parametrize("attempt", ATTEMPTS.values(), ids=ATTEMPTS)
def test_what_a_judgement_never_needs_is_refused(here, attempt):
    with guarded(writable=[here / "may"]) as refused, pytest.raises(RefusedError) as error:
        attempt()
    assert refused == [error.value]
    assert isinstance(error.value, DiagnoseError)
    assert (here / "victim").read_text() == "whole"
    assert os.stat("victim").st_mode & 0o777
    assert not os.path.lexists("ran")


@pytest.mark.parametrize("link", ["may/link", "link"])
def test_a_link_leads_nowhere_else(here, link):
    os.symlink(here / "victim", here / link)
    with guarded(writable=[here / "may"]), pytest.raises(RefusedError):
        open(link, "w")
    assert (here / "victim").read_text() == "whole"


def test_a_pipe_is_not_waited_for(here):
    os.mkfifo("pipe")
    with guarded(), pytest.raises(RefusedError):
        open("pipe", "rb")


def test_what_a_judgement_needs_is_allowed(here):
    with guarded(writable=[here / "may"]) as refused:
        (here / "may" / "below").mkdir()
        (here / "may" / "kept").write_text("x")
        (here / "may" / "kept").replace(here / "may" / "moved")
        open(os.devnull, "w").close()
        assert (here / "victim").read_text() == "whole"
        assert namedtuple("Pair", "a b")(1, 2).a == 1
        assert make_dataclass("Point", ["x"])(3).x == 3
        os.chdir(os.getcwd())
    assert refused == []


def test_a_network_is_built_captured_and_traced(here):
    import torch
    from torch import nn

    with guarded() as refused:
        model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU()).eval()
        images = torch.zeros(1, 3, 8, 8)
        exported = torch.export.export(model, (images,))
        assert torch.equal(exported.module()(images), model(images))
        assert torch.fx.symbolic_trace(model)(images).shape == (1, 4, 6, 6)
    assert refused == []


def test_connections_are_allowed_where_that_is_said():
    with guarded(network=True) as refused, socket.socket() as made:
        made.bind(("127.0.0.1", 0))
    assert refused == []


def test_afterwards_everything_is_as_before(here):
    before = sys.dont_write_bytecode
    with guarded():
        assert sys.dont_write_bytecode
    assert sys.dont_write_bytecode is before
    open("ran", "w").close()
    exec("x = 1")


def test_the_guard_is_suspended_and_comes_back(here):
    with guarded():
        with unguarded():
            open("ran", "w").close()
        os.stat("ran")
        with pytest.raises(RefusedError):
            open("again", "w")


def test_of_two_guards_the_inner_one_holds(here):
    with guarded(writable=[here]), guarded(writable=[here / "may"]), pytest.raises(RefusedError):
        open("ran", "w")
