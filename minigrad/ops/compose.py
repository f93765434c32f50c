"""Functions composed of declared operations, from which their derivatives follow."""

from typing import Any

import numpy as np

from minigrad.core.types import Dim, DTypeLike, Number
from minigrad.engine.graph import V, Value
from minigrad.engine.old_forms import with_old_alpha
from minigrad.engine.op import composed, label_node
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.elementwise.binary import require_comparable
from minigrad.ops.linalg import norms
from minigrad.ops.nn.softmax import log_softmax, softmax

# --- arithmetic -----------------------------------------------------------------------------


def scaled_add(
    input: V,
    other: V | Number,
    old_other: V | None = None,
    *,
    alpha: float = 1,
    out: V | None = None,
) -> V:
    """input + alpha * other.  Raises RuntimeError for an alpha that the dtype cannot hold."""
    if old_other is not None:
        other, alpha = with_old_alpha("add", other, old_other, alpha)
    scaled = other if alpha == 1 else arithmetic.scaled_by(alpha, other, input)
    return arithmetic.add(input, scaled) if out is None else arithmetic.add(input, scaled, out=out)


def scaled_sub(
    input: V,
    other: V | Number,
    old_other: V | None = None,
    *,
    alpha: float = 1,
    out: V | None = None,
) -> V:
    """input - alpha * other.  Raises RuntimeError for an alpha that the dtype cannot hold."""
    if old_other is not None:
        other, alpha = with_old_alpha("sub", other, old_other, alpha)
    scaled = other if alpha == 1 else arithmetic.scaled_by(alpha, other, input)
    return arithmetic.sub(input, scaled) if out is None else arithmetic.sub(input, scaled, out=out)


def _all_integers(*operands: V) -> bool:
    return all(x.array.dtype.kind in "iub" for x in operands)


@composed(node="AddcmulBackward0", old_forms=("input value tensor1 tensor2",))
def addcmul(input: V, tensor1: V, tensor2: V, *, value: float = 1) -> V:
    """input + value * tensor1 * tensor2; for integers, value is rounded towards 0."""
    if _all_integers(input, tensor1, tensor2):
        if all(x.array.dtype.kind == "b" for x in (input, tensor1, tensor2)):
            raise RuntimeError("addcmul is not implemented for bools")
        value = int(value)
    return input + (tensor1 * tensor2 if value == 1 else value * tensor1 * tensor2)


@composed(node="AddcdivBackward0", old_forms=("input value tensor1 tensor2",))
def addcdiv(input: V, tensor1: V, tensor2: V, *, value: float = 1) -> V:
    """input + value * tensor1 / tensor2.  Raises RuntimeError for two tensors of integers."""
    if _all_integers(tensor1, tensor2):
        raise RuntimeError(
            f"addcdiv(): Integer division with addcdiv is no longer supported, make one of the "
            f"tensors floating, got {tensor1.dtype} and {tensor2.dtype}"
        )
    return input + value * (tensor1 / tensor2)


@composed
def lerp(input: V, end: V, weight: V | Number) -> V:
    """input + weight * (end - input).

    Raises RuntimeError for tensors not of one floating dtype.
    """
    operands = (input, end, weight) if isinstance(weight, Value) else (input, end)
    if input.array.dtype.kind != "f" or any(x.array.dtype != input.array.dtype for x in operands):
        raise RuntimeError(
            f"lerp() expects tensors of one floating dtype, got "
            f"{', '.join(str(x.dtype) for x in operands)}"
        )
    return label_node(input + weight * (end - input), f"LerpBackward{len(operands) - 2}")


arithmetic.add.op.public = scaled_add
arithmetic.sub.op.public = scaled_sub

# --- softmax ---------------------------------------------------------------------------------


@composed
def softmax_in(input: V, dim: int, dtype: DTypeLike = None) -> V:
    """exp(input) / sum(exp(input)) along `dim`, computed in `dtype` if one is given."""
    return softmax(input if dtype is None else input.to(dtype), dim=dim)


@composed
def log_softmax_in(input: V, dim: int, dtype: DTypeLike = None) -> V:
    """log(softmax(input)) along `dim`, computed in `dtype` if one is given."""
    return log_softmax(input if dtype is None else input.to(dtype), dim=dim)


# --- comparisons ----------------------------------------------------------------------------


@composed
def equal(input: V, other: V) -> bool:
    """True if both have the same shape and the same elements."""
    return bool(numbers_read(input.array, np.array_equal(input.array, other.array)))


@composed
def allclose(
    input: V, other: V, rtol: float = 1e-05, atol: float = 1e-08, equal_nan: bool = False
) -> bool:
    """True if |input - other| <= atol + rtol * |other| everywhere, as `isclose` has it."""
    require_comparable("allclose", input, other, rtol, atol)
    return bool(
        numbers_read(input.array, np.allclose(input.array, other.array, rtol, atol, equal_nan))
    )


# --- reductions -----------------------------------------------------------------------------


@composed
def norm(
    input: V,
    p: float | str = "fro",
    dim: Dim = None,
    keepdim: bool = False,
    dtype: DTypeLike = None,
) -> V:
    """The p-norm of the elements over `dim`, or over all: (sum |x|^p)^(1/p).

    p may be inf or -inf, 0 for the number of nonzero elements, "fro" for 2, or "nuc" for the sum
    of a matrix's singular values.
    """
    if p == "nuc":
        dims: Any = (-2, -1) if dim is None else dim
        found: V = norms.matrix_norm(input, "nuc", dims, keepdim, dtype=dtype)
    else:
        found = norms.vector_norm(input, 2 if p == "fro" else p, dim, keepdim, dtype=dtype)
    return found
