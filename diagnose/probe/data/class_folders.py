"""A class-folder tree, `train/CLASS/IMAGE` and `test/CLASS/IMAGE`, or a tar or zip of one, decoded once into a cache.

Nothing of an archive is unpacked onto the disk: its images are read from it, one after the other.
"""

from __future__ import annotations

import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from hashlib import sha256
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from diagnose.errors import CannotRun
from diagnose.files import read_bytes
from diagnose.probe.data.image_cache import Splits, read, write
from diagnose.probe.data.images import Images
from diagnose.probe.data.load_images import WHOLE

FORMAT = b"diagnose images 2"
"""Part of every key: another way of decoding is another cache."""

ARCHIVES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz", ".zip")
SPLITS = ("train", "test")

CIFAR10 = frozenset(["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"])
LOSSY = (".jpg", ".jpeg")

MOST_PIXELS = 1 << 22
"""Most pixels of one image: a small file can hold a huge image."""

LARGEST = 64 << 20
"""Most bytes of one file."""

MOST_FILES = 1_000_000

LONGEST_NAME = 1 << 20
"""Most bytes of a tar's notes on one file, such as a long name: Python reads them at once."""

_TELLING = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)

UNREADABLE = (
    OSError,
    EOFError,
    RuntimeError,  # an encrypted zip, or a way of packing that Python does not know
    tarfile.TarError,
    zipfile.BadZipFile,
    lzma.LZMAError,
    zlib.error,
)

Files = dict[str, bytes]
"""From "SPLIT/CLASS/NAME" to a file's content, in order of names."""


def class_folders(root: Path, cache: Path) -> Images:
    """Return the images of a tree; the first call decodes them, later ones read the cache.

    Raises:
        DiagnoseError: a file is no image, truncated, or of another size than the others; it is named.
    """
    files = dict(sorted(_read(root).items()))
    classes = _classes(root, files)
    digest = sha256(FORMAT)
    for name, data in files.items():
        digest.update(f"{name}\0{len(data)}\0".encode("utf-8", "surrogateescape") + data)
    key = digest.hexdigest()
    splits = read(cache / f"{key}.npz") or _decoded(root, files, classes, cache / f"{key}.npz")
    return Images(_name(root, classes, files), key, classes, *splits)


# ---------------------------------------------------------------------------------------------- reading


def _read(root: Path) -> Files:
    """Return the files of a tree or an archive by their place in the tree, hidden ones left out."""
    found: Files = {}
    files = _in_folder(root) if root.is_dir() else _in_zip(root) if zipfile.is_zipfile(root) else _in_tar(root)
    held = 0
    try:
        for name, data in files:
            held += len(data)
            if len(data) > LARGEST:
                raise CannotRun(f"{root}: {name} makes it larger than a set of small images is.")
            _refuse_large(root, held, len(found))
            if name in found:
                raise CannotRun(f"{root} holds {name} twice.", hint="It must hold one tree.")
            found[name] = data
    except UNREADABLE as error:
        said = str(error).partition("\n")[0].rstrip(":.")
        raise CannotRun(f"cannot read {root}: {said}.", hint="Nothing is trained on partial data.") from error
    return found


def _refuse_large(root: Path, held: int, files: int) -> None:
    """Refuse more bytes or files than a set of small images has, by what an archive says of itself."""
    if held > WHOLE or files > MOST_FILES:
        raise CannotRun(
            f"{root} is larger than a set of small images is: {held:,} bytes in {files:,} files.",
            hint=f"It may hold {WHOLE:,} bytes and {MOST_FILES:,} files.",
        )


def _in_folder(root: Path) -> Iterator[tuple[str, bytes]]:
    for split in SPLITS:
        for folder in sorted((root / split).iterdir()) if (root / split).is_dir() else ():
            for path in sorted(folder.iterdir()) if folder.is_dir() and folder.name[0] != "." else ():
                if path.name[0] == ".":
                    continue
                data = read_bytes(path, "image", most=LARGEST, hint="A class folder holds images alone.")
                yield f"{split}/{folder.name}/{path.name}", data


class _Member(tarfile.TarInfo):
    """A file of a tar, or the tar's notes on the next file, which must not fill the memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _TELLING and member.size > LONGEST_NAME:
            raise CannotRun(f"A file in the tar has a name or notes of {member.size:,} bytes.")
        return member


def _in_tar(root: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(root, tarinfo=_Member) as archive:
        held = 0
        for count, member in enumerate(archive):
            held += member.size  # also of what is passed over, which is unpacked for it
            _refuse_large(root, held, count)
            name = _place(member.name)
            if name is None or member.isdir():
                continue
            file = archive.extractfile(member) if member.isreg() else None
            if file is None:
                raise CannotRun(f"{root}: {member.name} is no image.", hint="A class folder holds images alone.")
            yield name, file.read(LARGEST + 1)


def _in_zip(root: Path) -> Iterator[tuple[str, bytes]]:
    with zipfile.ZipFile(root) as archive:
        members = archive.infolist()
        _refuse_large(root, sum(member.file_size for member in members), len(members))
        for member in members:
            name = _place(member.filename)
            if name is not None and not member.is_dir():
                with archive.open(member) as file:
                    yield name, file.read(LARGEST + 1)


def _place(name: str) -> str | None:
    """Return "SPLIT/CLASS/NAME" of a path in an archive, at any depth; None where it is none, or hidden."""
    parts = PurePosixPath(name).parts[-3:]
    return "/".join(parts) if len(parts) == 3 and parts[0] in SPLITS and "." not in (parts[1][0], parts[2][0]) else None


def _classes(root: Path, files: Files) -> tuple[str, ...]:
    names = {split: sorted({name.split("/")[1] for name in files if name.startswith(f"{split}/")}) for split in SPLITS}
    for split, found in names.items():
        if not found:
            raise CannotRun(
                f"There are no images in {root / split}.", hint="It needs train/CLASS/IMAGE and test/CLASS/IMAGE."
            )
    if names["train"] != names["test"]:
        raise CannotRun(
            f"{root} does not have the same class folders in train/ and test/.",
            hint=f"In train/: {_few(names['train'])}; in test/: {_few(names['test'])}.",
        )
    return tuple(names["train"])


def _few(names: list[str]) -> str:
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")


# --------------------------------------------------------------------------------------------- decoding


def _name(root: Path, classes: tuple[str, ...], files: Files) -> str:
    """Return the name of the images: JPEG is lossy, so a JPEG copy of a data set never has its bare name."""
    lossy = any(PurePosixPath(name).suffix.lower() in LOSSY for name in files)
    if lossy and frozenset(classes) == CIFAR10:
        return "a JPEG copy of CIFAR-10"
    return f"the {'JPEG ' if lossy else ''}images of {root.name}"


def _decoded(root: Path, files: Files, classes: tuple[str, ...], kept: Path) -> Splits:
    """Decode every image, keep the result in one atomic step, and return it."""
    images: dict[str, list[NDArray[np.uint8]]] = {split: [] for split in SPLITS}
    labels: dict[str, list[int]] = {split: [] for split in SPLITS}
    side: tuple[int, ...] | None = None
    for name, data in files.items():
        split, label, _ = name.split("/")
        image = _image(root / name, data)
        side = side or image.shape[:2]
        if image.shape[:2] != side:
            raise CannotRun(f"{root / name} is {_size(image.shape)}, but the images before it are {_size(side)}.")
        _refuse_large(root, len(files) * image.nbytes, len(files))
        images[split].append(image)
        labels[split].append(classes.index(label))
    arrays: list[NDArray[Any]] = []
    for split in SPLITS:
        arrays += [np.stack(images[split]), np.array(labels[split], dtype=np.int64)]
    train_images, train_labels, test_images, test_labels = arrays
    splits: Splits = (train_images, train_labels, test_images, test_labels)
    write(kept, splits)
    return splits


def _image(path: Path, data: bytes) -> NDArray[np.uint8]:
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(BytesIO(data)) as image:
            if image.width * image.height > MOST_PIXELS:
                raise CannotRun(f"{path} has {image.width}×{image.height} pixels, more than a probe trains on.")
            return np.asarray(image.convert("RGB"))
    except UnidentifiedImageError as error:
        raise CannotRun(f"{path} is no image.", hint="A class folder holds images alone.") from error
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError, Warning) as error:
        raise CannotRun(f"{path} is broken: {error}.", hint="Nothing is trained on partial data.") from error


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}×{shape[0]} pixels"
