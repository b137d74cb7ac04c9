# ruff: noqa: SIM115, PTH123
"""Run the rows of `kinds.py` in this process: `python tests/safety/fuzz.py --only "a case" --list`.

Each input gets a working folder of its own with files of a victim's in it. What it did wrong is a line of JSON on
stdout (`--results PATH` writes them there), so that a process which dies tells by its last line on which input.
"""

import argparse
import gc
import json
import logging
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
import warnings
from contextlib import suppress
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from guard import Guard, Hung, changes, limit_memory, limited, snapshot

SEED = 20_261_128
SHOWN = 300

TORCHS_OWN = "torchinductor_"
"""What begins the name of a folder that torch makes for itself among the temporary files, empty, when it captures."""

ALLOWED = ("out", "reports")
"""What a command may write in its working folder: what is asked for is named out…, and reports/ is the default."""

HIDDEN = "\x00\x07\x08\x1b\x7f\x9b\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068"
"""Characters that steer a terminal or turn text round: none may reach it from somebody else's file."""


def main():
    """Run the chosen rows and write down what each input did."""
    options = _options()
    root = Path(os.path.realpath(tempfile.mkdtemp(prefix="hostile-")))
    try:
        places = _contained(root)
        import kinds

        kinds.prepare(places)
        rows = [row for row in (kinds.CONTROLS if options.controls else kinds.ROWS) if options.only in row.name]
        inputs = [(row, number, content) for row in rows for number, content in enumerate(_contents(row, options.seed))]
        stream = (
            open(options.results, "a", buffering=1, encoding="utf-8") if options.results else os.fdopen(os.dup(1), "w")
        )
        if options.list:
            for row in rows:
                print(f"{sum(case[0] is row for case in inputs):5} {row.name}", file=stream)
            return
        with stream:
            kinds.load()
            guard = Guard(root, code=[places["own"]])  # the last to listen: what diagnose itself forbids is no fault
            logging.disable(logging.CRITICAL)
            warnings.simplefilter("ignore")
            gc.collect()
            gc.freeze()
            limit_memory()
            runner = Runner(guard, places)
            unsafe = kinds.unsafe(places)
            print(json.dumps({"inputs": len(inputs)}), file=stream, flush=True)
            for index, (row, number, content) in enumerate(inputs[options.start :], options.start):
                name = f"{row.name} [{number}]"
                print(json.dumps({"index": index, "begin": name}), file=stream, flush=True)
                result = {"faults": [unsafe]} if row.writes and unsafe else runner.run(row, content)
                print(json.dumps({"index": index, "end": name, **result}), file=stream, flush=True)
    finally:
        shutil.rmtree(root, ignore_errors=True)


def _options():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="the rows whose name holds this")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--start", type=int, default=0, help="the first input to run")
    parser.add_argument("--results", default="", help="where the lines go")
    parser.add_argument("--controls", action="store_true", help="run the attacks that the guard must notice")
    parser.add_argument("--list", action="store_true", help="say how many inputs each row has")
    return parser.parse_args()


def _contents(row, seed):
    return row.contents(random.Random(f"{seed} {row.name}"))


def _contained(root):
    """Turn home, cache and temporary files into `root`; return the folders by name."""
    places = {name: root / name for name in ("home", "cache", "temporary", "own", "outside")}
    for place in places.values():
        place.mkdir()
    os.environ.update(
        HOME=str(places["home"]), XDG_CACHE_HOME=str(places["cache"]), TMPDIR=str(places["temporary"]),
        TORCHINDUCTOR_CACHE_DIR=str(places["cache"] / "torchinductor"),
        XDG_CONFIG_HOME=str(places["home"] / ".config"), MPLCONFIGDIR=str(places["cache"] / "matplotlib"),
        OMP_NUM_THREADS="1", NO_COLOR="1", COLUMNS="100", HF_HOME=str(places["cache"] / "hf"),
        TORCH_HOME=str(places["cache"] / "torch"),
    )  # fmt: skip
    tempfile.tempdir = None
    sys.dont_write_bytecode = True
    sys.setrecursionlimit(1000)
    return places


class Runner:
    """Runs one input after the other, each in a folder of its own."""

    def __init__(self, guard, places):
        self._guard, self._places = guard, places
        self._folder = places["outside"] / "here"
        self._output = places["home"].parent / "streams"
        self._output.mkdir()

    def run(self, row, content):
        """Run one input; return its faults, its exit code, what reproduces it, and its seconds of CPU."""
        import kinds

        kinds.furnish(self._folder)
        try:
            subject = _placed(row, content, self._folder)
        except kinds.CannotMake as error:
            shutil.rmtree(self._folder)
            return {"skipped": str(error), "faults": []}
        watched = [self._places[name] for name in ("home", "temporary", "own", "outside")]
        before = snapshot(*watched)
        begun = time.process_time()
        arguments = kinds.words_of(row, subject)
        code, said = self._called(row, arguments, subject)
        seconds = time.process_time() - begun
        faults = [*self._guard.faults]
        allowed = (*(str(self._folder / name) for name in ALLOWED), str(self._places["temporary"] / TORCHS_OWN))
        for path in changes(before, snapshot(*watched), allowed=allowed):
            faults.append(f"a file was left or changed: {os.path.relpath(path, self._places['outside'])!r}")
            if not path.startswith(str(self._folder)):
                _removed(Path(path))
        faults += self._judged(row, code, said)
        shutil.rmtree(self._folder, ignore_errors=True)
        shown = arguments if arguments is not None else [getattr(row.command, "__name__", "?"), subject]
        return {
            "faults": faults,
            "code": code,
            "command": [_short(word) for word in shown],
            "content": _short(content.__doc__ or "?" if callable(content) else content) if row.file else "",
            "said": said[1][-SHOWN:],
            "seconds": round(seconds, 3),
            "reaches": row.reaches,
        }  # fmt: skip

    def _called(self, row, arguments, subject):
        """Return the exit code (a text where something else than an exit came out), and what went to both streams."""
        streams = [self._output / name for name in ("stdout", "stderr")]
        kept = [os.dup(number) for number in (1, 2)]
        python = sys.stdout, sys.stderr, sys.stdin, list(sys.argv), list(sys.path), dict(os.environ)
        for number, path in enumerate(streams, 1):
            opened = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
            os.dup2(opened, number)
            os.close(opened)
        sys.stdout = open(1, "w", encoding="utf-8", errors="strict", closefd=False)
        sys.stderr = open(2, "w", encoding="utf-8", errors="backslashreplace", closefd=False)
        sys.stdin = open(os.devnull)
        os.chdir(self._folder)
        try:
            code = self._guarded(row, arguments, subject)
        finally:
            for stream in (sys.stdout, sys.stderr):
                with suppress(OSError, ValueError):
                    stream.flush()
            sys.stdout, sys.stderr, sys.stdin, sys.argv[:], sys.path[:], environment = python
            for number, old in enumerate(kept, 1):
                os.dup2(old, number)
                os.close(old)
            os.environ.clear()
            os.environ.update(environment)
            os.chdir(self._places["home"])
        gc.collect()
        return code, [path.read_text("utf-8", "backslashreplace") for path in streams]

    def _guarded(self, row, arguments, subject):
        """Call it, armed and limited; return the exit code or how it ended otherwise."""
        from diagnose.cli import main as entry
        from diagnose.cli.common.exit_codes import exit_code_of
        from diagnose.errors import DiagnoseError

        try:
            with limited(self._guard.note), self._guard.armed():
                if arguments is None:
                    row.command(subject)
                else:
                    sys.argv[:] = ["diagnose", *arguments]
                    entry()
        except DiagnoseError as error:
            return exit_code_of(error) if arguments is None else f"{type(error).__name__} left the entry"
        except SystemExit as end:
            return end.code or 0
        except Hung:
            return "hung"
        except BaseException as error:
            return f"{type(error).__name__}: {_short(str(error))}{_place(error)}"
        return 0

    def _judged(self, row, code, said):
        faults = []
        if code == "hung":
            pass  # noted already
        elif isinstance(code, str):
            faults.append(f"traceback: {code}")
        elif code not in (0, 1, 2, 3):
            faults.append(f"exit code {code}")
        elif row.refused and code not in (2, 3):
            faults.append(f"exit code {code}, but the input is wrong")
        elif row.reaches and code == 3:
            faults.append(f"one claim ended the whole report: {said[1][-SHOWN:]}")
        if "defect of diagnose" in said[1].lower() or "Traceback (most recent call last)" in said[1]:
            faults.append(f"traceback: it is called a defect of diagnose: {said[1][-SHOWN:]}")
        said = [*said, *_written(self._folder)]
        if row.file and (shown := sorted({hex(ord(char)) for char in HIDDEN if char in "".join(said)})):
            faults.append(f"hidden characters were printed: {', '.join(shown)}")
        faults += [f"it injects into a probe: {wrong}" for probe in self._guard.probes for wrong in _injected(probe)]
        return faults


def _written(folder):
    """Return the texts of the reports that a command wrote."""
    files = [path for path in sorted(folder.glob("out*")) if path.is_file()] + sorted(folder.glob("out/*"))
    suffixes = (".md", ".html", ".json")
    return [path.read_text("utf-8", "backslashreplace") for path in files if path.suffix in suffixes and path.is_file()]


def _injected(arguments):
    """Return the options of a probe that its caller never asked for, which a MODEL text or a recipe put there."""
    from typer.main import get_command

    from diagnose.cli import app

    command = get_command(app).commands["probe"]
    try:
        parsed = command.make_context("probe", list(arguments), resilient_parsing=False).params
    except BaseException as error:  # click's own usage errors, too
        return [f"{type(error).__name__}: {_short(str(error))} {arguments!r:.200}"]
    asked = [name for name in ("output", "download", "ray", "tensorboard", "width") if parsed.get(name)]
    return [f"{name} = {parsed[name]} in {arguments!r:.300}" for name in asked]


def _placed(row, content, folder):
    """Write a content into its file and return the file's name; a content without a file is its own subject."""
    if not row.file:
        return content
    path = folder / row.file
    path.unlink(missing_ok=True)
    if callable(content):
        content(path)
    elif isinstance(content, bytes):
        path.write_bytes(content)
    else:
        path.write_text(content, "utf-8", "surrogatepass")
    return row.file


def _place(error):
    """Return where in diagnose an error passed last."""
    frames = [
        frame for frame in traceback.extract_tb(error.__traceback__) if f"{os.sep}diagnose{os.sep}" in frame.filename
    ]
    return f" ({Path(frames[-1].filename).name}:{frames[-1].lineno} {frames[-1].name})" if frames else ""


def _short(value):
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}… ({len(text):,} characters)"


def _removed(path):
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    elif path.name != "here":
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    main()
