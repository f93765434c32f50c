"""FractionalMaxPool2d compared with torch for equal random numbers, and its windows."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import minigrad as mg
from minigrad import nn
from minigrad.nn import functional as F
from minigrad.testing import arr, check
from tests.support.against_torch import assert_same, compare, outcome, same_outcome
from tests.support.torch_twin import assert_same_structure

RNG = np.random.default_rng(0)


def pooled(m, x, samples, *args, **options):
    return m.nn.functional.fractional_max_pool2d(x, *args, **options, _random_samples=samples)


@settings(deadline=None, max_examples=60)
@given(
    st.data(), st.tuples(st.integers(3, 11), st.integers(3, 11)), st.integers(0, 2**32),
    st.tuples(st.integers(1, 3), st.integers(1, 3)), st.sampled_from(["float32", "float64"]),
)  # fmt: skip
def test_pooling_matches_torch(data, size, seed, kernel, dtype):
    wanted = tuple(data.draw(st.integers(1, n - k + 1)) for n, k in zip(size, kernel, strict=True))
    rng = np.random.default_rng(seed)
    x = rng.permutation(6 * size[0] * size[1]).reshape(2, 3, *size).astype(dtype)
    samples = rng.random((2, 3, 2)).astype(dtype)
    compare(lambda m, x: pooled(m, x, m.tensor(samples), kernel, wanted), x)
    compare(
        lambda m, x: pooled(m, x, m.tensor(samples), kernel, wanted, return_indices=True),
        x, gradients=False,
    )  # fmt: skip


@pytest.mark.parametrize("kernel", [2, (2, 3)])
@pytest.mark.parametrize("wanted", [{"output_size": 4}, {"output_ratio": (0.5, 0.7)}])
@pytest.mark.parametrize("batch", [(), (2,)], ids=["one image", "batch"])
def test_the_layer_is_torchs(kernel, wanted, batch):
    x, samples = RNG.normal(size=(*batch, 3, 9, 8)), RNG.random((2, 3, 2))[: len(batch) + 1]
    results = []
    for m in (mg, torch):
        given = m.tensor(samples)
        layer = m.nn.FractionalMaxPool2d(kernel, **wanted, _random_samples=given)
        plain = m.nn.FractionalMaxPool2d(kernel, **wanted)
        both = m.nn.FractionalMaxPool2d(
            kernel, **wanted, _random_samples=given, return_indices=True
        )
        results.append((layer, plain, (layer(m.tensor(x)), *both(m.tensor(x)))))
    (ours, our_plain, found), (theirs, their_plain, expected) = results
    assert_same_structure(ours, theirs)
    assert_same_structure(our_plain, their_plain)
    assert_same(found, expected)


def test_places_can_be_unpooled_and_the_gradient_checked():
    samples = mg.tensor(RNG.random((2, 1, 2)))

    def of(x):
        return F.fractional_max_pool2d(x, 2, 3, _random_samples=samples)

    found = check(of, arr.of(2, 1, 5, 7, distinct=True))
    assert found.first < 1e-6
    x = mg.randn(2, 3, 6, 6)
    largest, places = F.fractional_max_pool2d_with_indices(x, 2, (3, 3))
    back = F.max_unpool2d(largest, places, 2, output_size=(6, 6)).numpy()
    kept = back != 0
    assert kept.any()
    np.testing.assert_array_equal(back[kept], x.numpy()[kept])


def test_windows_are_drawn_anew_repeat_with_the_seed_and_reach_from_end_to_end():
    x = mg.arange(400.0).reshape(1, 1, 20, 20).expand(500, 2, 20, 20)
    layer = nn.FractionalMaxPool2d(2, output_size=13)
    mg.manual_seed(1)
    first, second = layer(x), layer(x)
    mg.manual_seed(1)
    assert not first.equal(second)
    assert first.equal(layer(x))
    # The largest stands in the window's last corner; the first window begins at 0.
    rows = first.numpy()[..., 0] // 20 - 1
    assert (rows[..., 0] == 0).all()
    assert (rows[..., -1] == 18).all()
    steps = np.diff(rows, axis=-1)
    assert set(np.unique(steps[..., :-1])) == {1, 2}
    assert steps[..., :-1].mean() == pytest.approx(18 / 12, abs=0.02)


REFUSED = {
    "neither size nor ratio": lambda m, x: m.nn.functional.fractional_max_pool2d(x, 2),
    "three ratios": lambda m, x: m.nn.functional.fractional_max_pool2d(
        x, 2, output_ratio=(0.5, 0.5, 0.5)
    ),
    "windows too large": lambda m, x: m.nn.functional.fractional_max_pool2d(x, 2, 6),
    "numbers for one dimension": lambda m, x: pooled(m, x, x[0, :, :2, 0], 2, 3),
    "numbers for fewer images": lambda m, x: pooled(m, x, m.rand(1, 3, 2).double(), 2, 3),
    "numbers for other channels": lambda m, x: pooled(m, x, m.rand(2, 2, 2).double(), 2, 3),
    "numbers of another dtype": lambda m, x: pooled(m, x, m.rand(2, 3, 2), 2, 3),
    "integers": lambda m, x: m.nn.functional.fractional_max_pool2d(x.long(), 2, 3),
    "a layer without a size": lambda m, x: m.nn.FractionalMaxPool2d(2),
    "a layer with size and ratio": lambda m, x: m.nn.FractionalMaxPool2d(2, 3, 0.5),
    "a ratio of 1": lambda m, x: m.nn.FractionalMaxPool2d(2, output_ratio=1.0),
    "a ratio of 0": lambda m, x: m.nn.FractionalMaxPool2d(2, output_ratio=(0.5, 0.0)),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_does_not_fit_is_refused(name):
    x = RNG.normal(size=(2, 3, 6, 6))
    theirs = outcome(torch, REFUSED[name], torch.tensor(x))
    assert isinstance(theirs, type), "torch takes it"
    same_outcome(REFUSED[name], x)
    with pytest.raises((ValueError, RuntimeError), match=r"\w+.*\w+"):
        REFUSED[name](mg, mg.tensor(x))
    with pytest.raises(RuntimeError, match="3D"):
        F.fractional_max_pool2d(mg.ones(4, 4), 2, 2)
