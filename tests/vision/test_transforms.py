"""ToTensor, Normalize, Compose and Lambda: against PyTorch's arithmetic, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from PIL import Image

import minigrad as mg
from minigrad.tensor.creation import from_numpy
from minigrad.vision import transforms as T
from minigrad.vision.transforms import InterpolationMode
from tests.support.images import COLOUR, GREY, RNG, images, picture_of

# --- ToTensor and Normalize ---


def test_images_become_numbers_of_the_default_dtype():
    image = np.arange(24, dtype=np.uint8).reshape(2, 4, 3) * 11
    mg.set_default_dtype(mg.float64)
    try:
        single, stacked = T.ToTensor()(image), T.ToTensor().batch(image[None])
    finally:
        mg.set_default_dtype(mg.float32)
    for tensor in (single, stacked[0]):
        assert tensor.dtype == mg.float64
        np.testing.assert_array_equal(tensor.numpy(), image.transpose(2, 0, 1) / 255.0)


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
