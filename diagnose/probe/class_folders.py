"""A class-folder tree, `train/CLASS/IMAGE` and `test/CLASS/IMAGE`, decoded once into a cache keyed by its content."""

from __future__ import annotations

from hashlib import sha256
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from diagnose.errors import DiagnoseError
from diagnose.probe.image_cache import Splits, read, write
from diagnose.probe.images import Images

FORMAT = b"diagnose images 1"
"""Part of every key: another way of decoding is another cache."""

CIFAR10 = frozenset(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
LOSSY = (".jpg", ".jpeg")


def class_folders(root: Path, cache: Path) -> Images:
    """Return the images of a tree; the first call decodes them, later ones read the cache.

    Raises:
        DiagnoseError: a file is no image, truncated, or of another size than the others; it is named.
    """
    classes = _classes(root)
    files = {split: [(path, label) for label, name in enumerate(classes) for path in _files(root / split / name)]
             for split in ("train", "test")}  # fmt: skip
    for split, found in files.items():
        if not found:
            raise DiagnoseError(f"There are no images in {root / split}.")
    content = {path: path.read_bytes() for found in files.values() for path, _ in found}
    digest = sha256(FORMAT)
    for path, data in content.items():
        digest.update(f"{path.relative_to(root)}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
    key = digest.hexdigest()
    splits = read(cache / f"{key}.npz") or _decoded(files, content, cache / f"{key}.npz")
    return Images(_name(root, classes, files["train"]), key, classes, *splits)


def _classes(root: Path) -> tuple[str, ...]:
    names = {
        split: sorted(entry.name for entry in (root / split).iterdir() if entry.is_dir() and entry.name[0] != ".")
        for split in ("train", "test")
        if (root / split).is_dir()
    }
    if names.get("train") != names.get("test"):
        raise DiagnoseError(
            f"{root} does not have the same class folders in train/ and test/.",
            hint=f"In train/: {', '.join(names.get('train', [])) or 'none'}; "
            f"in test/: {', '.join(names.get('test', [])) or 'none'}.",
        )
    return tuple(names["train"])


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.name[0] != ".")


def _name(root: Path, classes: tuple[str, ...], files: list[tuple[Path, int]]) -> str:
    """Return what the numbers stand on: JPEG is lossy, so a copy in it is never called by the bare name."""
    lossy = files[0][0].suffix.lower() in LOSSY
    if lossy and frozenset(classes) == CIFAR10:
        return "a JPEG copy of CIFAR-10"
    return f"the {'JPEG ' if lossy else ''}images of {root.name}"


def _decoded(files: dict[str, list[tuple[Path, int]]], content: dict[Path, bytes], kept: Path) -> Splits:
    """Decode every image, keep the result in one atomic step, and return it."""
    arrays: list[NDArray[Any]] = []
    side: tuple[int, int] | None = None
    for found in files.values():
        images = []
        for path, _ in found:
            image = _image(path, content[path])
            side = side or image.shape[:2]
            if image.shape[:2] != side:
                raise DiagnoseError(f"{path} is {_size(image.shape)}, but the images before it are {_size(side)}.")
            images.append(image)
        arrays += [np.stack(images), np.array([label for _, label in found], dtype=np.int64)]
    train_images, train_labels, test_images, test_labels = arrays
    splits: Splits = (train_images, train_labels, test_images, test_labels)
    write(kept, splits)
    return splits


def _image(path: Path, data: bytes) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise DiagnoseError(f"{path} is no image.", hint="A class folder holds images alone.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise DiagnoseError(f"{path} is broken: {error}.", hint="Nothing is trained on partial data.") from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]} pixels"
