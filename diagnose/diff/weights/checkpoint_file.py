"""The two kinds of files that checkpoints are kept in: torch's own archives, and safetensors."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from diagnose.errors import DiagnoseError, MissingDependency, UsageError, in_one_line
from diagnose.files import cannot_write, check_regular, replacing

MOST_UNPACKED = 1 << 30
"""The most bytes that the parts of a packed archive may have where they have more than the file."""


def is_safetensors(path: Path) -> bool:
    """Say whether a file is, or is to be, one of safetensors: a flat dictionary of tensors."""
    return path.suffix.lower() == ".safetensors"


def content_of(path: Path) -> object:
    """Read a checkpoint on the CPU, an archive with `weights_only=True`: tensors and plain values, and no code is run.

    Raises:
        DiagnoseError: the file cannot be read, is cut short, or holds more than tensors (exit code 2).
    """
    check_regular(path, "checkpoint")
    load = _safetensors().load_file if is_safetensors(path) else _archive
    try:
        _refuse_bomb(path)
        return load(path)
    except DiagnoseError:
        raise
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror or error}") from error
    except pickle.UnpicklingError as error:
        raise UsageError(
            f"{path} holds more than tensors, or is no checkpoint; it is not loaded",
            hint="Save the state dict alone: torch.save(model.state_dict(), path).",
        ) from error
    except Exception as error:  # a damaged archive or pickle may raise anything on its way
        raise UsageError(
            f"{path} is damaged or no checkpoint: {in_one_line(error)[:200]}",
            hint="Was it copied completely?",
        ) from error


def _refuse_bomb(path: Path) -> None:
    """Refuse an archive whose parts are larger unpacked than the file: torch packs nothing, but unpacks what is."""
    if not zipfile.is_zipfile(path):
        return
    with zipfile.ZipFile(path) as archive:
        unpacked = sum(part.file_size for part in archive.infolist())
    if unpacked > max(path.stat().st_size, MOST_UNPACKED):
        raise UsageError(
            f"{path} is packed: its parts come to {unpacked:,} bytes, more than a file of its size may hold.",
            hint="torch.save packs nothing; save the checkpoint anew.",
        )


class _Placeholder:
    """Stands for an object that is neither a tensor nor a plain value, such as a logger's history; it is dropped."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def _archive(path: Path) -> object:
    """Load an archive of torch's; where it names other classes or functions, each is replaced by one that does nothing.

    Trainers keep their own objects beside the state dict (mmengine the history of its logs).
    """
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError:
        try:
            foreign = torch.serialization.get_unsafe_globals_in_checkpoint(path)
        except ValueError:  # the format before archives
            foreign = []
        if not foreign:
            raise
    with torch.serialization.safe_globals([(_Placeholder, name) for name in foreign]):
        return torch.load(path, map_location="cpu", weights_only=True)


def save(content: Mapping[str, Any], path: Path) -> None:
    """Write a checkpoint all at once or not at all; into safetensors, a tensor that several names share goes in twice.

    Raises:
        DiagnoseError: the file cannot be written, or the disk is full.
    """
    try:
        with replacing(path) as file:
            if is_safetensors(path):
                apart = {name: tensor.clone(memory_format=torch.contiguous_format) for name, tensor in content.items()}
                file.write(_safetensors().save(apart, metadata={"format": "pt"}))
            else:
                torch.save(content, file)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        cause = error.__context__
        raise cannot_write(path, cause if isinstance(cause, OSError) else error) from error


def _safetensors() -> Any:
    try:
        import safetensors.torch
    except ImportError as error:
        raise MissingDependency("safetensors is not installed.", hint="pip install safetensors.") from error
    return safetensors.torch
