"""Padding, crops and flips: against PyTorch's padding, and by hand."""

import numpy as np
import pytest
import torch
from PIL import Image

from minigrad.ops.generator import default_generator
from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from minigrad.vision.transforms import functional as F
from tests.support.images import COLOUR, GREY, assert_same_for_all_kinds

# --- Pad ---


@pytest.mark.parametrize("image", [GREY, COLOUR], ids=["grey", "colour"])
@pytest.mark.parametrize(
    ("padding", "left_top_right_bottom"),
    [(2, (2, 2, 2, 2)), ([3], (3, 3, 3, 3)), ((1, 2), (1, 2, 1, 2)), ((1, 2, 3, 4), (1, 2, 3, 4))],
)
def test_constant_borders_stand_where_torchvision_puts_them(image, padding, left_top_right_bottom):
    left, top, right, bottom = left_top_right_bottom
    height, width = image.shape[:2]
    expected = np.full((height + top + bottom, width + left + right, *image.shape[2:]), 9, np.uint8)
    expected[top : top + height, left : left + width] = image
    assert_same_for_all_kinds(T.Pad(padding, fill=9), image, expected)


@pytest.mark.parametrize(("mode", "torch_mode"), [("edge", "replicate"), ("reflect", "reflect")])
def test_other_borders_are_torch_s(mode, torch_mode):
    planes = torch.from_numpy(COLOUR.transpose(2, 0, 1).astype(np.float64))
    expected = torch.nn.functional.pad(planes, (1, 3, 2, 4), mode=torch_mode).numpy()
    expected = expected.transpose(1, 2, 0).astype(np.uint8)
    assert_same_for_all_kinds(T.Pad((1, 2, 3, 4), padding_mode=mode), COLOUR, expected)


def test_symmetric_borders_repeat_the_edge():
    row = np.array([[1, 2, 3]], np.uint8)
    assert T.Pad((2, 0), padding_mode="symmetric")(row).tolist() == [[2, 1, 1, 2, 3, 3, 2]]


def test_a_fill_may_have_a_value_for_each_channel():
    expected = np.zeros((8, 11, 3), np.uint8) + np.array([1, 2, 3], np.uint8)
    expected[1:-1, 1:-1] = COLOUR
    assert T.Pad(1, fill=(1, 2, 3))(COLOUR).tolist() == expected.tolist()
    tensor = T.Pad(1, fill=(1, 2, 3))(from_numpy(COLOUR.transpose(2, 0, 1)))
    assert tensor.array.transpose(1, 2, 0).tolist() == expected.tolist()


def test_a_palette_survives_padding():
    image = Image.fromarray(GREY % 4).convert("P")
    image.putpalette([10, 20, 30, 40, 50, 60, 70, 80, 90, 1, 2, 3])
    padded = T.Pad(1, fill=2)(image)
    assert padded.mode == "P"
    assert padded.convert("RGB").getpixel((0, 0)) == (70, 80, 90)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("2",), TypeError, "inappropriate padding arg"),
        ((2.0,), TypeError, "inappropriate padding arg"),
        ((1, "black"), TypeError, "inappropriate fill arg"),
        ((1, 0, "wrap"), ValueError, "constant, edge, reflect or symmetric, got 'wrap'"),
        (((1, 2, 3),), ValueError, "not a 3 element tuple"),
        ((-1,), ValueError, "integers >= 0"),
        (((1.5, 1),), ValueError, "integers >= 0"),
    ],
)
def test_bad_padding_is_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        T.Pad(*arguments)
    with pytest.raises(error, match=message):
        T.RandomCrop(3, arguments[0], False, *arguments[1:])


# --- crops and flips ---


def test_a_flip_swaps_left_and_right():
    for image in (GREY, COLOUR):
        assert_same_for_all_kinds(T.RandomHorizontalFlip(1.0), image, image[:, ::-1])
        assert_same_for_all_kinds(T.RandomHorizontalFlip(0.0), image, image)
    with pytest.raises(ValueError, match=r"p in \[0, 1\], got 1.5"):
        T.RandomHorizontalFlip(1.5)


def test_flips_come_as_often_as_asked_and_follow_the_seed():
    def flips(seed):
        default_generator.manual_seed(seed)
        flip = T.RandomHorizontalFlip(0.3)
        return [flip(np.array([[0, 1]], np.uint8))[0, 0] == 1 for _ in range(4000)]

    assert abs(np.mean(flips(0)) - 0.3) < 0.037  # 5 sigma
    assert flips(0) == flips(0) != flips(1)


def test_crops_are_windows_at_every_place_alike():
    numbered = np.arange(30, dtype=np.uint8).reshape(5, 6)
    crop = T.RandomCrop((4, 3))
    default_generator.manual_seed(0)
    corners = []
    for _ in range(4000):
        window = crop(numbered)
        top, left = divmod(int(window[0, 0]), 6)
        np.testing.assert_array_equal(window, numbered[top : top + 4, left : left + 3])
        corners.append((top, left))
    counts = {corner: corners.count(corner) for corner in set(corners)}
    assert len(counts) == 2 * 4
    assert all(abs(count - 500) < 105 for count in counts.values())  # 5 sigma


def test_a_crop_is_the_same_for_all_kinds():
    for image in (GREY, COLOUR):
        crop = T.RandomCrop(4, padding=(2, 1))
        default_generator.manual_seed(5)
        assert_same_for_all_kinds(crop, image, crop(image))


def test_a_crop_pads_what_is_too_small():
    crop = T.RandomCrop((9, 5), pad_if_needed=True, fill=7)
    default_generator.manual_seed(0)
    found = [crop(GREY) for _ in range(50)]
    assert {window.shape for window in found} == {(9, 5)}
    tops = {int(np.flatnonzero((window == GREY[0]).all(1))[0]) for window in found}
    assert tops == {0, 1, 2}
    with pytest.raises(ValueError, match=r"crop size \(9, 5\) is larger than .* \(7, 5\)"):
        T.RandomCrop((9, 5))(GREY)


@pytest.mark.parametrize("size", [0, -1, (1, 2, 3), (), (3, 0), 2.5, (2.5, 1)])
def test_bad_crop_sizes_are_refused(size):
    with pytest.raises((ValueError, TypeError)):
        T.RandomCrop(size)


def test_a_window_is_zero_outside_of_the_image():
    wide = np.pad(COLOUR, ((9, 9), (9, 9), (0, 0)))
    for top, left, rows, columns in (
        (1, 2, 3, 3), (-1, 0, 2, 2), (0, 8, 2, 2), (5, 0, 2, 2), (-2, -3, 11, 14), (7, 0, 2, 2),
        (-3, 0, 2, 2), (0, 9, 3, 4),
    ):  # fmt: skip
        expected = wide[9 + top :, 9 + left :][:rows, :columns]
        assert_same_for_all_kinds(
            lambda image, window=(top, left, rows, columns): F.crop(image, *window),
            COLOUR,
            expected,
        )
    with pytest.raises(ValueError, match="height, width >= 0, got -1 and 2"):
        F.crop(GREY, 0, 0, -1, 2)


@pytest.mark.parametrize("image", [[[1]], "image", None, np.zeros(3), from_numpy(np.zeros(3))])
def test_geometry_refuses_what_is_no_image(image):
    for transform in (T.Pad(1), T.RandomCrop(1), T.RandomHorizontalFlip(1.0), T.Resize(2)):
        with pytest.raises(TypeError, match="an image should be"):
            transform(image)
