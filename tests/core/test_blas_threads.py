"""Factorizations run on one BLAS thread, and leave the process's setting as they found it."""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.core import blas_threads
from minigrad.core.blas_threads import on_one_thread, one_blas_thread

read, write = blas_threads._thread_count()


@pytest.fixture(autouse=True)
def two_threads():
    before = read()
    write(2)
    if read() != 2:
        pytest.skip("NumPy's BLAS is of a kind whose threads cannot be set, or has one only")
    yield
    assert read() == 2
    write(before)


def test_functions_run_on_one_thread():
    assert on_one_thread(read)() == 1


def test_an_exception_leaves_the_setting():
    with pytest.raises(mg.linalg.LinAlgError):
        mg.linalg.inv(mg.zeros(3, 3))
    assert read() == 2


def test_callers_in_many_threads_see_one_until_the_last_has_left():
    inside = threading.Barrier(3)
    seen = []

    def call():
        with one_blas_thread():
            inside.wait()
            seen.append(read())
            inside.wait()

    threads = [threading.Thread(target=call) for _ in range(2)]
    for thread in threads:
        thread.start()
    inside.wait()
    assert read() == 1
    inside.wait()
    for thread in threads:
        thread.join()
    assert seen == [1, 1]


@pytest.mark.parametrize("function", ["inv", "cholesky", "qr", "svd", "eigh", "det"])
def test_bits_do_not_depend_on_the_threads_of_blas(function):
    matrix = np.random.default_rng(0).standard_normal((300, 300))
    matrix = mg.tensor(matrix @ matrix.T + 300 * np.eye(300))
    results = []
    for threads in (1, 2):
        write(threads)
        found = getattr(mg.linalg, function)(matrix)
        results.append([t.numpy() for t in (found if isinstance(found, tuple) else (found,))])
    for one, two in zip(*results, strict=True):
        np.testing.assert_array_equal(one, two)
