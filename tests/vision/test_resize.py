"""Resizing: against PIL and PyTorch's interpolation."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from minigrad.vision.transforms import InterpolationMode
from minigrad.vision.transforms.functional.resample import filter_weights
from tests.support.images import COLOUR, GREY, images, picture_of, sides


@given(images, sides, sides)
@settings(max_examples=60)
def test_resizing_is_pil_s(image, height, width):
    picture = picture_of(image)
    smooth = T.Resize((height, width))
    theirs = np.asarray(picture.resize((width, height), Image.Resampling.BILINEAR)).astype(int)
    ours = smooth(image)
    assert ours.dtype == np.uint8
    difference = np.abs(ours.reshape(theirs.shape) - theirs).max()
    one_side = height == image.shape[0] or width == image.shape[1]
    assert difference <= (0 if one_side else 1)
    assert isinstance(smooth(picture), Image.Image)
    np.testing.assert_array_equal(np.asarray(smooth(picture)), theirs)
    nearest = T.Resize((height, width), InterpolationMode.NEAREST)
    theirs = np.asarray(picture.resize((width, height), Image.Resampling.NEAREST))
    np.testing.assert_array_equal(nearest(image).reshape(theirs.shape), theirs)
    np.testing.assert_array_equal(np.asarray(nearest(picture)), theirs)


@given(sides, sides, st.integers(2, 40), st.integers(2, 40))  # torch's width 1 repeats one pixel
@settings(max_examples=60)
def test_resizing_tensors_is_torch_s(height, width, new_height, new_width):
    image = np.random.default_rng(height * 41 + width).random((2, 3, height, width))
    new_size = (new_height, new_width)

    def theirs(values, **options):
        return torch.nn.functional.interpolate(
            torch.from_numpy(values), new_size, **options
        ).numpy()

    for antialias in (True, False):
        ours = T.Resize(new_size, antialias=antialias)(from_numpy(image)).array
        expected = theirs(image, mode="bilinear", antialias=antialias)
        np.testing.assert_allclose(ours, expected, atol=1e-12)
    narrow = image.astype(np.float32)
    assert T.Resize(new_size)(from_numpy(narrow)).array.dtype == np.float32
    for mode in (InterpolationMode.NEAREST, InterpolationMode.NEAREST_EXACT):
        ours = T.Resize(new_size, mode)(from_numpy(narrow)).array
        np.testing.assert_array_equal(ours, theirs(narrow, mode=mode.value))


@given(sides, sides, st.booleans())
def test_the_weights_are_averages(size, new_size, antialias):
    weights = filter_weights(size, new_size, InterpolationMode.BILINEAR, antialias)
    assert weights.shape == (new_size, size)
    assert np.all(weights >= 0)
    np.testing.assert_allclose(weights.sum(1), 1, rtol=1e-12)
    np.testing.assert_allclose(weights, weights[::-1, ::-1], atol=1e-12)  # no side is preferred


@pytest.mark.parametrize(
    ("old", "size", "max_size", "new"),
    [
        ((20, 10), 5, None, (10, 5)),
        ((10, 20), 5, None, (5, 10)),
        ((10, 20), [5], None, (5, 10)),
        ((10, 25), 3, None, (3, 7)),
        ((10, 20), 5, 8, (4, 8)),
        ((20, 10), 5, 8, (8, 4)),
        ((10, 20), (7, 3), None, (7, 3)),
        ((10, 10), 10, None, (10, 10)),
    ],
)
def test_an_int_is_the_shorter_side_s_new_length(old, size, max_size, new):
    resize = T.Resize(size, max_size=max_size)
    assert resize(np.zeros(old, np.uint8)).shape == new
    assert resize(Image.new("L", old[::-1])).size == new[::-1]


def test_integers_are_rounded():
    ramp = np.array([[0, 1, 2, 3]], np.int32) * 100
    assert T.Resize((1, 3), antialias=False)(ramp).tolist() == [[17, 150, 283]]
    assert T.Resize((1, 2))(ramp).dtype == np.int32


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("8",), TypeError),
        ((8, "bilinear"), TypeError),
        ((0,), ValueError),
        (((1, 2, 3),), ValueError),
        ((8, InterpolationMode.BILINEAR, 8), ValueError),
        (((8, 8), InterpolationMode.BILINEAR, 9), ValueError),
    ],
)
def test_bad_resizing_is_refused(arguments, error):
    with pytest.raises(error):
        T.Resize(*arguments)


def test_pil_cannot_do_without_antialiasing():
    with pytest.raises(ValueError, match="antialias=True, got antialias=False"):
        T.Resize(3, antialias=False)(Image.fromarray(GREY))


def test_arrays_need_no_pil(monkeypatch):
    monkeypatch.setitem(sys.modules, "PIL.Image", None)
    pipeline = T.Compose([T.Resize(8), T.RandomCrop(6, padding=1), T.ToTensor()])
    assert pipeline(COLOUR).shape == (3, 6, 6)
