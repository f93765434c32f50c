"""Grey images, against PIL's own conversion."""

import numpy as np
import pytest
from PIL import Image

import minigrad as mg
from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from tests.support.images import COLOUR, GREY


def test_grey_is_pil_s():
    every = np.random.default_rng(0).integers(0, 256, (100, 100, 3), dtype=np.uint8)
    for image in (COLOUR, every):
        expected = np.asarray(Image.fromarray(image).convert("L"))
        np.testing.assert_array_equal(T.Grayscale()(image), expected)
        np.testing.assert_array_equal(np.asarray(T.Grayscale()(Image.fromarray(image))), expected)
        assert T.Grayscale(3)(image).tolist() == np.stack([expected] * 3, -1).tolist()
        planes = from_numpy(image.transpose(2, 0, 1).copy())
        # A Tensor's grey is torchvision's formula: 0.2989 where PIL has 0.299, and rounded down.
        exact = (image @ np.array([0.2989, 0.587, 0.114])).astype(np.uint8)
        np.testing.assert_array_equal(T.Grayscale()(planes).numpy(), exact[None])
        assert T.Grayscale(3)(planes).shape == planes.shape
        floats = T.Grayscale()(T.ToTensor()(image)).numpy()[0]
        np.testing.assert_allclose(floats, expected / 255, atol=0.6 / 255)
    assert T.Grayscale()(GREY) is GREY
    assert T.Grayscale(3)(GREY).shape == (7, 5, 3)
    with pytest.raises(ValueError, match="either 1 or 3, got 2"):
        T.Grayscale(2)
    with pytest.raises(ValueError, match="1 or 3 channels, got 4"):
        T.Grayscale()(np.zeros((3, 3, 4), np.uint8))


def test_grey_at_random_keeps_the_channels():
    mg.manual_seed(0)
    changed = [T.RandomGrayscale(0.3)(COLOUR) is not COLOUR for _ in range(1000)]
    assert abs(sum(changed) - 300) < 75
    for image in (COLOUR, GREY):
        assert T.RandomGrayscale(1.0)(image).shape == image.shape
        tensor = T.ToTensor()(image)
        assert T.RandomGrayscale(1.0)(tensor).shape == tensor.shape
    with pytest.raises(ValueError, match=r"p in \[0, 1\], got -1"):
        T.RandomGrayscale(-1)
