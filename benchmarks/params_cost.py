"""CPU time and memory of `diagnose params` and `--help`, as ratios to what they cannot do without.

Interleaved runs, medians of CPU time (user and system, of the child and what it starts). Run it on a quiet machine:
    ./run python benchmarks/params_cost.py [RUNS]
"""

from __future__ import annotations

import inspect
import os
import re
import statistics
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable
SCRIPT = str(Path(sys.executable).with_name("diagnose"))
DECODER = HERE / "decoder_7b.py"
# torch's kernels for the meta device are written in Python, and the first that runs imports torch._dynamo.
NEEDED = [PYTHON, "-c", "import torch, torch._dynamo"]
PREPARE = f"import sys; sys.path.insert(0, {str(HERE)!r}); import decoder_7b"


def cost(command: list[str]) -> tuple[float, float]:
    """Run a command and return its CPU time in seconds and its peak resident memory in megabytes."""
    child = os.fork()
    if child == 0:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.dup2(null, 2)
        os.execv(command[0], command)
    _, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"failed with {os.waitstatus_to_exitcode(status)}: {' '.join(command)[:200]}")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def bare_app() -> str:
    """Return the source of a Typer app with the real one's commands and options, which do nothing."""
    from diagnose.cli import app

    lines = ["from __future__ import annotations", "from enum import StrEnum", "from pathlib import Path",
             "from typing import Annotated, Optional", "import typer"]  # fmt: skip
    enums, commands = {}, []
    for command in app.registered_commands:
        signature = inspect.signature(command.callback, eval_str=True)
        arguments = []
        for name, parameter in signature.parameters.items():
            kind, option = parameter.annotation.__origin__, parameter.annotation.__metadata__[0]
            text = re.sub(r"<class '(?:[\w.]+\.)?(\w+)'>", r"\1", str(kind))
            text = re.sub(r"(?:\w+\.)+(\w+)", r"\1", text)
            for enum in (part for part in (kind, *getattr(kind, "__args__", ())) if hasattr(part, "__members__")):
                enums[enum.__name__] = {member.name: member.value for member in enum}
            call = "Option" if type(option).__name__ == "OptionInfo" else "Argument"
            declared = "".join(f"{flag!r}, " for flag in option.param_decls or ())
            default = "" if parameter.default is inspect.Parameter.empty else f" = {parameter.default!r}"
            arguments.append(f"    {name}: Annotated[{text}, typer.{call}({declared}help={option.help!r})]{default},")
        name = command.name or command.callback.__name__
        commands += [f"@app.command({name!r})", f"def {command.callback.__name__}_(", *arguments, ") -> None:",
                     f"    {(command.callback.__doc__ or '')!r}"]  # fmt: skip
    for enum, members in enums.items():
        lines += [f"class {enum}(StrEnum):", *(f"    {key} = {value!r}" for key, value in members.items())]
    start = ["app = typer.Typer(name='diagnose', no_args_is_help=True, add_completion=False)"]
    return "\n".join([*lines, *start, *commands, "app()"])


def measured(pairs: dict[str, tuple[list[str], list[str]]], runs: int) -> dict[str, tuple[float, float, float]]:
    """Return the medians of both CPU times of each pair and of the first's peak memory, from interleaved runs."""
    seen: dict[str, list[tuple[float, float, float]]] = {name: [] for name in pairs}
    for _ in range(runs):
        for name, (ours, base) in pairs.items():
            mine, memory = cost(ours)
            seen[name].append((mine, cost(base)[0], memory))
    return {name: tuple(map(statistics.median, zip(*rows, strict=True))) for name, rows in seen.items()}


def not_loaded(arguments: list[str], modules: tuple[str, ...]) -> str:
    """Return which of the modules a command has loaded when it is done."""
    code = (
        "import sys\nfrom diagnose.cli import main\n"
        f"sys.argv = ['diagnose', *{arguments!r}]\n"
        "try:\n    main()\nexcept SystemExit:\n    pass\n"
        f"sys.exit(bool(set({modules!r}) & set(sys.modules)))"
    )
    try:
        cost([PYTHON, "-c", code])
    except SystemExit:
        return f"loads one of {', '.join(modules)}"
    return f"loads no {', '.join(modules)}"


def main() -> None:
    """Measure and print the table."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 5
    with tempfile.NamedTemporaryFile("w", suffix=".py") as bare:
        bare.write(bare_app())
        bare.flush()
        decoder = f"{DECODER}:Decoder"
        peer = f"{PREPARE}; import torchinfo; torchinfo.summary(decoder_7b.on_meta(), verbose=0)"
        pairs = {
            "--help, to a bare Typer app's": ([SCRIPT, "--help"], [PYTHON, bare.name, "--help"]),
            "params --help, to the same": ([SCRIPT, "params", "--help"], [PYTHON, bare.name, "params", "--help"]),
            "params torch, to importing torch and torchvision": (
                [SCRIPT, "params", "torch"],
                [PYTHON, "-c", "import torch, torchvision"],
            ),
            "params of a 7-billion decoder, to importing what it needs": (
                [SCRIPT, "params", decoder, "--input", "1x128:int64"],
                NEEDED,
            ),
            "the same, to importing torch alone": (
                [SCRIPT, "params", decoder, "--input", "1x128:int64"],
                [PYTHON, "-c", "import torch"],
            ),
            "torchinfo on the same decoder, to importing what it needs": ([PYTHON, "-c", peer], NEEDED),
        }
        limits = ("1.3", "1.3", "1.15", "1.5, 1500 MB", "none", "the peer")
        print(f"{'':58}  CPU s  base s  ratio  peak MB  limit")
        for (name, (ours, base, memory)), limit in zip(measured(pairs, runs).items(), limits, strict=True):
            print(f"{name:58} {ours:6.2f} {base:7.2f} {ours / base:6.2f} {memory:8.0f}  {limit}")
    print("--help", not_loaded(["--help"], ("torch", "numpy")))
    print("params torch", not_loaded(["params", "torch", "--quiet"], ("mmpretrain", "mmengine", "timm")))


if __name__ == "__main__":
    main()
