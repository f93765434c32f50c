"""Parallel loops: each iteration runs once, and dependent iterations are an error."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import numba
import numpy as np
import pytest

from minigrad.kernels.compiler import kernel as build
from minigrad.kernels.compiler.kernel import (
    ALWAYS_SHARED,
    device_function,
    get_num_threads,
    kernel,
    prange,
    set_num_threads,
)
from minigrad.kernels.compiler.outline import outline


@pytest.fixture(params=range(1, 1 + min(4, numba.config.NUMBA_NUM_THREADS)))
def threads(request: pytest.FixtureRequest) -> Iterator[int]:
    before = get_num_threads()
    set_num_threads(request.param)
    yield request.param
    set_num_threads(before)


@kernel
def _two_loops(counts: Any, squares: Any, sums: Any, *steps: Any) -> None:
    scale = squares.dtype.type(3)
    for step in steps:
        for i in prange(counts.size):
            counts[i] += step
    total = 0
    for i in range(counts.size):
        total += counts[i]
    sums[0] = total
    for i in prange(squares.size):
        total = scale * counts[i]
        squares[i] = total * total
    for i in range(squares.size):
        sums[1] += squares[i]


@pytest.mark.parametrize("work", [0, ALWAYS_SHARED])
@pytest.mark.parametrize("size", [0, 1, 2, 3, 5, 1000])
def test_each_iteration_runs_once(threads: int, size: int, work: int) -> None:
    counts, squares, sums = np.zeros(size, np.int64), np.zeros(size), np.zeros(2)
    _two_loops.run(work, counts, squares, sums, 1, 2)
    assert (counts == 3).all()
    assert (squares == 81).all()
    assert sums.tolist() == [3 * size, 81 * size]


@kernel
def _through_inner_function(out: Any, x: Any) -> None:
    def twice(value: Any) -> Any:
        return value + value

    for i in range(x.size):
        out[i] = twice(x[i])


def test_a_kernel_may_hold_a_function() -> None:
    """For which Numba needs passes that other kernels do without."""
    out = np.empty(3)
    _through_inner_function.run(out, np.arange(3.0))
    assert out.tolist() == [0, 2, 4]


@kernel
def _double_rows(out: Any, x: Any) -> None:
    for m in prange(x.shape[0]):
        row, out_row = x[m], out[m]
        for k in range(row.size):
            out_row[k] = 2 * row[k]


@pytest.mark.parametrize("work", [0, ALWAYS_SHARED])
def test_views_bound_in_one_statement_are_written_through(threads: int, work: int) -> None:
    x = np.arange(35.0).reshape(7, 5)
    out = np.zeros_like(x)
    _double_rows.run(work, out, x)
    assert (out == 2 * x).all()


@kernel
def _refuse_negatives(x: Any) -> None:
    for i in prange(x.size):
        if x[i] < 0:
            raise ValueError("negative")
        x[i] = np.sqrt(x[i])


def test_an_error_on_one_thread_is_raised_as_it_is() -> None:
    with pytest.raises(ValueError, match=r"^negative$"):
        _refuse_negatives.run(0, np.array([1.0, -4.0, 9.0]))


def test_an_error_in_one_of_many_threads_does_not_stop_the_others() -> None:
    x = np.full(1000, 4.0)
    x[-1] = -1
    with pytest.raises(
        (RuntimeError, ValueError), match=r"^negative$|failed in one of its threads"
    ):
        _refuse_negatives.run(ALWAYS_SHARED, x)
    assert (x[:-1] == 2).all()


def _running_total(x: Any) -> None:
    total = 0
    for i in prange(x.size):
        total += x[i]
        x[i] = total


def _largest(x: Any, largest: Any) -> None:
    for i in prange(x.size):
        largest = max(largest, x[i])


def _neighbours(x: Any, out: Any) -> None:
    before = x[0]
    for i in prange(x.size):
        out[i] = before + x[i]
        before = x[i]


@pytest.mark.parametrize("function", [_running_total, _largest, _neighbours])
def test_dependent_iterations_are_an_error(function: Callable[..., None]) -> None:
    with pytest.raises(
        SyntaxError, match=r"binds '(total|largest|before)', which it has read before"
    ):
        outline(function, device_function)


def _nested(x: Any) -> None:
    for i in prange(x.shape[0]):
        for j in prange(x.shape[1]):
            x[i, j] = 0


def _from_one(x: Any) -> None:
    for i in prange(1, x.size):
        x[i] = 0


def _by_attribute(x: Any) -> None:
    for i in build.prange(x.size):
        x[i] = 0


@pytest.mark.parametrize("function", [_nested, _from_one, _by_attribute])
def test_other_forms_of_prange_are_an_error(function: Callable[..., None]) -> None:
    with pytest.raises(SyntaxError, match=r"prange must stand in `for i in prange\(n\)`"):
        outline(function, device_function)


def test_a_closure_is_an_error() -> None:
    factor = 2

    def scale(x: Any) -> None:
        for i in prange(x.size):
            x[i] *= factor

    with pytest.raises(TypeError, match="scale takes factor from the function around it"):
        outline(scale, device_function)


def test_kernels_run_in_python_with_disable_jit() -> None:
    program = (
        "import numpy as np\n"
        "from minigrad.kernels.reduction import reduce, softmax\n"
        "x = np.linspace(-3, 3, 6000).reshape(60, 100)\n"
        "assert type(softmax._softmax.run).__name__ == 'function'\n"
        "np.testing.assert_allclose(softmax.softmax(x, 1).sum(1), 1, rtol=1e-6)\n"
        "np.testing.assert_allclose(reduce.sum(x, (0,)), x.sum(0), atol=1e-12)\n"
    )
    environment = os.environ | {"NUMBA_DISABLE_JIT": "1"}
    ended = subprocess.run(
        [sys.executable, "-c", program],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
