"""Operations composed of others: what they compute is theirs, their derivatives are not."""

from typing import Any

import numpy as np

from minigrad.engine.op import composed
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.linalg import norms
from minigrad.ops.nn.softmax import log_softmax, softmax

# --- arithmetic -----------------------------------------------------------------------------


def scaled_add(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input + alpha * other."""
    return arithmetic.add(input, other if alpha == 1 else other * alpha)


def scaled_sub(input: Any, other: Any, *, alpha: float = 1) -> Any:
    """input - alpha * other."""
    return arithmetic.sub(input, other if alpha == 1 else other * alpha)


@composed
def addcmul(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 * tensor2."""
    return input + (tensor1 * tensor2 if value == 1 else value * tensor1 * tensor2)


@composed
def addcdiv(input: Any, tensor1: Any, tensor2: Any, *, value: float = 1) -> Any:
    """input + value * tensor1 / tensor2."""
    return input + value * (tensor1 / tensor2)


@composed
def lerp(input: Any, end: Any, weight: Any) -> Any:
    """input + weight * (end - input)."""
    return input + weight * (end - input)


# --- shares ---------------------------------------------------------------------------------


@composed
def softmax_in(input: Any, dim: int, dtype: Any = None) -> Any:
    """exp(input) / sum(exp(input)) along `dim`, computed in `dtype` if one is given."""
    return softmax(input if dtype is None else input.to(dtype), dim=dim)


@composed
def log_softmax_in(input: Any, dim: int, dtype: Any = None) -> Any:
    """log(softmax(input)) along `dim`, computed in `dtype` if one is given."""
    return log_softmax(input if dtype is None else input.to(dtype), dim=dim)


# --- comparisons ----------------------------------------------------------------------------


@composed
def equal(input: Any, other: Any) -> bool:
    """Whether both have the same shape and the same elements."""
    return bool(np.array_equal(input.array, other.array))


@composed
def allclose(
    input: Any, other: Any, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """Whether |input - other| <= atol + rtol * |other| everywhere."""
    return bool(np.allclose(input.array, other.array, rtol, atol, equal_nan))


# --- reductions -----------------------------------------------------------------------------


@composed
def norm(
    input: Any, p: Any = "fro", dim: Any = None, keepdim: bool = False, dtype: Any = None
) -> Any:
    """The p-norm of the elements over `dim`, or over all: (sum |x|^p)^(1/p).

    p may be inf, -inf, 0 for the count of nonzero ones, "fro" for 2, or "nuc" for the sum of a
    matrix's singular values.
    """
    if p == "nuc":
        return norms.matrix_norm(
            input, "nuc", (-2, -1) if dim is None else dim, keepdim, dtype=dtype
        )
    return norms.vector_norm(input, 2 if p == "fro" else p, dim, keepdim, dtype=dtype)


@composed
def dist(input: Any, other: Any, p: float = 2) -> Any:
    """The p-norm of input - other, which broadcast."""
    return norms.vector_norm(arithmetic.sub(input, other), p)
