"""Reading and adding at positions against NumPy's indexing."""

from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad import from_numpy
from minigrad.kernels import gather
from minigrad.kernels.compiler import kernel
from minigrad.ops.indexing.getitem import Index, getitem, getitem_backward

Array = np.ndarray[Any, Any]
DTYPES = st.sampled_from([np.float32, np.float64, np.int64, np.int32, np.int8, np.complex64])
SHAPES = st.lists(st.integers(1, 9), min_size=1, max_size=4).map(tuple)


@st.composite
def arrays_and_indices(draw: st.DrawFn) -> tuple[Array, tuple[Any, ...]]:
    """An array, and an index with integer arrays for some dimensions, side by side or not."""
    shape = draw(SHAPES)
    count = draw(st.integers(1, len(shape)))
    first = draw(st.integers(0, len(shape) - count))
    places = draw(st.lists(st.integers(0, 7), max_size=2).map(tuple))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    index: list[Any] = [slice(None)] * first
    for length in shape[first : first + count]:
        index.append(rng.integers(-length, length, places or (3,)))
    form = draw(st.sampled_from(["short", "full", "dots before", "dots behind", "one by one"]))
    if form == "full":
        index += [slice(None)] * (len(shape) - len(index))
    elif form == "dots before":
        index = [..., *index[first:], *[slice(None)] * (len(shape) - first - count)]
    elif form == "dots behind":
        index.append(...)
    elif form == "one by one":
        index = [np.arange(length)[:, None, None, None] for length in shape[:1]] + [slice(None)]
    x = rng.integers(-9, 9, shape).astype(draw(DTYPES))
    return (x.T.copy().T if draw(st.booleans()) else x), tuple(index[: max(len(shape), len(index))])


@given(case=arrays_and_indices())
@settings(deadline=None, max_examples=200)
def test_reading_and_adding_as_numpy(case: tuple[Array, tuple[Any, ...]]) -> None:
    x, index = case
    try:
        expected = x[index]
    except IndexError:  # more parts than dimensions
        with pytest.raises(IndexError):
            gather.take_at(x, index)
        return
    with mock.patch.multiple(gather, MIN_ADDED=0, MIN_READ=0):
        np.testing.assert_array_equal(gather.take_at(x, index), expected)
        values = np.random.default_rng(1).integers(-9, 9, expected.shape).astype(x.dtype)
        out, wanted = x.copy(order="C"), x.copy(order="C")
        gather.add_at(out, index, values)
    np.add.at(wanted, index, values)
    np.testing.assert_array_equal(out, wanted)


@given(shape=SHAPES, dtype=DTYPES, data=st.data())
@settings(deadline=None, max_examples=150)
def test_along_a_dimension_as_numpy(shape: tuple[int, ...], dtype: Any, data: Any) -> None:
    dim = data.draw(st.integers(0, len(shape) - 1))
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    sizes = [data.draw(st.sampled_from([size, size, max(1, size - 1)])) for size in shape]
    sizes[dim] = data.draw(st.integers(0, 12))
    index = rng.integers(0, shape[dim], sizes)
    x = rng.integers(-9, 9, shape).astype(dtype)
    part = x[tuple(slice(None) if i == dim else slice(n) for i, n in enumerate(sizes))]
    with mock.patch.multiple(gather, MIN_ADDED=0, MIN_READ=0):
        taken = gather.take_along(x, index, dim)
        out, put = x.copy(), x.copy()
        gather.add_along(out, index, taken, dim)
        gather.put_along(put, index, -taken, dim)
    np.testing.assert_array_equal(taken, np.take_along_axis(part, index, dim))
    wanted, wanted_put = x.copy(), x.copy()
    for at in np.ndindex(*sizes):
        place = (*at[:dim], index[at], *at[dim + 1 :])
        wanted[place] += taken[at]
        wanted_put[place] = -taken[at]
    np.testing.assert_array_equal(out, wanted)
    np.testing.assert_array_equal(put, wanted_put)


@pytest.mark.parametrize("position", [600, -601])
def test_an_index_out_of_bounds_is_numpys_error(position: int) -> None:
    x, index = np.ones((600, 3)), (np.full(300, position),)
    with pytest.raises(IndexError, match=rf"index {position} is out of bounds for axis 0"):
        gather.take_at(x, index)
    with pytest.raises(IndexError, match=rf"index {position} is out of bounds for axis 0"):
        gather.add_at(x, index, np.ones((300, 3)))
    assert (x == 1).all()


@pytest.mark.parametrize("shape", [(3, 2), (90, 70)])
@pytest.mark.parametrize("dim", [0, 1])
@pytest.mark.parametrize("position", ["end", -1])
def test_an_index_along_a_dimension_out_of_bounds_is_torchs_error(shape, dim, position) -> None:
    x = np.ones(shape, np.float32)
    index = np.zeros(shape, np.int64)
    bad = index[-1, -1] = shape[dim] if position == "end" else position
    words = f"index {bad} is out of bounds for dimension {dim} with size {shape[dim]}"
    for dtype in (np.float32, np.int8):
        for call in (
            lambda x: gather.take_along(x, index, dim),
            lambda x: gather.add_along(x, index, x.copy(), dim),
            lambda x: gather.put_along(x, index, x.copy(), dim),
        ):
            with pytest.raises(RuntimeError, match=words):
                call(x.astype(dtype))


@pytest.mark.parametrize("size", [0, 1, 5, 2048, 2049, 70_000])
def test_bounds_at_their_ends(size: int) -> None:
    index = np.random.default_rng(0).integers(-7, 9, size)
    assert gather.is_within(index, -7, 9)
    for place in {0, size // 2, size - 1} if size else ():
        for value, is_inside in ((-7, True), (8, True), (-8, False), (9, False), (-(2**63), False)):
            index[place] = value
            assert gather.is_within(index, -7, 9) == is_inside
        index[place] = 0


def test_along_a_dimension_bit_identical_on_one_thread_and_two() -> None:
    rng = np.random.default_rng(3)
    x = rng.standard_normal((300, 200)).astype(np.float32)
    results, before = [], kernel.get_num_threads()
    index = rng.integers(0, 200, x.shape)
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            added, put = x.copy(), x.copy()
            for dim in (0, 1):
                gather.add_along(added, index, x, dim)
                gather.put_along(put, index, x, dim)
            results.append((gather.take_along(x, index, 0), added, put))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)


def test_bit_identical_on_one_thread_and_two() -> None:
    rng = np.random.default_rng(3)
    x = from_numpy(rng.standard_normal((500, 300)).astype(np.float32))
    index = Index((rng.integers(0, 500, 4000),))
    results, before = [], kernel.get_num_threads()
    try:
        for threads in (1, before):
            kernel.set_num_threads(threads)
            taken = getitem(x, index=index)
            back = getitem_backward(taken, index=index, shape=x.shape)
            results.append((taken.array, back.array))
    finally:
        kernel.set_num_threads(before)
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
