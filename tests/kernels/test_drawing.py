"""Normal numbers of the kernel are NumPy's, bit for bit, and so is the state after them."""

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels.drawing import normal

MANY = normal.LEAST + 7


def streams(seed, bits=np.random.SFC64):
    return (np.random.Generator(bits(seed)) for _ in range(2))


def state(source):
    return str(source.bit_generator.state)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("before", [0, 1])
def test_a_million_standard_numbers(before, dtype):
    mine, numpys = streams(3)
    for source in (mine, numpys):  # one number of 32 bits leaves a half behind
        source.standard_normal(before, np.float32)
    found = normal.standard_normal(mine, (1000, 1000), dtype)
    assert found.dtype == dtype
    assert np.array_equal(found, numpys.standard_normal((1000, 1000), dtype))
    assert state(mine) == state(numpys)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_numbers_with_mean_and_deviation(dtype):
    mine, numpys = streams(4)
    found = normal.normal(mine, -0.3, 1.7, (MANY,), np.dtype(dtype))
    assert np.array_equal(found, numpys.normal(-0.3, 1.7, MANY).astype(dtype))
    assert state(mine) == state(numpys)


def test_other_generators_and_few_numbers_are_numpys():
    for bits, count in ((np.random.PCG64, MANY), (np.random.SFC64, 9)):
        mine, numpys = streams(5, bits)
        found = normal.standard_normal(mine, (count,), np.float32)
        assert np.array_equal(found, numpys.standard_normal(count, np.float32))
        assert state(mine) == state(numpys)


def test_without_the_tables_numpy_draws(monkeypatch):
    monkeypatch.setattr(normal, "tables", None)
    normal._is_numpys.cache_clear()
    mine, numpys = streams(6)
    found = normal.normal(mine, 0.0, 1.0, (MANY,), np.dtype(np.float64))
    assert np.array_equal(found, numpys.normal(0.0, 1.0, MANY))
    normal._is_numpys.cache_clear()


def test_seeds_give_the_numbers_of_numpys_stream():
    numpys = np.random.Generator(np.random.SFC64(8))
    mg.manual_seed(8)
    assert np.array_equal(mg.randn(MANY).numpy(), numpys.standard_normal(MANY, np.float32))
    filled = mg.empty(MANY).normal_(2.0, 0.5).numpy()
    assert np.array_equal(filled, numpys.normal(2.0, 0.5, MANY).astype(np.float32))
    drawn = mg.normal(1.0, 3.0, (MANY,)).numpy()
    right = numpys.standard_normal(MANY, np.float32) * 3.0 + 1.0
    assert np.array_equal(drawn, right.astype(np.float32))
    assert mg.rand(1).item() == numpys.random(1, np.float32)[0]
