"""Images read whole or not at all, from every source, against arrays built by hand."""

import os
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from diagnose.errors import USAGE, DiagnoseError
from diagnose.probe.images import load_images

SHARED = Path(__file__).parents[2] / ".." / "shared" / "data" / "cifar10-jpeg.tar.xz"


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
    one, two, three = (load_images(str(tmp_path / name)) for name in ("a.npz", "b.npz", "train_images.npy"))
    assert one.key == two.key == three.key
    assert np.array_equal(one.train_images, arrays()["train_images"])
    assert one.test_labels.tolist() == [2, 1, 0]
    assert len(one.classes) == 3


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("train_labels", np.array([0.0] * 6), "expected 6 integers"),
        ("train_labels", np.array([0] * 5), "expected 6 integers"),
        ("train_labels", np.array([-1] * 6), "classes from 0"),
        ("test_images", np.zeros((3, 4, 4, 3)), "expected uint8"),
        ("test_images", np.zeros((3, 5, 5, 3), np.uint8), "not as large"),
        ("test_images", np.zeros((3, 4, 4, 2), np.uint8), "channels"),
        ("train_images", np.array([{}] * 6, dtype=object), "[Pp]ickled|allow_pickle"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, name, array, message):
    np.savez(tmp_path / "a.npz", **(arrays() | {name: array}))
    with pytest.raises(DiagnoseError, match=message):
        load_images(str(tmp_path / "a.npz"))


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


@pytest.mark.parametrize("text", ["sythetic", "synthetic:lots", "synthetic:5", "no/folder", ""])
def test_a_wrong_name(text, tmp_path):
    with pytest.raises(DiagnoseError) as caught:
        load_images(text, cache=tmp_path)
    assert caught.value.exit_code == USAGE
    assert "synthetic" in caught.value.hint


def test_cifar10_is_not_fetched_unasked_and_its_md5_is_checked(tmp_path):
    with pytest.raises(DiagnoseError, match="not whole") as caught:
        load_images(f"cifar10:{tmp_path}")
    assert "--download" in caught.value.hint
    folder = tmp_path / "cifar-10-batches-py"
    folder.mkdir()
    (folder / "data_batch_1").write_bytes(b"cos\nsystem\n(S'touch owned'\ntR.")
    with pytest.raises(DiagnoseError, match="not whole"):
        load_images(f"cifar10:{tmp_path}")
    assert not Path("owned").exists()


@pytest.mark.skipif(not SHARED.exists(), reason="the JPEG copy of CIFAR-10 is not at hand")
def test_a_jpeg_copy_is_named_so(tmp_path):
    with tarfile.open(SHARED, "r:xz") as archive:
        for member in archive:
            if member.isfile() and os.path.basename(member.name) < "0003.jpg":  # noqa: PTH119 a name in an archive
                archive.extract(member, tmp_path, filter="data")
    root = next(path.parent for path in tmp_path.rglob("train"))
    images = load_images(str(root), cache=tmp_path / "cache")
    assert images.name == "a JPEG copy of CIFAR-10"
    assert images.train_images.shape == (30, 32, 32, 3)
