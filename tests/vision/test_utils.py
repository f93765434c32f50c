"""vision.utils: grids of images, computed by hand."""

import io
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from minigrad.tensor.creation import from_numpy
from minigrad.vision.utils import make_grid, save_image

small = st.integers(1, 5)


@given(small, st.sampled_from([1, 2, 3, 4]), small, small, st.integers(1, 6), st.integers(0, 3))
def test_every_image_stands_at_its_place_and_the_rest_is_border(n, c, h, w, nrow, padding):
    images = np.random.default_rng(0).random((n, c, h, w)).astype(np.float32)
    grid = make_grid(from_numpy(images), nrow=nrow, padding=padding, pad_value=7).array
    shown = np.repeat(images, 3, 1) if c == 1 else images
    if n == 1:
        np.testing.assert_array_equal(grid, shown[0])
        return
    columns = min(nrow, n)
    rows = int(np.ceil(n / columns))
    assert grid.dtype == np.float32
    assert grid.shape == (
        shown.shape[1], rows * (h + padding) + padding, columns * (w + padding) + padding
    )  # fmt: skip
    left_over = grid.copy()
    for number in range(n):
        top = padding + (number // columns) * (h + padding)
        left = padding + (number % columns) * (w + padding)
        window = np.s_[:, top : top + h, left : left + w]
        np.testing.assert_array_equal(grid[window], shown[number])
        left_over[window] = 7
    assert np.all(left_over == 7)


def test_single_images_and_lists_of_them():
    grey = from_numpy(np.arange(6, dtype=np.float32).reshape(2, 3))
    assert make_grid(grey).array.tolist() == [grey.tolist()] * 3
    colour = from_numpy(np.random.default_rng(0).random((3, 2, 2)))
    np.testing.assert_array_equal(make_grid(colour).array, colour.array)
    from_list = make_grid([colour, colour, colour], nrow=2)
    from_stack = make_grid(from_numpy(np.stack([colour.array] * 3)), nrow=2)
    np.testing.assert_array_equal(from_list.array, from_stack.array)
    np.testing.assert_array_equal(
        make_grid([grey, grey]).array,
        make_grid(from_numpy(np.stack([grey.array] * 2)[:, None])).array,
    )


def test_the_grid_shares_no_memory_with_the_images():
    image = from_numpy(np.zeros((3, 2, 2), np.float32))
    make_grid(image).array[:] = 1
    make_grid(image, normalize=True).array[:] = 1
    assert not image.array.any()


def test_normalization_by_the_whole_by_each_and_by_a_range():
    images = np.array([[0.0, 1.0, 2.0], [10.0, 20.0, 30.0]]).reshape(2, 1, 1, 3)

    def rows(**options):
        grid = make_grid(from_numpy(images), nrow=1, padding=0, normalize=True, **options)
        return grid.array[0]

    np.testing.assert_allclose(rows(), [[0, 1 / 30, 2 / 30], [1 / 3, 2 / 3, 1]])
    np.testing.assert_allclose(rows(scale_each=True), [[0, 0.5, 1], [0, 0.5, 1]])
    by_range = rows(value_range=(1.0, 21.0))
    np.testing.assert_allclose(by_range, [[0, 0, 0.05], [0.45, 0.95, 1]])
    channels = np.array([0.0, 4.0, 8.0]).reshape(
        1, 3, 1, 1
    )  # the channels of an image share a scale
    coloured = make_grid(from_numpy(channels), normalize=True, scale_each=True)
    np.testing.assert_allclose(coloured.array.ravel(), [0, 0.5, 1])
    flat = make_grid(from_numpy(np.full((1, 1, 1, 2), 5.0)), normalize=True)
    np.testing.assert_array_equal(flat.array, np.zeros((3, 1, 2)))
    assert images[1, 0, 0, 2] == 30


def test_integers_make_a_grid_too():
    images = from_numpy(np.full((2, 1, 2, 2), 200, np.uint8))
    grid = make_grid(images, pad_value=9).array
    assert grid.dtype == np.uint8
    assert set(np.unique(grid)) == {9, 200}
    with pytest.raises(TypeError, match="floating-point images, got uint8"):
        make_grid(images, normalize=True)


@pytest.mark.parametrize(
    ("tensor", "options", "error", "message"),
    [
        (np.zeros((1, 1, 2, 2)), {}, TypeError, "tensor or list of tensors expected"),
        ([np.zeros((1, 2, 2))], {}, TypeError, "tensor or list of tensors expected"),
        (from_numpy(np.zeros(3)), {}, ValueError, r"with N > 0, got \(3,\)"),
        (from_numpy(np.zeros((0, 1, 2, 2))), {}, ValueError, "with N > 0"),
        ([], {}, ValueError, "of one shape"),
        ([from_numpy(np.zeros((1, 2, i))) for i in (1, 2)], {}, ValueError, "of one shape"),
        (from_numpy(np.zeros((2, 1, 2, 2))), {"nrow": 0}, ValueError, "nrow >= 1"),
        (from_numpy(np.zeros((2, 1, 2, 2))), {"padding": -1}, ValueError, "padding >= 0"),
        (from_numpy(np.zeros((2, 1, 2, 2))), {"value_range": [0, 1]}, TypeError, "a tuple"),
    ],
)
def test_bad_arguments_are_refused(tensor, options, error, message):
    with pytest.raises(error, match=message):
        make_grid(tensor, **options)


def test_an_image_file_holds_the_rounded_grid(tmp_path):
    values = np.array([[-1.0, 0.0, 0.5, 1.0, 2.0, 0.1]], np.float32)
    save_image(from_numpy(values), tmp_path / "image.png")
    with Image.open(tmp_path / "image.png") as image:
        assert np.asarray(image)[0, :, 1].tolist() == [0, 0, 128, 255, 255, 26]
    memory = io.BytesIO()
    save_image([from_numpy(values), from_numpy(values)], memory, format="PNG", nrow=1)
    with Image.open(memory) as image:
        assert image.size == (10, 8)


def test_integers_are_not_taken_for_values_between_0_and_1(tmp_path):
    with pytest.raises(TypeError, match="floating-point images, got uint8"):
        save_image(from_numpy(np.zeros((2, 2), np.uint8)), tmp_path / "image.png")


def test_without_pil_there_is_a_hint(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(ImportError, match=r"save_image needs PIL: install minigrad\[plot\]"):
        save_image(from_numpy(np.zeros((2, 2))), tmp_path / "image.png")
