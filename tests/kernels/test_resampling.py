"""Images sampled at grids, against PyTorch; sums along an axis, against products of matrices."""

import numpy as np
import pytest
import torch

from minigrad.kernels.compiler import kernel as build
from minigrad.kernels.resampling import grid_sample, taps
from minigrad.kernels.resampling.reads import dense_reads

RNG = np.random.default_rng(0)
# Beyond the chunks of positions and of channels that a task takes.
IMAGES, CHANNELS, HEIGHT, WIDTH, OUT = 2, 9, 11, 7, (17, 33)


def images_and_grid(dtype):
    images = RNG.standard_normal((IMAGES, CHANNELS, HEIGHT, WIDTH)).astype(dtype)
    grid = 1.3 * RNG.standard_normal((IMAGES, *OUT, 2))
    return images, grid.astype(dtype), RNG.standard_normal((IMAGES, CHANNELS, *OUT)).astype(dtype)


def run(images, grid, g, how):
    return (
        grid_sample.grid_sample(images, grid, how),
        grid_sample.image_grad(g, images.shape, grid, how),
        grid_sample.grid_grad(g, images, grid, how),
    )


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("align_corners", [False, True])
@pytest.mark.parametrize("padding", range(3))
@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
def test_grids_as_in_torch(mode, padding, align_corners, dtype):
    images, grid, g = images_and_grid(dtype)
    how = grid_sample.Sampling(mode == "nearest", padding, align_corners)
    found = run(images, grid, g, how)
    x, at = (torch.from_numpy(a).requires_grad_() for a in (images, grid))
    out = torch.nn.functional.grid_sample(
        x, at, mode, grid_sample.PADDING_MODES[padding], align_corners
    )
    out.backward(torch.from_numpy(g))
    tolerance = 1e-9 if dtype == np.float64 else 1e-4
    for mine, right in zip(found, (out.detach(), x.grad, at.grad), strict=True):
        np.testing.assert_allclose(mine, right.numpy(), rtol=tolerance, atol=tolerance)


def test_what_lies_outside_is_not_read():
    """Infinite pixels at the edge, of which a position outside reads nothing."""
    images, grid = np.full((1, 1, 2, 2), np.inf), np.full((1, 1, 2, 2), [[[5.0, 5.0], [np.nan, 0]]])
    out = grid_sample.grid_sample(images, grid, grid_sample.Sampling(False, 0, False))
    assert out[0, 0, 0, 0] == 0
    assert np.isnan(out[0, 0, 0, 1])


def layouts(x):
    yield x
    yield np.ascontiguousarray(x.T).T
    yield np.repeat(x, 2, axis=-1)[..., ::2]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(5, 9, 3), (70, 9, 1), (9, 130)], ids=str)
@pytest.mark.parametrize("count", [1, 2, 4])
def test_sums_along_an_axis_are_products(count, shape, dtype):
    axis = shape.index(9)
    outputs = 140
    positions = RNG.integers(0, 9, (count, outputs))
    weights = RNG.standard_normal((count, outputs))
    matrix = np.zeros((outputs, 9))
    np.add.at(matrix, (np.arange(outputs)[None], positions), weights)
    reads = dense_reads(positions, weights, 9)
    x = RNG.standard_normal(shape).astype(dtype)
    back = RNG.standard_normal([outputs if n == 9 else n for n in shape]).astype(dtype)
    tolerance = 1e-12 if dtype == np.float64 else 1e-4
    for given, listed, product in ((x, reads, matrix), (back, reads.transposed(), matrix.T)):
        right = np.moveaxis(np.tensordot(product, given, (1, axis)), 0, axis)
        for array in layouts(given):
            found = taps.read_along(array, listed, axis)
            np.testing.assert_allclose(found, right, rtol=tolerance, atol=tolerance)


def test_bit_identical_for_any_number_of_threads():
    arrays, before = images_and_grid(np.float32), build.get_num_threads()
    reads = dense_reads(RNG.integers(0, HEIGHT, (3, 300)), RNG.standard_normal((3, 300)), HEIGHT)
    results = set()
    try:
        for threads in {1, before}:
            build.set_num_threads(threads)
            found = run(*arrays, grid_sample.Sampling(False, 2, False))
            found += (taps.read_along(arrays[0], reads, 2),)
            results.add(b"".join(a.tobytes() for a in found))
    finally:
        build.set_num_threads(before)
    assert len(results) == 1
