"""Products of matrices and vectors."""

import inspect
import math
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V, Value
from minigrad.engine.op import arr, composed, label_node, op, sample
from minigrad.kernels.matmul.matmul import matmul as multiply
from minigrad.kernels.reduction.reduce import sum as total


def _rows(x: Any) -> Any:
    """(..., k) -> (rows, k) of a tensor or an array; sizes are given, as -1 fails for k = 0."""
    return x if x.ndim == 2 else x.reshape(math.prod(x.shape[:-1]), x.shape[-1])


def _left_rule(g: V, out: V, a: V, b: V) -> V:
    return (g @ b.mT).sum_to_size(a.shape)


def _right_rule(g: V, out: V, a: V, b: V) -> V:
    if a.ndim > 2 and len(b.shape) == 2:  # one product over all leading axes, not their sum
        return _rows(a).mT @ _rows(g)
    return (a.mT @ g).sum_to_size(b.shape)


@op(
    node=lambda node: "MmBackward0" if node.ndim(0) == node.ndim(1) == 2 else "BmmBackward0",
    vjp=(_left_rule, _right_rule),
    degree=1,
    samples=[
        sample(arr.of(5, 3), arr.of(3, 4)),
        sample(arr.of(2, 5, 3), arr.of(3, 4)),
        sample(arr.of(2, 5, 3), arr.of(2, 3, 4)),
        sample(arr.of(5, 3), arr.of(2, 3, 4)),
        sample(arr.of(2, 1, 2, 3), arr.of(3, 3, 1)),
        sample(arr.of(2, 0), arr.of(0, 3)),
        sample(arr.of(0, 2), arr.of(2, 3)),
        sample(arr.of(2, 3, 0), arr.of(0, 4)),
    ],
)
def mm(input: Array, other: Array) -> Array:
    """(..., m, k) @ (..., k, n) -> (..., m, n); leading axes broadcast."""
    if input.dtype is not other.dtype or input.dtype.kind == "b":
        _require_same_dtype("matmul", input, other)
    if input.shape[-1] != other.shape[-2]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_times(input)} and {_times(other)}): "
            f"the last size of the first must equal the last but one of the second"
        )
    if input.ndim > 2 or other.ndim > 2:
        _require_broadcastable(input, other)
    return multiply(input, other)


@composed
def matmul(input: V, other: V) -> V:
    """The matrix product; a 1-d operand is a row on the left, a column on the right.

    (m, k) @ (k, n) -> (m, n);  (..., m, k) @ (..., k, n) -> (..., m, n);  (k,) @ (k,) -> ().
    Raises RuntimeError for 0-d operands, sizes that do not match, or different dtypes.
    """
    if input.array.ndim > 1 and other.array.ndim > 1:
        return mm(input, other)
    if input.ndim == 0 or other.ndim == 0:
        raise RuntimeError(
            f"both arguments to matmul need to be at least 1D, but they are {input.ndim}D and "
            f"{other.ndim}D"
        )
    left = input.unsqueeze(0) if input.ndim == 1 else input
    right = other.unsqueeze(1) if other.ndim == 1 else other
    product = mm(left, right)
    if input.ndim == 1:
        product = product.squeeze(-2)
    if other.ndim > 1:
        return product
    return label_node(product.squeeze(-1), "DotBackward0" if input.ndim == 1 else "MvBackward0")


_product = inspect.unwrap(matmul)


# Vectors up to so long have their product from BLAS, on one thread and in their own type.
SHORT = 8192


@op(
    node="DotBackward0",
    vjp=(lambda g, out, x, y: g * y, lambda g, out, x, y: g * x),
    degree=1,
    samples=[sample(arr.of(5), arr.of(5))],
)
def short_dot(input: Array, tensor: Array) -> Any:
    """The sum of products of two vectors of one size and floating dtype."""
    return np.dot(input, tensor)


def matmul_operator(input: Any, other: Any) -> Any:
    """The matrix product as Python's operator: NotImplemented for operands that are no tensors."""
    try:
        return _product(input, other)
    except AttributeError:
        if isinstance(input, Value) and isinstance(other, Value):
            raise
        return NotImplemented


@op(
    node=lambda node: "MmBackward0" if node.inputs[2] is None else "AddmmBackward0",
    vjp=(
        lambda g, out, x, w, b: g @ w,
        lambda g, out, x, w, b: _rows(g).mT @ _rows(x),
        lambda g, out, x, w, b: g.sum_to_size(b.shape),
    ),
    array_vjp=(
        lambda g, out, x, w, b: multiply(_rows(g), w).reshape(*g.shape[:-1], w.shape[1]),
        lambda g, out, x, w, b: multiply(_rows(g).T, _rows(x)),
        lambda g, out, x, w, b: total(_rows(g), (0,), False),
    ),
    degree=1,
    samples=[
        sample(arr.of(5, 3), arr.of(4, 3), arr.of(4)),
        sample(arr.of(2, 5, 3), arr.of(4, 3), arr.of(4)),
        sample(arr.of(5, 3), arr.of(4, 3)),
        sample(arr.of(0, 3), arr.of(4, 3), arr.of(4)),
        sample(arr.of(2, 5, 0), arr.of(4, 0), arr.of(4)),
        sample(arr.of(3), arr.of(4, 3)),
    ],
)
def linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    """input @ weight.T + bias: (..., in) and (out, in), (out,) -> (..., out)."""
    operands = [input, weight] if bias is None else [input, weight, bias]
    _require_same_dtype("linear", *operands)
    if input.shape[-1] != weight.shape[-1]:
        raise RuntimeError(
            f"mat1 and mat2 shapes cannot be multiplied ({_times(input)} and "
            f"{weight.shape[1]}x{weight.shape[0]}): linear expects input of {weight.shape[1]} "
            f"features, got {input.shape[-1]}{_flattening(input, weight.shape[1])}"
        )
    if bias is not None and bias.shape != weight.shape[:1]:
        raise RuntimeError(
            f"linear: bias must have shape [{weight.shape[0]}], got {list(bias.shape)}"
        )
    rows = _rows(input) if input.ndim != 2 else input
    product = multiply(rows, weight.T, bias)
    return product if input.ndim == 2 else product.reshape(*input.shape[:-1], weight.shape[0])


def _flattening(input: Array, features: int) -> str:
    """What to do if each sample has as many elements as the layer has features."""
    fits = input.ndim > 2 and int(np.prod(input.shape[1:])) == features
    return f"; flatten(1) makes a row of {features} of each sample" if fits else ""


def _times(array: Array) -> str:
    rows = int(np.prod(array.shape[:-1]))
    return f"{rows}x{array.shape[-1]}"


# What torch's message calls them.
_C_NAMES = {"float32": "float", "float64": "double", "float16": "c10::Half"}


def _require_same_dtype(name: str, *arrays: Array) -> None:
    first = arrays[0].dtype
    if first.kind == "b":
        raise RuntimeError(f"{name}: not implemented for bool; cast the operands to numbers")
    for array in arrays[1:]:
        if array.dtype != first:
            raise RuntimeError(
                f"{name}: expected operands to have the same dtype, but got: "
                f"{_C_NAMES.get(first.name, first.name)} != "
                f"{_C_NAMES.get(array.dtype.name, array.dtype.name)}; x.float() or "
                f"x.to(other.dtype) converts"
            )


def _require_broadcastable(a: Array, b: Array) -> None:
    try:
        np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
    except ValueError:
        raise RuntimeError(
            f"matmul: the leading sizes of {list(a.shape)} and {list(b.shape)} do not broadcast"
        ) from None
