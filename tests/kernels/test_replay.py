"""Lists of tasks against the calls that they stand for, and compiled looks at Python's objects."""

import sys

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.reduction import cross_entropy
from minigrad.kernels.replay import guards, ufunc_loops
from minigrad.kernels.replay.rows import add_row, settle_loss, sum_rows
from minigrad.kernels.replay.task_list import (
    CannotRunError,
    Place,
    Returned,
    TaskList,
    flat,
    run_tasks,
    transposed,
)

DTYPES = (np.float32, np.float64)
sizes = st.integers(1, 20)


def fixed(seen):
    """The place of an array that stays where it is; the test keeps it alive."""
    return Place(None, seen.view.ctypes.data)


def drawn(shape, dtype, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(dtype)


def run(tasks, *arrays):
    table, words, places, bases = tasks.arguments(len(arrays))
    stopped = run_tasks.run(table, places, bases, id(arrays))
    del words
    return stopped


@settings(max_examples=40, deadline=None)
@given(sizes, sizes, sizes, st.sampled_from(DTYPES), st.booleans(), st.booleans())
def test_products_have_the_bits_of_numpys(m, k, n, dtype, left, right):
    a = drawn((k, m) if left else (m, k), dtype)
    b = drawn((n, k) if right else (k, n), dtype, seed=1)
    out = np.empty((m, n), dtype)
    tasks = TaskList(fixed)
    tasks.ufunc(np.matmul, transposed(a) if left else a, transposed(b) if right else b, out)
    assert run(tasks) == -1
    expected = np.matmul(a.T if left else a, b.T if right else b)
    assert out.tobytes() == expected.tobytes()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("ufunc", [np.add, np.subtract, np.multiply, np.true_divide, np.maximum])
@pytest.mark.parametrize("shape", [(), (1,), (7,), (3, 5), (0, 4), (129,)])
def test_ufuncs_have_the_bits_of_numpys(ufunc, shape, dtype):
    a, b, out = drawn(shape, dtype), drawn(shape, dtype, seed=1), np.empty(shape, dtype)
    zero = np.zeros((), dtype)
    if a.size > 2:
        a.flat[:3] = np.nan, -0.0, np.inf
    for other in (b, zero):
        tasks = TaskList(fixed)
        tasks.ufunc(ufunc, a, other, out)
        assert run(tasks) == -1
        with np.errstate(all="ignore"):
            assert out.tobytes() == np.asarray(ufunc(a, other)).tobytes()


@settings(max_examples=30, deadline=None)
@given(sizes, st.integers(2, 40), st.sampled_from(DTYPES))
def test_rows_have_the_bits_of_numpys(m, n, dtype):
    x, row = drawn((m, n), dtype), drawn(n, dtype, seed=1)
    out, total = np.empty_like(x), np.empty(n, dtype)
    tasks = TaskList(fixed)
    tasks.kernel(add_row, out, x, row)
    tasks.kernel(sum_rows, total, out)
    assert run(tasks) == -1
    assert out.tobytes() == (x + row).tobytes()
    assert total.tobytes() == np.add.reduce(x + row, 0).tobytes()


def test_arrays_of_each_call_are_read_where_they_are():
    out = np.empty((2, 5), np.float32)
    first = drawn((2, 5), np.float32)

    def place(seen):
        return Place(0, 0) if seen.array is first else fixed(seen)

    tasks = TaskList(place)
    tasks.kernel(elementwise.relu_backward.kernel, out.size, flat(out), flat(first), flat(first))
    for seed in range(3):
        x = drawn((2, 5), np.float32, seed)
        assert run(tasks, x) == -1
        assert np.array_equal(out, np.maximum(x, 0))


@pytest.mark.parametrize("bad", [False, True])
def test_numbers_that_a_kernel_returns_reach_the_next_one_or_stop_the_list(bad):
    x, labels = drawn((4, 3), np.float32), np.array([0, 2, 1, 7 if bad else 0])
    losses, slopes, loss = np.empty(4, np.float32), np.empty_like(x), np.full((), 9, np.float32)
    after = np.zeros(4, np.float32)
    tasks = TaskList(fixed)
    _, (position, total) = tasks.kernel(
        cross_entropy._cross_entropy, 12, losses, slopes, x, labels, np.ones(3, np.float32), -100,
        0.0, 3.0, True, 1,
    )  # fmt: skip
    number, _ = tasks.kernel(
        settle_loss, flat(loss), Returned(position, np.int64), Returned(total, np.float64),
        stops=True,
    )  # fmt: skip
    tasks.ufunc(np.add, losses, losses, after)
    assert run(tasks) == (number if bad else -1)
    if bad:
        assert loss == 9
        assert not after.any()
    else:
        expected, gradient = cross_entropy.cross_entropy(x, labels, None, -100, 0.0, "mean")
        assert loss.tobytes() == expected.tobytes()
        assert slopes.tobytes() == gradient.tobytes()
        assert after.any()


def test_a_ufunc_without_a_loop_for_the_dtype_is_refused():
    x = np.ones(3, np.float32)
    with pytest.raises(CannotRunError):
        TaskList(fixed).ufunc(np.left_shift, x, x, x)
    assert ufunc_loops.loop_of(np.add, np.dtype(np.float32)).address


# --- guards ---


def test_the_layouts_of_arrays_and_dicts_are_known_here():
    assert guards.arrays_are_known()
    if sys.version_info < (3, 12):  # later ones may have no versions, and are looked at otherwise
        assert guards.dicts_are_known()


def test_headers_differ_with_layout_dtype_and_shared_memory():
    a, b = np.zeros((4, 3), np.float32), np.zeros(4, np.int64)
    headers = guards.Headers((a, b))
    assert headers.match((a.copy(), b.copy()))
    frozen = a.copy()
    frozen.flags.writeable = False
    for other in (a.T, a[:3], a[:, :2], a.astype(np.float64), frozen, a[None], a.astype(">f4")):
        assert not headers.match((other, b))
    memory = np.zeros(100, np.float32)
    shared = memory[2:14].reshape(4, 3), memory[8:16].view(np.int64)
    assert not headers.match(shared)
    assert headers.match((shared[0], memory[14:22].view(np.int64)))


def test_versions_see_each_change_of_a_dict():
    dicts = [{k: k} for k in range(5)]
    versions = guards.Versions(dicts)
    for d in dicts:
        assert versions.hold()
        d["new"] = 1
        assert not versions.hold()
        versions.note()
    versions.forget()
    assert not versions.hold()
