"""The arguments and options that commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from diagnose.errors import Option, UsageError


class Format(StrEnum):
    """How a result is written."""

    TERMINAL = "terminal"
    JSON = "json"
    MARKDOWN = "markdown"
    HTML = "html"


class By(StrEnum):
    """What a row of a table stands for."""

    STAGE = "stage"
    KIND = "kind"
    BLOCK = "block"
    LAYER = "layer"


MOST_SEED = 2**32 - 1
"""Largest seed, which every library takes."""


def place(text: str) -> Path:
    """Return the path of a file or a folder; an empty one would be the folder that one stands in."""
    if not text:
        raise UsageError("The path of a file is empty.", hint="Name a file, or leave the option out.")
    if text.startswith("="):  # what a short option makes of -o=PATH
        raise UsageError(f"The path {text!r} begins with =.", hint=f"Write -o {text[1:] or 'PATH'}, or --output=PATH.")
    return Path(text)


def flag(option: Option) -> str:
    """Return an option as it is typed: --micro-batch 64."""
    name = "--input" if option.name == "inputs" else f"--{option.name.replace('_', '-')}"
    return name if option.value in (None, True) else f"{name} {option.value}"


OUTPUT_PANEL = "Output"
"""The group of --help in which the options stand that every command shares."""

Model = Annotated[
    str,
    typer.Argument(
        metavar="MODEL",
        help="An alias (`diagnose models` lists them) or source:name(key=value, …): torchvision:resnet50, "
        "mmpretrain:resnet18_8xb16_cifar10, timm:resnet18, path/to/file.py:factory(depth=20), package.module:Class.",
    ),
]
OutputFormat = Annotated[
    Format | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="terminal, json, markdown or html; else by the suffix of --output, else terminal.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
Output = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        parser=place,
        metavar="PATH",
        help="Where the result is written; - is stdout.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
Quiet = Annotated[
    bool,
    typer.Option("--quiet", "-q", help="No progress and no warnings on stderr.", rich_help_panel=OUTPUT_PANEL),
]
Input = Annotated[
    list[str] | None,
    typer.Option(
        "--input",
        metavar="[NAME=]SHAPE[:TYPE]",
        help="The input of a forward pass, the batch first: 1x3x32x32, 1x128:int64; by its name where it is a keyword, "
        "mask=1x128:bool, or stands in a dictionary, batch.mask=1x128:bool. Repeat it for several inputs.",
    ),
]
Seed = Annotated[
    int | None,
    typer.Option("--seed", min=0, max=MOST_SEED, help="Seed of a model that draws random numbers while it is built."),
]
Strict = Annotated[bool, typer.Option("--strict", help="End with 1 where a reported number is not met.")]
