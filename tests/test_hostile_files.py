"""Files that would fill the memory or be waited for without end, wherever one may be named."""

import gzip
import io
import json
import os
import tarfile
import zipfile

import numpy as np
import pytest
import torch

from diagnose.case.cache import _digest
from diagnose.case.case import load as load_case
from diagnose.case.trials.stored_trials import digest, journals_in, kept_in
from diagnose.diff.weights import checkpoint_file
from diagnose.diff.weights.checkpoint import read as read_checkpoint
from diagnose.errors import DiagnoseError
from diagnose.networks import build, digest_of_code
from diagnose.probe.data import arrays, class_folders, load_images
from diagnose.probe.trial.journal import Journal
from diagnose.recipes import load as load_recipe


@pytest.fixture(params=["pipe", "device", "folder", "dangling", "loop"])
def odd(request, tmp_path):
    """A function that puts something that is no regular file at a path."""

    def put(path):
        makers = {"pipe": os.mkfifo, "folder": os.mkdir}
        links = {"device": "/dev/zero", "dangling": "nowhere", "loop": path.name}
        if request.param in makers:
            makers[request.param](path)
        else:
            path.symlink_to(links[request.param])
        return path

    return put


def refused(read, *arguments):
    with pytest.raises(DiagnoseError) as caught:
        read(*arguments)
    assert len(caught.value.message) < 600
    return caught.value.message


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("case.toml", lambda path: load_case(str(path))),
        ("recipe.toml", lambda path: load_recipe(str(path))),
        ("config.py", lambda path: load_recipe(str(path))),
        ("config.py", lambda path: build(f"mmpretrain:{path}")),
        ("net.py", lambda path: build(f"{path}:net")),
        ("trials.json", kept_in),
        ("weights.pt", read_checkpoint),
        ("weights.safetensors", read_checkpoint),
        ("images.npz", arrays.arrays),
        ("images.npz", lambda path: load_images.load_images(str(path))),
        ("images.tar", lambda path: load_images.load_images(str(path))),
        ("images.zip", lambda path: load_images.load_images(str(path))),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_regular_file_is_refused(odd, tmp_path, name, read):
    refused(read, odd(tmp_path / name))


def test_code_and_files_that_cannot_be_read_have_a_digest(odd, tmp_path):
    path = odd(tmp_path / "net.py")
    assert digest_of_code(f"{path}:net")
    assert _digest(path) == "unreadable"


@pytest.mark.parametrize("name", ["trial.json", "status", "journal.jsonl"])
def test_a_journal_of_odd_files_is_skipped(odd, tmp_path, name):
    folder = tmp_path / "trial"
    folder.mkdir()
    (folder / "trial.json").write_text("{}") if name != "trial.json" else None
    odd(folder / name)
    assert journals_in(tmp_path).runs == ()
    assert digest(tmp_path)
    assert Journal(folder).state() is None


@pytest.mark.parametrize("number", ["9" * 400, "9" * 5_000, "1e999"])
def test_trials_of_endless_numbers_are_refused(tmp_path, number):
    path = tmp_path / "trials.json"
    path.write_text(f'{{"schema": "diagnose.trials/1", "arms": [{{"trial": {{}}, "seeds": [{{"seed": {number}}}]}}]}}')
    assert "holds no trials" in refused(kept_in, path)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("case.toml", lambda path: load_case(str(path))),
        ("recipe.toml", lambda path: load_recipe(str(path))),
        ("net.py", lambda path: build(f"{path}:net")),
        ("config.py", lambda path: build(f"mmpretrain:{path}")),
        ("trials.json", kept_in),
        ("train_images.npy", arrays.arrays),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_file_of_a_terabyte_is_refused(tmp_path, name, read):
    with (tmp_path / name).open("wb") as file:
        file.truncate(1 << 40)
    assert "is longer than" in refused(read, tmp_path / name)


def test_a_part_of_cifar10_of_a_terabyte_is_refused(tmp_path):
    with (tmp_path / "cifar-10-python.tar.gz").open("wb") as file:
        file.truncate(1 << 40)
    assert "is longer than" in refused(load_images.load_images, f"cifar10:{tmp_path}")


def test_a_packed_checkpoint_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(checkpoint_file, "MOST_UNPACKED", 1 << 20)
    plain, packed = tmp_path / "plain.pt", tmp_path / "packed.pt"
    torch.save({"weight": torch.zeros(1 << 20)}, plain)
    with zipfile.ZipFile(plain) as source, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as target:
        for part in source.infolist():
            target.writestr(part.filename, source.read(part))
    assert packed.stat().st_size < 1 << 16
    assert "is packed" in refused(read_checkpoint, packed)
    assert read_checkpoint(plain).state["weight"].shape == (1 << 20,)


# ---------------------------------------------------------------------------------------------- images


def header(shape, dtype="|u1"):
    held = io.BytesIO()
    np.lib.format.write_array_header_1_0(held, {"descr": dtype, "fortran_order": False, "shape": shape})
    return held.getvalue()


HEADERS = [header((10**12,)), header((2**62, 2**62)), header((10**9, 1), "<f8"), header((-5, 3))]


@pytest.mark.parametrize("content", HEADERS)
def test_an_array_that_is_larger_than_its_file_is_refused(tmp_path, content):
    for name in arrays.NAMES:
        (tmp_path / f"{name}.npy").write_bytes(content)
    assert "cannot read" in refused(arrays.arrays, tmp_path)
    with zipfile.ZipFile(tmp_path / "images.npz", "w") as archive:
        for name in arrays.NAMES:
            archive.writestr(f"{name}.npy", content)
    assert "cannot read" in refused(arrays.arrays, tmp_path / "images.npz")


def test_packed_arrays_that_would_fill_the_memory_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(arrays, "WHOLE", 1 << 20)
    np.savez_compressed(tmp_path / "images.npz", **dict.fromkeys(arrays.NAMES, np.zeros(1 << 20, np.uint8)))
    assert (tmp_path / "images.npz").stat().st_size < 1 << 14
    assert "larger than a set" in refused(arrays.arrays, tmp_path / "images.npz")


def test_a_packed_zip_that_would_fill_the_memory_is_refused_by_what_it_declares(tmp_path, monkeypatch):
    monkeypatch.setattr(class_folders, "WHOLE", 1 << 20)
    with zipfile.ZipFile(tmp_path / "images.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("elsewhere/zeros", bytes(2 << 20))
    assert "larger than a set" in refused(
        load_images.load_images,
        str(tmp_path / "images.zip"),
    )


@pytest.mark.parametrize("name", ["train/ant/0.png", "elsewhere/zeros"])
def test_a_packed_tar_that_would_fill_the_memory_is_refused(tmp_path, monkeypatch, name):
    monkeypatch.setattr(class_folders, "WHOLE", 1 << 20)
    with tarfile.open(tmp_path / "images.tar.gz", "w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = 2 << 20
        archive.addfile(member, io.BytesIO(bytes(2 << 20)))
    assert "larger than a set" in refused(load_images.load_images, str(tmp_path / "images.tar.gz"))


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_tar_with_an_endless_name_is_refused_before_the_name_is_read(tmp_path, kind):
    member = tarfile.TarInfo("name")
    member.type, member.size = kind, 1 << 40
    with gzip.open(tmp_path / "images.tgz", "wb") as file:
        file.write(member.tobuf(tarfile.GNU_FORMAT) + bytes(1 << 20))
    assert "a name or notes of" in refused(load_images.load_images, str(tmp_path / "images.tgz"))


def test_many_small_files_of_large_images_are_refused(tmp_path, monkeypatch):
    from PIL import Image

    monkeypatch.setattr(class_folders, "WHOLE", 1 << 20)
    for split in ("train", "test"):
        (tmp_path / split / "ant").mkdir(parents=True)
        for index in range(4):
            Image.new("RGB", (512, 512)).save(tmp_path / split / "ant" / f"{index}.png")
    refusal = refused(lambda: load_images.load_images(str(tmp_path), cache=tmp_path / "cache"))
    assert "larger than a set" in refusal


def test_a_plain_report_of_trials_is_still_read(tmp_path):
    (tmp_path / "trials.json").write_text(json.dumps({"schema": "diagnose.trials/1", "arms": []}))
    assert kept_in(tmp_path / "trials.json").runs == ()
