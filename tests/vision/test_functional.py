"""Functions of images: against figures of torchvision's, by hand, and their gradients."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageOps

import minigrad as mg
from minigrad.autograd import gradcheck
from minigrad.tensor.creation import from_numpy
from minigrad.vision.transforms import InterpolationMode
from minigrad.vision.transforms import functional as F
from tests.support.images import COLOUR, GREY
from tests.support.torchvision_transforms import (
    CASES,
    FIGURES,
    bound,
    figures,
    label,
    picture,
    planes_of,
)

ROWS = list(zip(CASES, FIGURES, strict=True))


@pytest.mark.parametrize(("case", "expected"), ROWS, ids=[label(case) for case in CASES])
def test_functions_of_images_are_torchvision_s(case, expected):
    found = figures(bound(F, case), case[0], from_numpy)
    assert found.shape == expected.shape
    rounded = 1e-4 if case[1] == "resize" else 2e-6  # halves go up or down
    for ours, theirs, close in zip(found[1:], expected[1:], (rounded, 1e-9, 0), strict=True):
        assert (ours is None) == (theirs is None)
        if ours is not None:
            assert ours == pytest.approx(theirs, rel=close, abs=1e-5)


@pytest.mark.parametrize("case", [c for c in CASES if "u" in c[0] and "p" in c[0]], ids=label)
def test_an_array_is_computed_as_the_tensor(case):
    """Beside resizing and grey, where arrays are computed as PIL images."""
    image = picture()
    like_pil = case[1] in ("resize", "resized_crop", "rgb_to_grayscale")
    tensor = mg.from_numpy(image.transpose(2, 0, 1).copy())
    of_array = planes_of(bound(F, case)(image))
    expected = planes_of(bound(F, case)(Image.fromarray(image) if like_pil else tensor))
    assert of_array.dtype == np.uint8
    assert np.abs(of_array.astype(int) - expected).max() <= (1 if like_pil else 0)


@pytest.mark.parametrize(
    "function",
    [
        lambda x: F.rotate(x, 20.0, InterpolationMode.BILINEAR, fill=0.5),
        lambda x: F.affine(x, 5.0, (1, 0), 1.1, 3.0, InterpolationMode.BILINEAR),
        lambda x: F.adjust_contrast(x, 0.7),
        lambda x: F.adjust_saturation(x, 0.6),
        lambda x: F.adjust_hue(x, 0.2),
        lambda x: F.adjust_gamma(x, 1.5),
        lambda x: F.adjust_sharpness(x, 0.4),
        lambda x: F.adjust_brightness(x, 0.9),
        lambda x: F.gaussian_blur(x, 3, 0.8),
        lambda x: F.resize(x, (3, 7)),
        lambda x: F.resize(x, (8, 3), InterpolationMode.BICUBIC),
        lambda x: F.resize(x, (3, 7), InterpolationMode.NEAREST),
        lambda x: F.pad(x, (1, 2), fill=(0.1, 0.2, 0.3)),
        lambda x: F.pad(x, 1, padding_mode="symmetric"),
        lambda x: F.crop(x, -1, 1, 3, 9),
        lambda x: F.hflip(x) + F.vflip(x),
        lambda x: F.rgb_to_grayscale(x, 3),
        lambda x: F.invert(x) + F.solarize(x, 0.45),
        lambda x: F.erase(x, 1, 1, 2, 2, mg.zeros(1, dtype=mg.float64)),
    ],
)  # fmt: skip
def test_gradients_pass_to_tensors(function):
    values = np.random.default_rng(0).uniform(0.2, 0.8, (3, 5, 6))
    assert gradcheck(function, (from_numpy(values).requires_grad_(),))


def test_autocontrast_stretches_each_channel():
    image = mg.tensor([[[0.2, 0.4]], [[0.5, 0.5]], [[0.0, 1.0]]])
    np.testing.assert_allclose(
        F.autocontrast(image).numpy(), [[[0, 1]], [[0.5, 0.5]], [[0, 1]]], atol=1e-7
    )


@pytest.mark.parametrize("mode", ["NEAREST", "BILINEAR"])
def test_maps_that_move_whole_pixels(mode):
    square = from_numpy(np.arange(50, dtype=np.float64).reshape(2, 5, 5))
    mode = InterpolationMode[mode]
    for turns in range(4):
        turned = F.rotate(square, 90.0 * turns, mode).numpy()
        np.testing.assert_allclose(turned, np.rot90(square.numpy(), turns, (1, 2)), atol=1e-9)
    moved = F.affine(square, 0.0, (2, 1), 1.0, 0.0, mode, fill=7).numpy()
    np.testing.assert_allclose(moved[:, 1:, 2:], square.numpy()[:, :-1, :-2], atol=1e-9)
    np.testing.assert_allclose(moved[:, 0], 7)
    corners = [[0, 0], [4, 0], [4, 4], [0, 4]]
    same = F.perspective(square, corners, corners, mode)
    np.testing.assert_allclose(same.numpy(), square.numpy(), atol=2e-5)
    flipped = F.perspective(square, corners, [[4, 0], [0, 0], [0, 4], [4, 4]], mode)
    # A corner is a point of the plane, the centre of a pixel lies half a pixel beyond it.
    np.testing.assert_allclose(flipped.numpy()[:, :, :4], square.numpy()[:, :, 3::-1], atol=2e-5)


def test_an_elastic_transform_moves_by_the_displacement():
    image = from_numpy(np.arange(24, dtype=np.float64).reshape(1, 4, 6))
    still = mg.zeros(1, 4, 6, 2)
    np.testing.assert_allclose(F.elastic_transform(image, still).numpy(), image.numpy(), atol=1e-9)
    right = still.clone()
    right[..., 0] = 2 / 6  # one pixel of six, where the sides are at -1 and 1
    moved = F.elastic_transform(image, right, InterpolationMode.NEAREST, fill=-1).numpy()
    np.testing.assert_allclose(moved[0, :, :5], image.numpy()[0, :, 1:])
    np.testing.assert_allclose(moved[0, :, 5], -1)
    pictures = [GREY, Image.fromarray(GREY)]
    for picture_of_grey in pictures:
        unmoved = F.elastic_transform(picture_of_grey, mg.zeros(1, *GREY.shape, 2))
        np.testing.assert_array_equal(np.asarray(unmoved), GREY)
    with pytest.raises(ValueError, match=r"shape should be \(1, 4, 6, 2\), but given \(1, 2\)"):
        F.elastic_transform(image, mg.zeros(1, 2))


def test_erasing_sets_a_window():
    image = mg.ones(2, 3, 4, 5)
    erased = F.erase(image, 1, 2, 2, 3, mg.tensor([7.0, 8.0, 9.0]).reshape(3, 1, 1))
    assert image.sum() == 120
    expected = np.ones((2, 3, 4, 5))
    expected[:, :, 1:3, 2:5] = np.array([7, 8, 9]).reshape(3, 1, 1)
    np.testing.assert_array_equal(erased.numpy(), expected)
    assert F.erase(image, 0, 0, 1, 1, 0.0, inplace=True) is image
    assert image[0, 0, 0, 0] == 0
    with pytest.raises(TypeError, match=r"should be Tensor Image\. Got <class 'numpy\.ndarray'>"):
        F.erase(COLOUR, 0, 0, 1, 1, 0.0)


# --- from kind to kind and from dtype to dtype ---


@pytest.mark.parametrize(
    ("shape", "mode"),
    [((1, 4, 5), "L"), ((2, 4, 5), "LA"), ((3, 4, 5), "RGB"), ((4, 4, 5), "RGBA")],
)
def test_pictures_come_back_as_they_were(shape, mode):
    planes = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    tensor = from_numpy(planes)
    image = F.to_pil_image(tensor)
    assert (image.mode, image.size) == (mode, (5, 4))
    np.testing.assert_array_equal(F.pil_to_tensor(image).numpy(), planes)
    np.testing.assert_array_equal(F.to_tensor(image).numpy(), planes / np.float32(255))
    np.testing.assert_array_equal(planes_of(F.to_pil_image(planes.transpose(1, 2, 0))), planes)
    floats = F.to_pil_image(F.to_tensor(image))
    assert np.abs(planes_of(floats).astype(int) - planes).max() <= 1  # torchvision rounds down


def test_grey_pictures_of_other_dtypes():
    for dtype, mode in (("int16", "I;16"), ("int32", "I")):
        values = np.arange(20, dtype=dtype).reshape(4, 5) * 100
        image = F.to_pil_image(from_numpy(values))
        assert image.mode == mode
        np.testing.assert_array_equal(np.asarray(image), values)
    deep = Image.fromarray(np.array([[1, 30_000, 65_535]], np.uint16))
    assert F.pil_to_tensor(deep).tolist() == [[[1, 30_000, 65_535]]]
    assert F.to_tensor(deep).tolist() == [[[1, 30_000, -1]]]  # as in torchvision
    floats = F.to_pil_image(from_numpy(np.linspace(0, 3, 6, dtype=np.float32)[None, None]), "F")
    np.testing.assert_array_equal(np.asarray(floats)[0], np.linspace(0, 3, 6, dtype=np.float32))
    assert F.to_pil_image(from_numpy(COLOUR.transpose(2, 0, 1).copy()), "HSV").mode == "HSV"


@pytest.mark.parametrize(
    ("given", "mode", "error", "message"),
    [
        ("picture", None, TypeError, "pic should be Tensor or ndarray. Got <class 'str'>"),
        (np.zeros(3), None, ValueError, "2/3 dimensional. Got 1 dimensions"),
        (np.zeros((2, 2, 5)), None, ValueError, "> 4 channels. Got 5 channels"),
        (np.zeros((2, 2), np.uint8), "RGB", ValueError, "Incorrect mode .RGB.*Should be L"),
        (np.zeros((2, 2, 3), np.uint8), "L", ValueError, "Only modes .'RGB', 'YCbCr', 'HSV'."),
        (np.zeros((2, 2, 3), np.int32), None, TypeError, "Input type int32 is not supported"),
        (np.zeros((2, 2), np.uint16), None, TypeError, "Input type uint16 is not supported"),
    ],
)
def test_what_makes_no_picture_is_refused(given, mode, error, message):
    with pytest.raises(error, match=message):
        F.to_pil_image(given, mode)


def test_dtypes_keep_black_and_white():
    white = {mg.uint8: 255, mg.int16: 2**15 - 1, mg.int32: 2**31 - 1, mg.float32: 1, mg.float64: 1}
    for source, top in white.items():
        image = mg.tensor([0, top], dtype=source)
        for target, expected in white.items():
            if (source, target) == (mg.float32, mg.int32):
                with pytest.raises(RuntimeError, match="cannot be performed safely"):
                    F.convert_image_dtype(image, target)
                continue
            made = F.convert_image_dtype(image, target)
            assert made.dtype == target
            low, high = made.tolist()
            # Between integers torchvision multiplies by a power of 2, so 255 becomes 255 * 128.
            short = target == mg.int32 or (source, target) == (mg.uint8, mg.int16)
            assert low == 0
            assert expected * (1 - short / 255) <= high <= expected
    shares = F.convert_image_dtype(mg.linspace(0, 1, 256_001), mg.uint8)
    assert np.ptp(np.bincount(shares.numpy())) <= 2  # every value has an equal share of [0, 1]


# --- equal to torch or PIL where they have the operation ---


def test_equalizing_spreads_the_values_as_pil_does():
    image = np.random.default_rng(0).normal(90, 20, (40, 30, 3)).clip(0, 255).astype(np.uint8)
    expected = np.asarray(ImageOps.equalize(Image.fromarray(image)))
    np.testing.assert_array_equal(F.equalize(image), expected)
    assert expected.std() > 2 * image.std()
    batch = from_numpy(np.stack([image, 255 - image]).transpose(0, 3, 1, 2).copy())
    both = F.equalize(batch).numpy()
    np.testing.assert_array_equal(both[0].transpose(1, 2, 0), expected)
    assert abs(both[1].std() / both[0].std() - 1) < 0.1


def test_blur_is_a_convolution_of_the_mirrored_image():
    image = np.random.default_rng(0).random((2, 3, 9, 8))
    x, y = np.arange(5) - 2, np.arange(3) - 1
    kernel = np.exp(-(y[:, None] ** 2) / (2 * 0.6**2) - x**2 / (2 * 1.1**2))
    weight = torch.from_numpy(kernel / kernel.sum()).expand(3, 1, 3, 5)
    wide = torch.nn.functional.pad(torch.from_numpy(image), (2, 2, 1, 1), mode="reflect")
    expected = torch.nn.functional.conv2d(wide, weight, groups=3).numpy()
    blurred = F.gaussian_blur(from_numpy(image), [5, 3], [1.1, 0.6]).numpy()
    np.testing.assert_allclose(blurred, expected, atol=1e-12)


BAD_CALLS = [
    (lambda x: F.adjust_brightness(x, -1), ValueError, r"brightness_factor \(-1\) is not non-neg"),
    (lambda x: F.adjust_hue(x, 0.6), ValueError, r"hue_factor \(0.6\) is not in \[-0.5, 0.5\]"),
    (lambda x: F.adjust_gamma(x, -1), ValueError, "non-negative real number, got -1"),
    (lambda x: F.adjust_sharpness(x, -1), ValueError, "is not non-negative"),
    (lambda x: F.posterize(x, 9), ValueError, "between 0 and 8. Got 9"),
    (lambda x: F.posterize(x / 255, 3), TypeError, "Only uint8 image tensors.*float32"),
    (lambda x: F.equalize(x / 255), TypeError, "Only uint8 image tensors.*float32"),
    (lambda x: F.solarize(x, 256), TypeError, "less than bound of img, 255, got 256"),
    (lambda x: F.invert(x[:2]), TypeError, r"channel values are \[1, 3\], but found 2"),
    (lambda x: F.autocontrast(x[0]), TypeError, "at least 3 dimensions, but found 2"),
    (lambda x: F.rgb_to_grayscale(x, 2), ValueError, "either 1 or 3, got 2"),
    (lambda x: F.gaussian_blur(x, 4), ValueError, "odd and positive integers. Got 4"),
    (lambda x: F.gaussian_blur(x, 3, -1.0), ValueError, "positive values. Got -1.0"),
    (lambda x: F.gaussian_blur(x, "3"), TypeError, "int or a sequence of integers"),
    (lambda x: F.rotate(x, "1"), TypeError, "angle should be int or float"),
    (lambda x: F.rotate(x, 1, "nearest"), TypeError, "should be an InterpolationMode"),
    (lambda x: F.rotate(x, 1, 3), ValueError, "'bicubic' is unsupported with Tensor input"),
    (lambda x: F.rotate(x, 1, center=3), TypeError, "center should be a sequence"),
    (lambda x: F.rotate(x, 1, fill=[1, 2]), ValueError, r"\(2 != 3\)"),
    (lambda x: F.affine(x, 1, 3, 1, 0), TypeError, "translate should be a sequence"),
    (lambda x: F.affine(x, 1, (3, 1), 0, 0), ValueError, "scale should be positive, got 0"),
    (lambda x: F.affine(x, 1, (3, 1), 1, (1, 2, 3)), ValueError, "two values"),
    (lambda x: F.perspective(x, [[0, 0]], [[1, 1]]), ValueError, "exactly four corners, got 1"),
    (lambda x: F.resize(x, 4, InterpolationMode.BOX), ValueError, "'box' is unsupported"),
    (lambda x: F.five_crop(x, 99), ValueError, r"\(99, 99\) is bigger than input size \(12, 15\)"),
    (lambda x: F.convert_image_dtype(0, mg.uint8), TypeError, "Input img should be Tensor Image"),
    (F.pil_to_tensor, TypeError, "pic should be PIL Image"),
]  # fmt: skip


@pytest.mark.parametrize(("call", "error", "message"), BAD_CALLS)
def test_bad_arguments_are_refused(call, error, message):
    with pytest.raises(error, match=message):
        call(from_numpy(picture().transpose(2, 0, 1).copy()))
