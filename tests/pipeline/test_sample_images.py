"""The images that pipelines are tried on."""

import numpy as np
import pytest
from PIL import Image

from diagnose.errors import UsageError
from diagnose.pipeline.sample_images import MOST_IMAGES, chart, colour_bars, gradients, images_in, noise, write_samples


@pytest.fixture(scope="module")
def samples(tmp_path_factory):
    return write_samples(tmp_path_factory.mktemp("samples"))


def mode_and_size(path):
    with Image.open(path) as image:
        return image.mode, image.size


def test_they_have_many_modes_and_shapes(samples):
    known = {path: mode_and_size(path) for path in samples}
    assert {mode for mode, _ in known.values()} == {"RGB", "L", "P", "RGBA"}
    ratios = [width / height for _, (width, height) in known.values()]
    assert (max(ratios), min(ratios)) == (15, pytest.approx(90 / 701))
    assert min(min(size) for _, size in known.values()) == 5


def test_their_names_say_their_height_and_width(samples):
    for path in samples:
        width, height = mode_and_size(path)[1]
        assert path.stem.endswith(f"{height}x{width}")


def test_they_are_the_same_each_time(samples, tmp_path):
    again = write_samples(tmp_path)
    assert [path.read_bytes() for path in samples] == [path.read_bytes() for path in again]


def test_the_bars_are_the_corners_of_the_cube_of_colours():
    colours = np.unique(colour_bars(3, 80).reshape(-1, 3), axis=0)
    assert len(colours) == 8
    assert set(colours.flatten()) == {0, 255}


def test_a_gradient_is_linear():
    red, green, blue = gradients(256, 256).transpose(2, 0, 1).astype(int)
    assert (red == np.arange(256)).all()
    assert (green == np.arange(256)[:, None]).all()
    assert (red + blue == 255).all()


def test_the_chart_is_finest_at_its_edge():
    row = chart(201, 201)[100, :, 0].astype(int)
    changes = np.abs(np.diff(row))
    assert changes[:10].mean() > 10 * changes[95:105].mean()


def test_noise_is_uniform():
    assert abs(noise(100, 100).mean() - 127.5) < 3


def test_a_folder_gives_its_images_in_order_and_says_what_is_left_out(tmp_path):
    (tmp_path / "notes.txt").write_text("no image")
    for index in range(MOST_IMAGES + 2):
        (tmp_path / f"{index:03}.png").touch()
    paths, skipped = images_in(tmp_path)
    assert [path.name for path in paths[:2]] == ["000.png", "001.png"]
    assert (len(paths), skipped[0].what) == (MOST_IMAGES, "2 images")


@pytest.mark.parametrize("name", ["", "nowhere"])
def test_a_folder_without_images_is_refused(tmp_path, name):
    with pytest.raises(UsageError):
        images_in(tmp_path / name)
