"""Transforms of a user, one planted difference or another spelling each, all told apart from `base`."""

import numpy as np
import torch
from PIL import Image
from torchvision import transforms as v1
from torchvision.transforms import functional as F
from torchvision.transforms import v2

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BICUBIC = v1.InterpolationMode.BICUBIC


def spelled(resize=256, crop=224, mean=MEAN, std=STD, **how):
    return v1.Compose([v1.Resize(resize, **how), v1.CenterCrop(crop), v1.ToTensor(), v1.Normalize(mean, std)])


base = spelled()

# ------------------------------------------------------------------------------ other words for the same

in_v2 = v2.Compose([
    v2.Resize(256), v2.CenterCrop(224), v2.ToImage(), v2.ToDtype(torch.float32, scale=True), v2.Normalize(MEAN, STD)
])  # fmt: skip
tensor_first = v1.Compose([
    v1.Resize([256]), v1.CenterCrop((224, 224)), v1.PILToTensor(), v1.ConvertImageDtype(torch.float32),
    v1.Normalize(MEAN, STD),
])  # fmt: skip
nested = v1.Compose([v1.Compose([v1.Resize(256), v1.CenterCrop(224)]), v1.ToTensor(), v1.Normalize(MEAN, STD)])
normalised_before_the_crop = v1.Compose([v1.Resize(256), v1.ToTensor(), v1.Normalize(MEAN, STD), v1.CenterCrop(224)])
statistics_of_255 = v2.Compose([
    v2.Resize(256), v2.CenterCrop(224), v2.ToImage(), v2.ToDtype(torch.float32),
    v2.Normalize([255 * value for value in MEAN], [255 * value for value in STD]),
])  # fmt: skip


def by_hand(image: Image.Image) -> torch.Tensor:
    """The same with PIL and NumPy alone."""
    width, height = image.size
    short = min(width, height)
    size = (256, int(256 * height / short)) if width <= height else (int(256 * width / short), 256)
    image = image.resize(size, Image.Resampling.BILINEAR)
    x, y = round((image.width - 224) / 2), round((image.height - 224) / 2)
    values = np.asarray(image.crop((x, y, x + 224, y + 224)), np.float32) / 255
    return torch.from_numpy(((values - np.float32(MEAN)) / np.float32(STD)).transpose(2, 0, 1))


EQUAL = ["in_v2", "tensor_first", "nested", "normalised_before_the_crop", "statistics_of_255", "by_hand"]

# ------------------------------------------------------------------------------------- planted differences

resized_to_232 = spelled(resize=232)
resized_square = spelled(resize=(256, 256))
bicubic = spelled(interpolation=BICUBIC)
nearest = spelled(interpolation=v1.InterpolationMode.NEAREST)
cropped_to_192 = spelled(crop=192)
other_mean = spelled(mean=(0.5, 0.5, 0.5))
other_std = spelled(std=(0.5, 0.5, 0.5))
reversed_mean = spelled(mean=MEAN[::-1])
aliased = v2.Compose([
    v2.ToImage(), v2.Resize(256, antialias=False), v2.CenterCrop(224), v2.ToDtype(torch.float32, scale=True),
    v2.Normalize(MEAN, STD),
])  # fmt: skip
padded = v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.Pad(4), v1.ToTensor(), v1.Normalize(MEAN, STD)])
grey = v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.Grayscale(3), v1.ToTensor(), v1.Normalize(MEAN, STD)])
cropped_first = v1.Compose([v1.CenterCrop(224), v1.Resize(256), v1.ToTensor(), v1.Normalize(MEAN, STD)])
not_normalised = v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.ToTensor()])
not_scaled = v2.Compose([
    v2.Resize(256), v2.CenterCrop(224), v2.ToImage(), v2.ToDtype(torch.float32), v2.Normalize(MEAN, STD)
])  # fmt: skip

PLANTED = {
    "resized_to_232": "resize",
    "resized_square": "resize",
    "bicubic": "resize",
    "nearest": "resize",
    "aliased": "resize",
    "cropped_to_192": "crop",
    "other_mean": "normalise",
    "other_std": "normalise",
    "reversed_mean": "normalise",
    "not_normalised": "normalise",
    "not_scaled": "normalise",
    "padded": "pad",
    "grey": "colour",
    "cropped_first": "crop, resize",
}
"""Each planted difference from `base`, and the step at which it stands."""

# ----------------------------------------------------------------------------------------- unread and odd


def in_bgr(image: Image.Image):
    return by_hand(image).flip(0)


def one_level_more(image: Image.Image):
    return by_hand(image) + 1 / 255 / 0.225


def of_doubles(image: Image.Image):
    return by_hand(image).double()


def channels_last(image: Image.Image):
    return by_hand(image).permute(1, 2, 0)


def takes_an_array(image):
    return torch.from_numpy(image[:8, :8].transpose(2, 0, 1).astype(np.float32)) / 255


def draws(image: Image.Image):
    return by_hand(image) + torch.rand(())


def refuses_small_images(image: Image.Image):
    if image.width < 8:
        raise ValueError("too small")
    return by_hand(image)


def returns_nothing(image):
    return None


turned_first = v1.Compose([v1.RandomHorizontalFlip(0.5), v1.Resize(256), v1.Lambda(F.to_tensor)])
turned_last = v1.Compose([v1.Resize(256), v1.Lambda(v1.RandomHorizontalFlip(0.5)), v1.Lambda(F.to_tensor)])
divided_twice = v1.Compose([v1.Resize((64, 64)), v1.ToTensor(), v1.Lambda(lambda image: image / 255)])
statistics_too_large = v1.Compose([
    v1.ToTensor(), v1.Normalize([255 * value for value in MEAN], [255 * value for value in STD])
])  # fmt: skip
turned = v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.RandomHorizontalFlip(0.5), v1.ToTensor()])
turned_seldom = v1.Compose([v1.Resize(256), v1.CenterCrop(224), v1.RandomHorizontalFlip(0.1), v1.ToTensor()])
turned_and_resized = v1.Compose([v1.Resize(250), v1.CenterCrop(224), v1.RandomHorizontalFlip(0.5), v1.ToTensor()])


class Resize(v1.Resize):
    """A class of the user's, named like torchvision's, that does something else."""

    def forward(self, img):
        return F.hflip(super().forward(img))


own_resize = v1.Compose([Resize(256), v1.CenterCrop(224), v1.ToTensor(), v1.Normalize(MEAN, STD)])


def make(size=256):
    return spelled(resize=size)


not_callable = 3


def takes_nothing(image):
    raise TypeError("no image at all")
