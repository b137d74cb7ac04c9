"""Images read whole or not at all, from every source, against arrays built by hand."""

import hashlib
import os
import pickle
import shutil
import tarfile
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from torchvision.datasets import CIFAR10

from diagnose.errors import DiagnoseError, Option, UsageError
from diagnose.probe.data.load_images import load_images

SHARED = Path(__file__).parents[3] / ".." / "shared" / "data" / "cifar10-jpeg.tar.xz"


@pytest.fixture
def tree(tmp_path):
    """A lossless tree: image i of class c is one colour, (20 c, i, 7)."""
    for split, count in (("train", 5), ("test", 2)):
        for label, name in enumerate(("ant", "bee")):
            folder = tmp_path / "tree" / split / name
            folder.mkdir(parents=True)
            for index in range(count):
                Image.new("RGB", (8, 8), (20 * label, index, 7)).save(folder / f"{index}.png")
    return tmp_path / "tree"


def test_a_class_folder_tree(tree, tmp_path):
    images = load_images(str(tree), cache=tmp_path / "cache")
    assert images.classes == ("ant", "bee")
    assert images.train_images.shape == (10, 8, 8, 3)
    assert images.train_labels.tolist() == [0] * 5 + [1] * 5
    assert images.train_images[7, 3, 3].tolist() == [20, 2, 7]
    assert images.test_images.shape == (4, 8, 8, 3)
    assert images.name == "the images of tree"


def test_the_cache_is_used_rebuilt_and_keyed_by_content(tree, tmp_path, monkeypatch):
    cache = tmp_path / "cache"
    first = load_images(str(tree), cache=cache)
    (kept,) = cache.iterdir()
    with monkeypatch.context() as patched:
        patched.setattr(Image, "open", lambda *_: pytest.fail("decoded again"))
        again = load_images(str(tree), cache=cache)
    assert again.key == first.key
    assert np.array_equal(again.train_images, first.train_images)
    kept.write_bytes(kept.read_bytes()[:100])
    assert np.array_equal(load_images(str(tree), cache=cache).train_images, first.train_images)
    Image.new("RGB", (8, 8), (1, 1, 1)).save(tree / "train" / "ant" / "0.png")
    changed = load_images(str(tree), cache=cache)
    assert changed.key != first.key
    assert changed.train_images[0, 0, 0].tolist() == [1, 1, 1]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (lambda data: data[: len(data) // 2], "is broken"),
        (lambda data: b"not an image", "is no image"),
        (lambda data: b"", "is no image"),
    ],
)
def test_a_broken_or_foreign_image_is_named_and_nothing_is_kept(tree, tmp_path, content, message):
    victim = tree / "test" / "bee" / "1.png"
    noise = np.random.RandomState(0).randint(0, 255, (8, 8, 3)).astype(np.uint8)
    Image.fromarray(noise).save(victim)
    victim.write_bytes(content(victim.read_bytes()))
    with pytest.raises(DiagnoseError, match=message) as caught:
        load_images(str(tree), cache=tmp_path / "cache")
    assert str(victim) in caught.value.message
    assert not (tmp_path / "cache").exists()


def test_an_image_of_another_size_is_named(tree, tmp_path):
    Image.new("RGB", (9, 8)).save(tree / "train" / "bee" / "4.png")
    with pytest.raises(DiagnoseError, match=r"bee/4.png is 9×8 pixels, but the images before it are 8×8"):
        load_images(str(tree), cache=tmp_path)


@pytest.fixture(params=["tar", "tar.gz", "tar.xz", "tar.bz2", "zip"])
def archive(request, tree):
    """The tree below a folder of its own, in an archive."""
    path = tree.parent / f"packed.{request.param}"
    files = [path for path in tree.rglob("*") if path.is_file()]
    if request.param == "zip":
        with zipfile.ZipFile(path, "w") as packed:
            for file in files:
                packed.write(file, Path("some", file.relative_to(tree)))
    else:
        with tarfile.open(path, f"w:{request.param.partition('.')[2]}") as packed:
            for file in files:
                packed.add(file, Path("some", file.relative_to(tree)))
    return path


def test_an_archive_of_a_tree_holds_the_same_images(tree, archive, tmp_path):
    packed, plain = (load_images(str(path), cache=tmp_path / "cache") for path in (archive, tree))
    assert packed.key == plain.key
    assert np.array_equal(packed.test_images, plain.test_images)
    assert packed.name == f"the images of {archive.name}"


def test_a_truncated_archive_is_named_and_nothing_is_kept(archive, tmp_path):
    data = archive.read_bytes()
    archive.write_bytes(data[: len(data) // 2])
    with pytest.raises(DiagnoseError) as caught:
        load_images(str(archive), cache=tmp_path / "cache")
    assert str(archive) in caught.value.message
    assert "\n" not in caught.value.message
    assert not (tmp_path / "cache").exists()


def _member(name, kind=tarfile.REGTYPE, content=b"", link=""):
    member = tarfile.TarInfo(name)
    member.type, member.size, member.linkname = kind, len(content), link
    return member, BytesIO(content)


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([_member("train/ant/link.png", tarfile.SYMTYPE, link="/etc/passwd")], "is no image"),
        ([_member("train/ant/pipe.png", tarfile.FIFOTYPE)], "is no image"),
        ([_member("../../train/ant/0.png", content=b"x"), _member("test/ant/0.png", content=b"x")], "is no image"),
        ([_member("a/train/ant/0.png"), _member("b/train/ant/0.png")], "twice"),
        ([_member("train/ant/0.png", content=bytes(65 << 20))], "larger than a set of small images"),
        ([_member("readme.txt", content=b"x")], "no images in"),
    ],
)
def test_a_hostile_archive_is_refused_and_writes_nothing(tmp_path, members, message):
    path = tmp_path / "in" / "hostile.tar.gz"
    path.parent.mkdir()
    with tarfile.open(path, "w:gz") as packed:
        for member, content in members:
            packed.addfile(member, content)
    before = set(tmp_path.rglob("*"))
    with pytest.raises(DiagnoseError, match=message):
        load_images(str(path), cache=tmp_path / "cache")
    assert set(tmp_path.rglob("*")) == before


def test_a_huge_image_is_refused_before_it_is_decoded(tree, tmp_path, monkeypatch):
    Image.new("RGB", (5000, 5000)).save(tree / "test" / "ant" / "!first.png")
    monkeypatch.setattr(Image.Image, "convert", lambda *_: pytest.fail("decoded"))
    with pytest.raises(DiagnoseError, match="5000×5000 pixels"):
        load_images(str(tree), cache=tmp_path / "cache")


@pytest.mark.parametrize("make", [lambda path: os.mkfifo(path), Path.mkdir, lambda path: path.symlink_to("/nowhere")])
def test_what_is_no_file_is_no_image(tree, tmp_path, make):
    make(tree / "train" / "ant" / "odd.png")
    with pytest.raises(DiagnoseError, match=r"cannot read the image .*ant/odd\.png"):
        load_images(str(tree), cache=tmp_path / "cache")


def test_an_array_that_claims_to_be_huge(tmp_path):
    header = BytesIO()
    kind = {"descr": "|u1", "fortran_order": False, "shape": (1 << 40, 32, 32, 3)}
    np.lib.format.write_array_header_1_0(header, kind)
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as packed:
        for name in arrays():
            packed.writestr(f"{name}.npy", header.getvalue())
    with pytest.raises(DiagnoseError, match="cannot read"):
        load_images(str(tmp_path / "a.npz"))


def test_classes_must_agree(tree, tmp_path):
    (tree / "test" / "bee").rename(tree / "test" / "wasp")
    with pytest.raises(DiagnoseError, match="same class folders"):
        load_images(str(tree), cache=tmp_path)


def arrays():
    draw = np.random.RandomState(1)
    return {
        "train_images": draw.randint(0, 256, (6, 4, 4, 3)).astype(np.uint8),
        "train_labels": np.array([0, 1, 2, 0, 1, 2]),
        "test_images": draw.randint(0, 256, (3, 4, 4, 3)).astype(np.uint8),
        "test_labels": np.array([[2], [1], [0]], dtype=np.uint8),
    }


def test_arrays_in_any_layout(tmp_path):
    given = arrays()
    np.savez(tmp_path / "a.npz", **given)
    given["train_images"], given["test_images"] = (
        given[name].transpose(0, 3, 1, 2) for name in ("train_images", "test_images")
    )
    np.savez(tmp_path / "b.npz", **given)
    for name, array in arrays().items():
        np.save(tmp_path / f"{name}.npy", array)
    first, two, three = (load_images(str(tmp_path / name)) for name in ("a.npz", "b.npz", "train_images.npy"))
    assert first.key == two.key == three.key
    assert np.array_equal(first.train_images, arrays()["train_images"])
    assert first.test_labels.tolist() == [2, 1, 0]
    assert len(first.classes) == 3


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train_labels", np.array([0.0] * 6), "expected 6 integers"),
        ("train_labels", np.array([0] * 5), "expected 6 integers"),
        ("train_labels", np.array([-1] * 6), "classes from 0"),
        ("test_images", np.zeros((3, 4, 4, 3)), "expected uint8"),
        ("test_images", np.zeros((3, 5, 5, 3), np.uint8), "not as large"),
        ("test_images", np.zeros((3, 4, 4, 2), np.uint8), "channels"),
        ("train_images", np.array([{}] * 6, dtype=object), "holds pickled objects, which are never read"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, name, array, message):
    np.savez(tmp_path / "a.npz", **(arrays() | {name: array}))
    with pytest.raises(DiagnoseError, match=message):
        load_images(str(tmp_path / "a.npz"))


def test_labels_that_count_from_one_are_refused(tmp_path):
    given = arrays()
    np.savez(tmp_path / "a.npz", **(given | {name: given[name] + 1 for name in ("train_labels", "test_labels")}))
    with pytest.raises(DiagnoseError, match="go from 1 to 3, expected classes from 0"):
        load_images(str(tmp_path / "a.npz"))


def test_a_text_in_place_of_an_archive_is_told_without_numpys_advice(tmp_path):
    (tmp_path / "a.npz").write_text("1 2 3")
    with pytest.raises(DiagnoseError, match=r"no file of NumPy's") as caught:
        load_images(str(tmp_path / "a.npz"))
    assert "allow_pickle" not in caught.value.message


def test_a_truncated_archive(tmp_path):
    np.savez(tmp_path / "a.npz", **arrays())
    data = (tmp_path / "a.npz").read_bytes()
    (tmp_path / "a.npz").write_bytes(data[:200])
    with pytest.raises(DiagnoseError, match="cannot read"):
        load_images(str(tmp_path / "a.npz"))


def test_synthetic_images_are_the_same_every_time_and_can_be_learned():
    images, again = load_images("synthetic:2000"), load_images("synthetic:2000")
    assert images.key == again.key
    assert np.bincount(images.train_labels).tolist() == [200] * 10
    # A least-squares classifier on shrunk pixels stands far above chance and far below certainty.
    features = [
        np.c_[split.reshape(len(split), 8, 4, 8, 4, 3).mean((2, 4)).reshape(len(split), -1) - 128, np.ones(len(split))]
        for split in (images.train_images, images.test_images)
    ]
    weights = np.linalg.lstsq(features[0], np.eye(10)[images.train_labels], rcond=None)[0]
    accuracy = ((features[1] @ weights).argmax(1) == images.test_labels).mean()
    assert 0.3 < accuracy < 0.98


@pytest.mark.parametrize("text", ["sythetic", "synthetic:lots", "synthetic:5", "no/folder", "", "x" * 5_000, "a\0b"])
def test_a_wrong_name(text, tmp_path):
    with pytest.raises(DiagnoseError) as caught:
        load_images(text, cache=tmp_path)
    assert isinstance(caught.value, UsageError)
    assert "synthetic" in caught.value.hint


def test_cifar10_is_not_fetched_unasked_and_its_md5_is_checked(tmp_path):
    with pytest.raises(DiagnoseError, match="not whole") as caught:
        load_images(f"cifar10:{tmp_path}")
    assert Option("download", True) in caught.value.options
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(DiagnoseError, match="not whole"):
        load_images(f"cifar10:{tmp_path}")
    assert not Path("owned").exists()


def test_a_cifar10_tar_at_hand_is_unpacked_without_the_network(tmp_path, monkeypatch):
    # A tar of the same layout, a hundred times as small, under its own checksums.
    draw = np.random.RandomState(0)
    sums, batches = {}, tmp_path / "cifar-10-batches-py"
    batches.mkdir()
    names = [name for name, _ in CIFAR10.train_list + CIFAR10.test_list]
    for name in names:
        held = {"data": draw.randint(0, 256, (20, 3072)).astype(np.uint8), "labels": [0, 1] * 10}
        (batches / name).write_bytes(pickle.dumps(held))
    (batches / "batches.meta").write_bytes(pickle.dumps({"label_names": ["ant", "bee"]}))
    for path in batches.iterdir():
        sums[path.name] = hashlib.md5(path.read_bytes()).hexdigest()
    tar = tmp_path / "cifar-10-python.tar.gz"
    with tarfile.open(tar, "w:gz") as packed:
        packed.add(batches, batches.name)
    shutil.rmtree(batches)
    for kind in ("train", "test"):
        listed = [(name, sums[name]) for name, _ in getattr(CIFAR10, f"{kind}_list")]
        monkeypatch.setattr(CIFAR10, f"{kind}_list", listed)
    monkeypatch.setattr(CIFAR10, "meta", CIFAR10.meta | {"md5": sums["batches.meta"]})
    monkeypatch.setattr(CIFAR10, "tgz_md5", hashlib.md5(tar.read_bytes()).hexdigest())
    monkeypatch.setattr(CIFAR10, "url", "http://127.0.0.1:9/nothing-listens-here")
    for text in (f"cifar10:{tar}", f"cifar10:{tmp_path}"):
        images = load_images(text)
        assert images.train_images.shape == (100, 32, 32, 3)
        assert images.classes == ("ant", "bee")
    shutil.rmtree(batches)
    tar.write_bytes(tar.read_bytes()[:-1])
    with pytest.raises(DiagnoseError, match="not whole"):
        load_images(f"cifar10:{tmp_path}")


@pytest.mark.skipif(not SHARED.exists(), reason="the JPEG copy of CIFAR-10 is not at hand")
def test_a_jpeg_copy_is_named_so_and_read_from_its_archive(tmp_path):
    few = tmp_path / "few.tar.xz"
    with tarfile.open(SHARED, "r:xz") as archive, tarfile.open(few, "w:xz") as packed:
        for member in archive:
            if member.isfile() and os.path.basename(member.name) < "0003.jpg":  # noqa: PTH119 a name in an archive
                packed.addfile(member, archive.extractfile(member))
    images = load_images(str(few), cache=tmp_path / "cache")
    assert images.name == "a JPEG copy of CIFAR-10"
    assert images.train_images.shape == (30, 32, 32, 3)
