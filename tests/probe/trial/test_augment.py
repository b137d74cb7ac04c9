"""The gather against torchvision's RandomCrop and flip: the same distribution, the same pixels."""

import numpy as np
import torch
from scipy.stats import chisquare
from torchvision.transforms.functional import crop, hflip, pad

from diagnose.probe.trial.augment import batch, draw, normalised, padded
from diagnose.values import Augmentation, Normalisation

CROP = Augmentation(4, 32, 0.5)


def images(count):
    return torch.from_numpy(np.random.RandomState(0).randint(0, 256, (count, 32, 32, 3)).astype(np.uint8))


def test_each_image_is_what_torchvision_makes_of_it():
    pixels = images(50)
    draws = draw(50, 0, 3, CROP)
    got = batch(padded(pixels, CROP), draws, slice(0, 50), 32).permute(0, 3, 1, 2)
    for row, index in enumerate(draws.order.tolist()):
        # RandomCrop(32, padding=4), then RandomHorizontalFlip, at the place that was drawn.
        expected = crop(pad(pixels[index].permute(2, 0, 1), [4]), int(draws.top[row]), int(draws.left[row]), 32, 32)
        expected = hflip(expected) if draws.flip[row] else expected
        assert torch.equal(got[row], expected)


def test_places_and_flips_are_uniform_and_independent():
    draws = draw(81_000, 1, 0, CROP)
    cells = (draws.top * 9 + draws.left) * 2 + draws.flip
    assert chisquare(np.bincount(cells.numpy(), minlength=162)).pvalue > 0.001
    assert sorted(draws.order.tolist()) == list(range(81_000))


def test_draws_depend_on_seed_and_epoch_alone():
    torch.manual_seed(1)
    first = draw(100, 2, 7, CROP)
    torch.manual_seed(2)
    two = draw(100, 2, 7, CROP)
    assert all(torch.equal(getattr(first, name), getattr(two, name)) for name in first.__slots__)
    assert not torch.equal(first.order, draw(100, 3, 7, CROP).order)
    assert not torch.equal(first.order, draw(100, 2, 8, CROP).order)


def test_no_augmentation_leaves_the_images():
    pixels, none = images(10), Augmentation()
    draws = draw(10, 0, 0, none)
    assert torch.equal(batch(padded(pixels, none), draws, slice(0, 10), 32), pixels[draws.order])


def test_normalisation_is_torchvisions():
    from torchvision.transforms import Normalize

    pixels = images(4)
    mean, std = (125.3, 123.0, 113.9), (63.0, 62.1, 66.7)
    expected = Normalize([m / 255 for m in mean], [s / 255 for s in std])(pixels.permute(0, 3, 1, 2) / 255)
    got = normalised(pixels, Normalisation(mean, std))
    assert torch.allclose(got, expected, atol=1e-6, rtol=1e-6)
    assert got.is_contiguous(memory_format=torch.channels_last)
