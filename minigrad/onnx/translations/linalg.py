"""Products."""

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.translations.table import translates, translates_to
from minigrad.ops.linalg import determinants, matmul
from minigrad.ops.nn import resample

translates_to({"MatMul": matmul.mm, "Det": determinants.det})


@translates(matmul.short_dot)
def _short_dot(c: Call) -> str:
    product = c.node("Mul", c.input(0), c.input(1))
    return c.node("ReduceSum", product, None, keepdims=0)


@translates(matmul.linear)
def _linear(c: Call) -> str:
    x, weight, bias = c.input(0), c.input(1), c.optional(2)
    if c.ndim() == 2:
        return c.node("Gemm", x, weight, bias, transB=1)
    product = c.node("MatMul", x, c.node("Transpose", weight, perm=[1, 0]))
    return product if bias is None else c.node("Add", product, bias)


@translates(resample.read_along)
def _read_along(c: Call) -> str:
    """A product with a matrix that holds the weights of all inputs for each output."""
    reads, dim = c.settings["reads"], c.settings["dim"]
    matrix = np.zeros((reads.outputs, reads.size))
    rows = np.repeat(np.arange(reads.outputs), np.diff(reads.starts))
    np.add.at(matrix, (rows, reads.positions), reads.weights)
    dtype = c.args[0].dtype
    if dim == c.ndim() - 2:
        return c.node("MatMul", matrix.astype(dtype), c.input(0))
    weights = np.ascontiguousarray(matrix.T, dtype)
    if dim == c.ndim() - 1:
        return c.node("MatMul", c.input(0), weights)
    perm = list(range(c.ndim()))
    perm[dim], perm[-1] = perm[-1], perm[dim]
    product = c.node("MatMul", c.node("Transpose", c.input(0), perm=perm), weights)
    return c.node("Transpose", product, perm=perm)
