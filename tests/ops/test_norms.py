"""Norms of vectors and matrices, compared with torch."""

import math

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.against_torch import compare, outcome
from tests.support.matrices import numbers, transposed_in_memory

VECTOR_ORDERS = [2, 1, 0, 3, 0.5, 1.5, -1, -2.5, math.inf, -math.inf]
MATRIX_ORDERS = ["fro", "nuc", 1, -1, 2, -2, math.inf, -math.inf]


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_vector_norms(ord, dtype):
    smooth = ord != 0  # torch's gradient of the 0-norm is None, ours is zeros

    def same(function, array, note=""):
        compare(function, array, gradients=smooth, note=note)

    x = numbers((3, 4, 2)).astype(dtype)
    for dim in (None, 0, (0, -1), [1]):
        same(lambda m, x: m.linalg.vector_norm(x, ord, dim), x, str(dim))  # noqa: B023
        same(lambda m, x: m.linalg.vector_norm(transposed_in_memory(x), ord, dim, True), x)  # noqa: B023
    same(lambda m, x: m.linalg.vector_norm(x, ord, dtype=m.float64), x)
    same(lambda m, x: m.linalg.norm(x, ord), x[:, 0, 0])
    same(lambda m, x: m.linalg.vector_norm(x, ord), x[0, 0, 0])


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
def test_vector_norms_at_zero(ord):
    with_zeros = numbers((3, 4))
    with_zeros[0], with_zeros[1, 2] = 0, 0
    compare(lambda m, x: m.linalg.vector_norm(x, ord, 1), with_zeros, gradients=ord > 0)
    special = np.array([[math.nan, 1.0], [math.inf, 2.0], [-math.inf, math.inf]])
    compare(lambda m, x: m.linalg.vector_norm(x, ord, 1), special, gradients=False)


@pytest.mark.parametrize("ord", VECTOR_ORDERS)
@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0)], ids=str)
def test_vector_norms_of_nothing(ord, shape):
    for dim in (None, 0, -1):
        ours, theirs = (
            outcome(m, lambda m: m.linalg.vector_norm(m.zeros(shape), ord, dim))  # noqa: B023
            for m in (mg, torch)
        )
        if isinstance(theirs, type):
            assert issubclass(ours, theirs), dim
        else:
            assert (ours.tolist(), tuple(ours.shape)) == (theirs.tolist(), tuple(theirs.shape))


@pytest.mark.parametrize("ord", MATRIX_ORDERS)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_matrix_norms(ord, dtype):
    x = numbers((2, 4, 3)).astype(dtype)
    compare(lambda m, x: m.linalg.matrix_norm(x, ord), x)
    for dim in ((0, 1), (-1, 0), (2, 1)):
        compare(lambda m, x: m.linalg.matrix_norm(x, ord, dim, True), x, note=str(dim))  # noqa: B023
        compare(lambda m, x: m.linalg.norm(x, ord, dim), x, note=str(dim))  # noqa: B023
    compare(lambda m, x: m.linalg.norm(transposed_in_memory(x), ord), x[0])


def test_diagonals():
    compare(lambda m, x: m.linalg.diagonal(x, offset=1), numbers((2, 3, 4)))
    compare(lambda m, x: m.linalg.diagonal(x, dim1=0), numbers((2, 3, 4)))


def test_norm_without_order():
    x = numbers((2, 4, 3))
    compare(lambda m, x: (m.linalg.norm(x), m.linalg.norm(x, dim=(0, 1))), x)
    compare(lambda m, x: m.linalg.norm(x, dim=1, keepdim=True, dtype=m.float64), x.astype("f4"))
