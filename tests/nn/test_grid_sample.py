"""Grids of positions and images sampled at them, compared with torch."""

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad.nn import functional as F
from tests.support.against_torch import compare, same_outcome

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("align_corners", [True, False])
@pytest.mark.parametrize("size", [(2, 3, 4, 5), (2, 1, 1, 3)])
@pytest.mark.filterwarnings("ignore:Since version", "ignore:Default")
def test_affine_grids_are_torchs(align_corners, size):
    theta = RNG.normal(size=(2, 2, 3))
    compare(lambda m, t: m.nn.functional.affine_grid(t, size, align_corners=align_corners), theta)
    same_outcome(lambda m, t: m.nn.functional.affine_grid(t[:, :1], size), theta)
    volume = (*size[:2], 3, *size[2:])
    theta3 = RNG.normal(size=(2, 3, 4))
    compare(lambda m, t: m.nn.functional.affine_grid(t, volume, align_corners), theta3)
    same_outcome(lambda m, t: m.nn.functional.affine_grid(t, volume), theta)
    with pytest.raises(ValueError, match="size"):
        F.affine_grid(mg.tensor(theta), (2, 3, 4))


@pytest.mark.parametrize("mode", ["bilinear", "nearest", "bicubic"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
@given(st.integers(0, 1000))
@settings(max_examples=5)
def test_samples_of_images_are_torchs(mode, padding_mode, align_corners, seed):
    rng = np.random.default_rng(seed)
    x, grid = rng.normal(size=(2, 3, 4, 5)), 1.6 * rng.normal(size=(2, 3, 2, 2))
    pixels = np.stack([(grid[..., i] + 1) * (5 - i) / 2 for i in (0, 1)])
    assume(np.abs(pixels * 2 - np.rint(pixels * 2)).min() > 1e-6)  # away from kinks

    def sampled(m, x, grid):
        return m.nn.functional.grid_sample(x, grid, mode, padding_mode, align_corners)

    if mode == "nearest":  # torch's gradient of the grid is zero; here there is none
        compare(lambda m, x: sampled(m, x, m.tensor(grid)), x)
    else:
        compare(sampled, x, grid)


@pytest.mark.parametrize("mode", ["bilinear", "nearest"])
@pytest.mark.parametrize("padding_mode", ["zeros", "border", "reflection"])
@pytest.mark.parametrize("align_corners", [True, False])
@given(st.integers(0, 1000))
@settings(max_examples=5)
def test_samples_of_volumes_are_torchs(mode, padding_mode, align_corners, seed):
    rng = np.random.default_rng(seed)
    x, grid = rng.normal(size=(2, 3, 2, 4, 5)), 1.6 * rng.normal(size=(2, 1, 3, 2, 3))
    pixels = np.stack([(grid[..., i] + 1) * (5, 4, 2)[i] / 2 for i in range(3)])
    assume(np.abs(pixels * 2 - np.rint(pixels * 2)).min() > 1e-6)  # away from kinks

    def sampled(m, x, grid):
        return m.nn.functional.grid_sample(x, grid, mode, padding_mode, align_corners)

    if mode == "nearest":
        compare(lambda m, x: sampled(m, x, m.tensor(grid)), x)
    else:
        compare(sampled, x, grid)


@pytest.mark.filterwarnings("ignore:Default")
def test_what_cannot_be_sampled_is_refused():
    x = RNG.normal(size=(2, 3, 4, 5))
    for bad in ((2, 3, 4, 3), (1, 3, 4, 2), (2, 3, 2)):
        same_outcome(
            lambda m, x, bad=bad: m.nn.functional.grid_sample(x, m.zeros(bad, dtype=m.float64)), x
        )
    same_outcome(lambda m, x: m.nn.functional.grid_sample(x, x, mode="wrong"), x)
    same_outcome(lambda m, x: m.nn.functional.grid_sample(x[:, :, None], m.zeros(2, 1, 1, 1, 2)), x)
    with pytest.raises(RuntimeError, match="bicubic interpolation only supports 4D input"):
        F.grid_sample(mg.zeros(1, 1, 2, 2, 2), mg.zeros(1, 1, 1, 1, 3), "bicubic")
