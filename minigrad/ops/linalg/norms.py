"""Norms of vectors and matrices."""

import math
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Dim
from minigrad.engine.graph import V
from minigrad.engine.op import arr, composed, op, sample
from minigrad.kernels.reduction import reduce as kernels
from minigrad.ops.dims import axes, kept_shape, wrap_dim
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.linalg.decompositions import svdvals
from minigrad.ops.reduction import extrema, reduce

INF = math.inf


def _vector_norm_rule(g: V, out: V, x: V, *, p: float, dim: Dim, keepdim: bool) -> V:
    """g sign(x) |x|^(p-1) / out^(p-1), and 0 where an element or the norm is 0, as torch has it."""
    shape = kept_shape(x.shape, dim)
    norm, slope = out.reshape(shape), g.reshape(shape)
    size = where(x.eq(0), 1.0, x.abs()) ** (p - 1)
    scale = where(norm.eq(0), 0.0, slope / where(norm.eq(0), 1.0, norm) ** (p - 1))
    return where(x.eq(0), 0.0, x.sign() * size * scale)


@op(
    node="LinalgVectorNormBackward0",
    vjp=(_vector_norm_rule,),
    samples=[
        sample(arr.of(3, 4, away_from=(0.0,)), p=3.0),
        sample(arr.of(2, 3, 4, away_from=(0.0,)), p=1.5, dim=(0, -1), keepdim=True),
        sample(arr.of(2, 3, away_from=(0.0,)), p=0.5, dim=1),
        sample(arr.of(2, 3, away_from=(0.0,)), p=-2.0, dim=0),
    ],
    accumulates=True,
)
def _vector_norm(input: Array, *, p: float, dim: Dim = None, keepdim: bool = False) -> Array:
    """(sum |x|^p)^(1/p) over `dim`."""
    power = input.dtype.type(p)
    total = kernels.sum(np.abs(input) ** power, axes(dim, input.ndim), keepdim)
    return total ** input.dtype.type(1 / p)


def _as_floating(name: str, input: V, dtype: Any) -> V:
    if dtype is not None:
        wanted = dtypes.of_numpy(dtypes.to_numpy(dtype))
        if wanted.itemsize < input.dtype.itemsize:
            raise RuntimeError(
                f"{name}: the dtype of the input ({input.dtype}) should be convertible without "
                f"narrowing to the specified dtype ({wanted})"
            )
        input = input.to(wanted)
    if not input.is_floating_point():
        raise RuntimeError(f"{name}: Expected a floating point tensor as input. Got {input.dtype}")
    return input


@composed
def vector_norm(
    x: V, ord: Any = 2, dim: Dim = None, keepdim: bool = False, *, dtype: Any = None
) -> V:
    """(sum |x|^ord)^(1/ord) over `dim`, or over all: inf and -inf the extremes, 0 the count.

    Where the norm is 0 its gradient is 0.  Raises RuntimeError for integers, and for norms without
    identity (ord = inf or below 0) of nothing.
    """
    x = _as_floating("linalg.vector_norm", x.abs() if x._is_complex else x, dtype)
    ord = ord.item() if isinstance(ord, np.generic) else ord
    if not isinstance(ord, int | float):
        raise TypeError(f"linalg.vector_norm: ord must be a number, got {ord!r}")
    empty = reduce.count(x.shape, dim) == 0
    if empty and (ord < 0 or ord == INF):
        raise RuntimeError(
            f"linalg.vector_norm cannot compute the {ord} norm on an empty tensor (shape "
            f"{list(x.shape)}, dim={dim}) because the operation does not have an identity"
        )
    if ord == 2:
        return reduce.euclidean_norm(x, dim=dim, keepdim=keepdim)
    if ord == INF:
        return extrema.amax(x.abs(), dim=dim, keepdim=keepdim)
    if ord == -INF:
        return extrema.amin(x.abs(), dim=dim, keepdim=keepdim)
    if ord == 0:
        return reduce.sum(where(x.eq(0), x.sign(), 1.0), dim=dim, keepdim=keepdim)  # gradient 0
    if ord == 1:
        return reduce.sum(x.abs(), dim=dim, keepdim=keepdim)
    return _vector_norm(x, p=float(ord), dim=dim, keepdim=keepdim)


@composed
def matrix_norm(
    A: V,
    ord: Any = "fro",
    dim: tuple[int, int] = (-2, -1),
    keepdim: bool = False,
    *,
    dtype: Any = None,
) -> V:
    """A norm of matrices in the two dimensions `dim`.

    ord: "fro" (Frobenius), "nuc" (sum of singular values), 2 and -2 (largest and smallest singular
        value), 1 and -1 (largest and smallest column sum), inf and -inf (row sums).
    """
    name = "linalg.matrix_norm"
    if A._is_complex and ord in ("fro", 1, -1, INF, -INF):
        A = A.abs()
    A = _as_floating(name, A, dtype)
    if A.ndim < 2:
        raise RuntimeError(
            f"{name}: The input tensor A must have at least 2 dimensions, got shape {list(A.shape)}"
        )
    if isinstance(dim, int) or len(dim) != 2:
        raise RuntimeError(f"{name}: dim must be a 2-tuple. Got {dim}")
    rows, columns = (wrap_dim(d, A.ndim) for d in dim)
    if rows == columns:
        raise RuntimeError(f"{name}: dims must be different. Got {dim}")
    if ord == "fro":
        return vector_norm(A, 2, dim, keepdim)
    if ord == "nuc" or (not isinstance(ord, str) and abs(ord) == 2):
        norm = _of_singular_values(A, ord, rows, columns)
    elif not isinstance(ord, str) and abs(ord) in (1, INF):
        along, over = (rows, columns) if abs(ord) == 1 else (columns, rows)
        extreme = _extreme(ord)
        norm = extreme(A.abs().sum(dim=along, keepdim=True), dim=over, keepdim=True)
        return norm if keepdim else norm.squeeze((rows, columns))
    else:
        raise RuntimeError(f"{name}: Order {ord} not supported.")
    for axis in sorted((rows, columns)) if keepdim else ():
        norm = norm.unsqueeze(axis)
    return norm


def _extreme(ord: float) -> Any:
    return extrema.amax if ord > 0 else extrema.amin


def _of_singular_values(A: V, ord: Any, rows: int, columns: int) -> V:
    others = [i for i in range(A.ndim) if i not in (rows, columns)]
    s = svdvals(A.permute(*others, rows, columns))
    if ord == "nuc":
        return s.sum(dim=-1)
    if s.shape[-1] == 0 and ord == 2:  # the largest of no singular values
        return s.sum(dim=-1)
    return _extreme(ord)(s, dim=-1)


@composed(node="RenormBackward0")
def renorm(input: V, p: float, dim: int, maxnorm: float) -> V:
    """A copy whose slices across `dim` have p-norms of at most maxnorm.

    Raises RuntimeError unless p and maxnorm are positive and there are 2 dimensions.
    """
    if p <= 0 or maxnorm < 0 or input.ndim < 2:
        raise RuntimeError(
            f"renorm: expected p > 0, maxnorm >= 0 and at least 2 dimensions, got p={p}, "
            f"maxnorm={maxnorm} and shape {list(input.shape)}"
        )
    across = wrap_dim(dim, input.ndim)
    others = tuple(i for i in range(input.ndim) if i != across)
    norms = vector_norm(input, p, others, True)
    # The small number is torch's, against division by zero.
    return input * where(norms > maxnorm, maxnorm / (norms + 1e-7), 1.0)


@composed
def norm(
    A: V,
    ord: Any = None,
    dim: Any = None,
    keepdim: bool = False,
    *,
    dtype: dtypes.dtype | None = None,
) -> V:
    """`vector_norm`, or `matrix_norm` where `ord` is given and `dim` or A is two-dimensional.

    Without `ord` the 2-norm of the elements over `dim`, or over all.
    """
    if dim is not None:
        dim = (dim,) if isinstance(dim, int) else tuple(dim)
        if len(dim) not in (1, 2):
            raise RuntimeError(
                f"linalg.norm: If dim is specified, it must be of length 1 or 2. Got {list(dim)}"
            )
    elif ord is not None and A.ndim not in (1, 2):
        raise RuntimeError(
            f"linalg.norm: If dim is not specified but ord is, the input must be 1D or 2D. Got "
            f"{A.ndim}D."
        )
    if isinstance(ord, str) or (ord is not None and len(dim or A.shape) == 2):
        return matrix_norm(A, ord, dim or (-2, -1), keepdim, dtype=dtype)
    return vector_norm(A, 2 if ord is None else ord, dim, keepdim, dtype=dtype)
