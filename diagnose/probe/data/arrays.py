"""Images from NumPy's files: one .npz, or a folder of four .npy; never pickled objects."""

from __future__ import annotations

import os
import zipfile
from hashlib import sha256
from math import prod
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np
from numpy.typing import NDArray

from diagnose.errors import CannotRun, DiagnoseError
from diagnose.files import open_regular
from diagnose.probe.data.images import Images
from diagnose.probe.data.load_images import WHOLE

NAMES = ("train_images", "train_labels", "test_images", "test_labels")


def arrays(path: Path) -> Images:
    """Return the images of a .npz or of the folder in which a .npy stands.

    Images are uint8, (N, H, W), (N, H, W, 1 or 3) or (N, 1 or 3, H, W); labels are integers from 0.

    Raises:
        DiagnoseError: an array is missing, of the wrong type or shape, or pickled; it is named.
    """
    found = _npz(path) if path.suffix == ".npz" else _npy(path if path.is_dir() else path.parent)
    images = {split: _images(path, f"{split}_images", found[f"{split}_images"]) for split in ("train", "test")}
    labels = {split: _labels(path, split, found[f"{split}_labels"], len(images[split])) for split in ("train", "test")}
    if images["train"].shape[1:] != images["test"].shape[1:]:
        raise CannotRun(f"{path}: the training images are not as large as the test images.")
    count = int(max(labels["train"].max(), labels["test"].max())) + 1
    if lowest := int(min(labels["train"].min(), labels["test"].min())):
        raise CannotRun(f"{path}: the labels go from {lowest} to {count - 1}, expected classes from 0.")
    digest = sha256()
    for split in ("train", "test"):
        digest.update(images[split].tobytes() + labels[split].tobytes())
    classes = tuple(f"class {index}" for index in range(count))
    return Images(
        f"the images of {path.name}",
        digest.hexdigest(),
        classes,
        images["train"],
        labels["train"],
        images["test"],
        labels["test"],
    )


def _npz(path: Path) -> dict[str, NDArray[np.generic]]:
    try:
        with open_regular(path, "images") as opened, zipfile.ZipFile(opened) as file:
            there = set(file.namelist())
            missing = [name for name in NAMES if f"{name}.npy" not in there]
            if missing:
                raise CannotRun(f"{path} has no array {missing[0]}.", hint=f"It needs {', '.join(NAMES)}.")
            members = [file.getinfo(f"{name}.npy") for name in NAMES]
            _refuse_large(path, sum(member.file_size for member in members))
            return {name: _read(file, member) for name, member in zip(NAMES, members, strict=True)}
    except (OSError, ValueError, EOFError, NotImplementedError, RuntimeError, MemoryError, zipfile.BadZipFile) as error:
        raise _unreadable(path, error) from error


def _npy(folder: Path) -> dict[str, NDArray[np.generic]]:
    found = {}
    for name in NAMES:
        path = folder / f"{name}.npy"
        try:
            with open_regular(path, "array", most=WHOLE) as file:
                held = os.fstat(file.fileno()).st_size
                _refuse_large(path, _declared(file, held))
                file.seek(0)
                found[name] = np.lib.format.read_array(file, allow_pickle=False)
        except (OSError, ValueError, EOFError, MemoryError) as error:
            raise _unreadable(path, error) from error
    return found


def _read(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> NDArray[np.generic]:
    with archive.open(member) as file:
        _declared(file, member.file_size)
    with archive.open(member) as file:
        array: NDArray[np.generic] = np.lib.format.read_array(file, allow_pickle=False)
    return array


def _declared(file: IO[bytes], held: int) -> int:
    """Return how many bytes the array has by its header; the file must hold (`held`) as many.

    Raises:
        ValueError: there is no such header, or there are fewer bytes.
    """
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    try:
        shape, _, dtype = read(file)
    except (TokenError, OverflowError) as error:  # what NumPy lets through of a header that lies
        raise ValueError(f"its header cannot be read: {error}") from error
    declared = prod(map(int, shape)) * dtype.itemsize
    if declared > held or min(shape, default=0) < 0:
        raise ValueError(f"it declares an array of {declared:,} bytes and holds {held:,}")
    return declared


def _refuse_large(path: Path, held: int) -> None:
    if held > WHOLE:
        raise CannotRun(f"{path} is larger than a set of small images is.", hint=f"It may hold {WHOLE:,} bytes.")


def _unreadable(path: Path, error: Exception) -> DiagnoseError:
    """Return the error of a file, without NumPy's advice to load pickled objects all the same."""
    foreign = isinstance(error, zipfile.BadZipFile) or (isinstance(error, ValueError) and "magic" in str(error))
    pickled = isinstance(error, ValueError) and "Object arrays" in str(error)
    why = "it is no file of NumPy's, or holds pickled objects, which are never read" if foreign or pickled else error
    return CannotRun(f"cannot read {path}: {why}.", hint=f"Needed are {', '.join(NAMES)}.")


def _images(path: Path, name: str, array: NDArray[np.generic]) -> NDArray[np.uint8]:
    if array.dtype != np.uint8 or array.ndim not in (3, 4) or 0 in array.shape:
        raise CannotRun(f"{path}: {name} is {array.dtype} {array.shape}, expected uint8 (N, H, W, 3).")
    images = array if array.ndim == 4 else array[..., None]
    if images.shape[3] not in (1, 3) and images.shape[1] in (1, 3):
        images = images.transpose(0, 2, 3, 1)
    if images.shape[3] not in (1, 3):
        raise CannotRun(f"{path}: {name} has {array.shape[-1]} channels, expected 1 or 3.")
    return np.ascontiguousarray(np.broadcast_to(images, (*images.shape[:3], 3)), dtype=np.uint8)


def _labels(path: Path, split: str, array: NDArray[np.generic], count: int) -> NDArray[np.int64]:
    name = f"{split}_labels"
    if not np.issubdtype(array.dtype, np.integer) or array.reshape(-1).shape != (count,):
        raise CannotRun(f"{path}: {name} is {array.dtype} {array.shape}, expected {count:,} integers.")
    labels = array.reshape(-1).astype(np.int64)
    if labels.min() < 0 or labels.max() >= 100_000:
        raise CannotRun(f"{path}: {name} goes from {labels.min()} to {labels.max()}, expected classes from 0.")
    return labels
