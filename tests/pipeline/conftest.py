"""What the tests of pipelines share: the user's transforms by name, and few small images."""

from pathlib import Path

import pytest
from PIL import Image

from diagnose.pipeline.sample_images import chart, colour_bars, noise

FILE = Path(__file__).with_name("transforms.py")


def named(name):
    return f"{FILE}:{name}"


@pytest.fixture(scope="session")
def few(tmp_path_factory):
    """A folder of three images, one of them smaller than any crop."""
    folder = tmp_path_factory.mktemp("images")
    for name, drawing in (("a", chart(300, 420)), ("b", noise(290, 260)), ("c", colour_bars(60, 50))):
        Image.fromarray(drawing).save(folder / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def compare(few):
    """Return a function that compares two of the user's transforms on the few images."""
    from diagnose.pipeline.run import compare_pipelines

    def compared(a, b):
        return compare_pipelines(named(a), named(b), images=few)

    return compared
