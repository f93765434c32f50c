"""vision.transforms: against PIL, against PyTorch's interpolation and padding, and by hand."""

import sys

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image

from minigrad.ops.generator import default_generator
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from minigrad.vision.transforms import InterpolationMode
from minigrad.vision.transforms import functional as F
from minigrad.vision.transforms.resample import triangle_weights

RNG = np.random.default_rng(0)
GREY = RNG.integers(0, 256, (7, 5), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (6, 9, 3), dtype=np.uint8)

sides = st.integers(1, 40)
images = st.tuples(sides, sides, st.sampled_from([(), (1,), (3,)])).flatmap(
    lambda size: arrays(np.uint8, (size[0], size[1], *size[2]))
)


def as_kinds(image: np.ndarray) -> dict[str, object]:
    """The same image as every kind that transforms take."""
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    return {
        "array": image,
        "pil": Image.fromarray(image),
        "tensor": from_numpy(planes.copy("C")),
        "batch": from_numpy(np.stack([planes, planes]).copy("C")),
    }


def picture_of(image: np.ndarray) -> Image.Image:
    return Image.fromarray(image[..., 0] if image.shape[2:] == (1,) else image)


def as_array(image: object, ndim: int) -> np.ndarray:
    """Back to (H, W) or (H, W, C); checks that a batch holds the same image twice."""
    if not isinstance(image, Tensor):
        return np.asarray(image)
    planes = image.array
    if planes.ndim == 4:
        np.testing.assert_array_equal(planes[0], planes[1])
        planes = planes[0]
    assert planes.flags.c_contiguous
    return planes[0] if ndim == 2 else planes.transpose(1, 2, 0)


def assert_same_for_all_kinds(transform, image: np.ndarray, expected: np.ndarray) -> None:
    for name, given_image in as_kinds(image).items():
        default_generator.manual_seed(5)
        result = transform(given_image)
        kinds = {"array": np.ndarray, "pil": Image.Image}
        assert isinstance(result, kinds.get(name, Tensor))
        found = as_array(result, image.ndim)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected, err_msg=name)


# --- ToTensor and Normalize ---


@given(images)
def test_pixels_become_channels_in_zero_to_one(image):
    planes = image[None] if image.ndim == 2 else image.transpose(2, 0, 1)
    expected = torch.from_numpy(planes.copy()).float().div(255).numpy()
    for pixels in (image, picture_of(image)):
        result = T.ToTensor()(pixels)
        assert result.array.flags.c_contiguous
        np.testing.assert_array_equal(result.array, expected)  # to the bit
    np.testing.assert_array_equal(T.ToTensor().batch(np.stack([image] * 2)).array[1], expected)


def test_other_pixels_keep_their_values():
    for dtype in (np.float32, np.float64, np.int32, np.bool_):
        image = (RNG.random((3, 4, 2)) * 9).astype(dtype)
        result = T.ToTensor()(image)
        assert result.array.dtype == dtype
        np.testing.assert_array_equal(result.array, image.transpose(2, 0, 1))
        assert not np.shares_memory(result.array, image)


def test_pil_s_other_modes_become_tensors():
    black_and_white = Image.fromarray(GREY > 128)
    np.testing.assert_array_equal(T.ToTensor()(black_and_white).array[0], GREY > 128)
    deep = Image.fromarray(GREY.astype(np.int32) * 1000)
    np.testing.assert_array_equal(T.ToTensor()(deep).array[0], GREY.astype(np.int32) * 1000)
    assert T.ToTensor()(Image.new("RGBA", (4, 3))).shape == (4, 3, 4)


def test_what_is_no_image_is_refused():
    with pytest.raises(TypeError, match=r"pic should be PIL Image or ndarray\. Got <class 'list'>"):
        T.ToTensor()([1])
    for ndim in (1, 4):
        with pytest.raises(ValueError, match=f"2/3 dimensional. Got {ndim} dimensions"):
            T.ToTensor()(np.zeros((2,) * ndim))
    with pytest.raises(TypeError, match="stack of ndarrays"):
        T.ToTensor().batch(from_numpy(GREY))


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize(
    ("mean", "std"), [((0.1, 0.2, 0.3), [0.5, 0.6, 0.7]), ((0.5,), (0.25,)), ([0.5], 0.25)]
)
def test_normalize_is_torch_s_arithmetic(dtype, mean, std):
    image = RNG.random((2, 3, 4, 5)).astype(dtype)
    as_torch = [
        torch.tensor(v, dtype=getattr(torch, image.dtype.name)).reshape(-1, 1, 1)
        for v in (mean, std)
    ]
    expected = torch.from_numpy(image).sub(as_torch[0]).div(as_torch[1]).numpy()
    normalize = T.Normalize(mean, std)
    np.testing.assert_array_equal(normalize(from_numpy(image)).array, expected)
    np.testing.assert_array_equal(normalize.batch(from_numpy(image)).array, expected)
    untouched = image.copy()
    tensor = from_numpy(image)
    assert T.Normalize(mean, std, inplace=True)(tensor) is tensor
    np.testing.assert_array_equal(image, expected)
    assert not np.array_equal(image, untouched)


def test_normalize_refuses_what_torchvision_refuses():
    floats = from_numpy(np.zeros((3, 2, 2), np.float32))
    cases = [
        (GREY, (0.5,), (0.5,), TypeError, "should be Tensor Image"),
        (from_numpy(GREY[None]), (0.5,), (0.5,), TypeError, "should be a float tensor.*uint8"),
        (floats[0], (0.5,), (0.5,), ValueError, r"size \(..., C, H, W\).*\(2, 2\)"),
        (floats, (0.5,), (0.0,), ValueError, "std evaluated to zero"),
        (floats, (0.5,), (1e-60,), ValueError, "std evaluated to zero"),
        (floats, (0.5, 0.5), (1.0,), RuntimeError, "3 channels, got 2"),
        (floats[:1], (0.5,), (1.0, 1.0), RuntimeError, "1 channels, got 2"),
    ]
    for image, mean, std, error, message in cases:
        with pytest.raises(error, match=message):
            T.Normalize(mean, std, inplace=True)(image)


def test_a_gradient_passes_through_normalize():
    tensor = from_numpy(np.ones((1, 2, 2))).requires_grad_()
    T.Normalize((0.5,), (0.25,))(tensor).sum().backward()
    np.testing.assert_array_equal(tensor.grad.array, np.full((1, 2, 2), 4.0))


# --- Compose and Lambda ---


def test_transforms_are_applied_in_order():
    both = T.Compose([T.Lambda(lambda x: x + 1), lambda x: x * 10])
    assert both(1) == 20
    with pytest.raises(TypeError, match="Argument lambd should be callable, got 'int'"):
        T.Lambda(3)
    with pytest.raises(TypeError, match="Compose expects callables, got str"):
        T.Compose(["flip"])


def test_a_batch_form_exists_where_every_step_has_one():
    tensor_steps = [T.ToTensor(), T.Normalize((0.5,), (0.5,))]
    assert T.batch_form(T.Compose(tensor_steps)) is not None
    assert T.batch_form(T.Compose([])) is not None
    for without in (T.RandomHorizontalFlip(), T.Lambda(abs), len, T.Compose([len])):
        assert T.batch_form(T.Compose([without, *tensor_steps])) is None
    stack = np.stack([COLOUR] * 3)
    whole = T.batch_form(T.Compose(tensor_steps))(stack)
    np.testing.assert_array_equal(whole.array[2], T.Compose(tensor_steps)(COLOUR).array)


def test_transforms_print_as_torchvision_s():
    pipeline = T.Compose([T.ToTensor(), T.Normalize((0.5,), (0.5,))])
    assert repr(pipeline) == ("Compose(\n    ToTensor()\n    Normalize(mean=(0.5,), std=(0.5,))\n)")
    assert [
        repr(transform)
        for transform in (
            T.Lambda(abs), T.RandomCrop(32, padding=4), T.RandomHorizontalFlip(), T.Pad(2),
            T.Resize(8), T.Resize((8, 9), InterpolationMode.NEAREST),
        )
    ] == [
        "Lambda()",
        "RandomCrop(size=(32, 32), padding=4)",
        "RandomHorizontalFlip(p=0.5)",
        "Pad(padding=2, fill=0, padding_mode=constant)",
        "Resize(size=8, interpolation=bilinear, max_size=None, antialias=True)",
        "Resize(size=(8, 9), interpolation=nearest, max_size=None, antialias=True)",
    ]  # fmt: skip


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


def test_windows_outside_of_the_image_are_refused():
    assert F.crop(GREY, 1, 2, 3, 3).tolist() == GREY[1:4, 2:5].tolist()
    for window in ((-1, 0, 2, 2), (0, 4, 2, 2), (6, 0, 2, 2), (0, 0, -1, 2)):
        with pytest.raises(ValueError, match="outside of the image"):
            F.crop(GREY, *window)


@pytest.mark.parametrize("image", [[[1]], "image", None, np.zeros(3), from_numpy(np.zeros(3))])
def test_geometry_refuses_what_is_no_image(image):
    for transform in (T.Pad(1), T.RandomCrop(1), T.RandomHorizontalFlip(1.0), T.Resize(2)):
        with pytest.raises(TypeError, match="an image should be"):
            transform(image)


# --- Resize ---


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
    weights = triangle_weights(size, new_size, antialias)
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
