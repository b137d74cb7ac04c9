"""The images of a probe, decoded once: `synthetic`, `cifar10[:ROOT]`, a class-folder tree or arrays."""

from __future__ import annotations

import os
import tarfile
from pathlib import Path

import numpy as np

from diagnose.errors import CannotRun, Option, UsageError, nearest
from diagnose.files import check_regular
from diagnose.probe.data.images import Images

WHOLE = 8 << 30
"""Most bytes of all images together, read and decoded: a small file can hold endless zeros."""

LARGEST_OF_CIFAR10 = 256 << 20
"""Most bytes of CIFAR-10's tar, which has 170 MB."""

CHOICES = (
    "synthetic (needs nothing), cifar10[:ROOT], a folder, tar or zip with train/CLASS/ and "
    "test/CLASS/, or arrays (.npz, or a folder of .npy) named train_images, train_labels, test_images, test_labels"
)


def load_images(text: str, *, download: bool = False, cache: Path | None = None) -> Images:
    """Return the images that a text names, whole or not at all.

    `cache` is the folder of decoded images, else `cache_folder()`.

    Raises:
        DiagnoseError: there are no such images (exit code 2), or one of them is broken, which is named (3).
    """
    cache = cache or cache_folder()
    kind, _, rest = text.partition(":")
    if kind == "synthetic":
        from diagnose.probe.data.synthetic import synthetic

        return synthetic(rest)
    if kind == "cifar10":
        return _cifar10(Path(rest) if rest else cache.parent / "cifar10", download=download)
    try:
        return _at(Path(text), cache)
    except (OSError, ValueError) as error:
        hint = nearest(text, ("synthetic", "cifar10")) or f"Images are {CHOICES}."
        raise UsageError(f"There are no images {text[:200]!r}.", hint=hint) from error


def _at(path: Path, cache: Path) -> Images:
    """Return the images of a folder or a file; raise FileNotFoundError where there is neither."""
    if (path.is_dir() and any((path / split).is_dir() for split in ("train", "test"))) or _is_archive(path):
        from diagnose.probe.data.class_folders import class_folders

        return class_folders(path, cache)
    if path.suffix in (".npz", ".npy") or (path / "train_images.npy").is_file():
        from diagnose.probe.data.arrays import arrays

        return arrays(path)
    raise FileNotFoundError(path)


def _is_archive(path: Path) -> bool:
    from diagnose.probe.data.class_folders import ARCHIVES

    if not path.name.lower().endswith(ARCHIVES) or not path.is_file():
        return False
    check_regular(path, "archive of images", most=WHOLE)
    return True


def cache_folder() -> Path:
    """Return the folder of decoded images, below XDG_CACHE_HOME or ~/.cache."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else Path.home() / ".cache") / "diagnose" / "images"


def journal_folder() -> Path:
    """Return the folder of a probe's journals where none is named, beside that of the images."""
    return cache_folder().parent / "probes"


def _cifar10(root: Path, *, download: bool) -> Images:
    """Return CIFAR-10 by torchvision, which checks its files' MD5 before it reads them.

    `root` is the folder that holds or shall hold it, or its tar, which is unpacked beside itself where it is whole.
    """
    from hashlib import sha256

    from torchvision.datasets import CIFAR10
    from torchvision.datasets.utils import check_integrity

    root = root.parent if root.name == CIFAR10.filename else root
    parts = (name for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], "")))
    for file in (root / CIFAR10.filename, *(root / CIFAR10.base_folder / part for part in parts)):
        if os.path.exists(file):  # noqa: PTH110 which says False of a name that is too long
            check_regular(file, "part of CIFAR-10", most=LARGEST_OF_CIFAR10)
    try:
        # With a whole tar at hand torchvision's "download" only unpacks it.
        download = download or check_integrity(root / CIFAR10.filename, CIFAR10.tgz_md5)
        train, test = (CIFAR10(root, train=train, download=download) for train in (True, False))
    except (RuntimeError, OSError, EOFError, tarfile.TarError) as error:
        absent = "download=True" in str(error)  # torchvision's advice is for a caller in Python
        why = "its files are missing or corrupted." if absent else error
        raise CannotRun(
            f"CIFAR-10 is not whole in {root}: {why}",
            hint=f"{{}} fetches it (170 MB); images are {CHOICES}.",
            options=(Option("download", True),),
        ) from error
    digest = sha256(train.data.tobytes() + test.data.tobytes()).hexdigest()
    labels = (np.asarray(split.targets, dtype=np.int64) for split in (train, test))
    return Images("CIFAR-10", digest, tuple(train.classes), train.data, next(labels), test.data, next(labels))
