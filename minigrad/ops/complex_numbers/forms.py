"""The operations that take complex tensors, and how; all others refuse them.

Three kinds: those that only move or add elements, whose rules hold as they are; holomorphic ones,
whose rules hold between two conjugations; and those without a derivative.
"""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array, Dim
from minigrad.engine.complex_form import refusal, takes_complex
from minigrad.ops.dims import axes, wrap_dim
from minigrad.ops.elementwise import arithmetic, comparison, elementary, float_parts, special
from minigrad.ops.indexing import embedding, gather_scatter, getitem, masks
from minigrad.ops.linalg import solve
from minigrad.ops.linalg.matmul import linear, mm
from minigrad.ops.reduction import reduce, scan
from minigrad.ops.shape import copies, diagonal, strided, views

# --- elements moved and added ---------------------------------------------------------------


def _sum(input: Array, *, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    wide = input if dtype is None else input.astype(complex_result("sum", dtype))
    return np.asarray(np.sum(wide, axis=axes(dim, input.ndim), keepdims=keepdim))


def _mean(input: Array, *, dim: Dim = None, keepdim: bool = False, dtype: Any = None) -> Array:
    wide = input if dtype is None else input.astype(complex_result("mean", dtype))
    return np.asarray(np.mean(wide, axis=axes(dim, input.ndim), keepdims=keepdim))


def _sum_to_size(input: Array, *, shape: Any) -> Array:
    lead = input.ndim - len(shape)
    reduced = (*range(lead), *(i + lead for i, size in enumerate(shape) if size == 1))
    return np.asarray(np.sum(input, axis=reduced, keepdims=True)).reshape(shape)


def _cumsum(input: Array, *, dim: int, dtype: Any = None) -> Array:
    wide = input if dtype is None else input.astype(complex_result("cumsum", dtype))
    axis = wrap_dim(dim, input.ndim)
    return np.cumsum(wide, axis=axis) if input.ndim else wide.copy()


def _where(condition: Array, input: Any, other: Any) -> Array:
    return np.where(condition, input, other)


def _masked_fill(input: Array, *, mask: Array, value: Any) -> Array:
    return np.where(mask, np.asarray(value).astype(input.dtype), input)


def complex_result(name: str, dtype: dtypes.dtype) -> np.dtype[Any]:
    """The dtype asked for.  Raises RuntimeError unless it is complex."""
    if not dtype.is_complex:
        raise RuntimeError(f"{name}: a complex tensor has no {name} in {dtype}; take its real part")
    return dtype.numpy


_MOVED = (
    views.contiguous, views.reshape, views.view, views.permute, views.transpose, views.expand,
    views.squeeze, views.unsqueeze, views.unfold, views.unfold_backward,
    copies.clone, copies.flip, copies.roll, copies.concatenate, copies.stacked,
    copies.tril, copies.triu, copies.pad_constant,
    diagonal.diagonal, diagonal.diagonal_scatter,
    gather_scatter.gather, gather_scatter.gather_backward, gather_scatter.scatter_add,
    embedding.embedding, embedding.embedding_backward,
    strided.as_strided_view, strided.as_strided_backward, strided.as_strided_scatter,
    getitem.getitem, getitem.getitem_backward, getitem.index_put, getitem.index_put_scalar,
    getitem.index_put_accumulate,
)  # fmt: skip

for _operation in _MOVED:
    takes_complex(_operation, is_real_linear=True)
takes_complex(views.sum_to_size, _sum_to_size, is_real_linear=True)
takes_complex(reduce.sum, _sum, is_real_linear=True)
takes_complex(reduce.mean, _mean, is_real_linear=True)
takes_complex(scan.cumsum, _cumsum, is_real_linear=True)
takes_complex(elementary.where, _where, is_real_linear=True)
takes_complex(masks._masked_fill, _masked_fill, is_real_linear=True)
takes_complex(arithmetic.add, np.add, is_real_linear=True)
takes_complex(arithmetic.sub, np.subtract, is_real_linear=True)
takes_complex(arithmetic.neg, np.negative, is_real_linear=True)

# --- holomorphic functions ------------------------------------------------------------------


def _linear(input: Array, weight: Array, bias: Array | None = None) -> Array:
    product: Array = input @ weight.T
    return product if bias is None else product + bias


def _pow(input: Array, exponent: Any) -> Array:
    if not isinstance(exponent, int | float) or not isinstance(input, np.ndarray):
        raise refusal("pow of a complex tensor or number to the power of one")
    return np.power(input, exponent)


def _all(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    return np.asarray(np.all(input, axis=axes(dim, input.ndim), keepdims=keepdim))


def _any(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    return np.asarray(np.any(input, axis=axes(dim, input.ndim), keepdims=keepdim))


takes_complex(arithmetic.mul, np.multiply)
takes_complex(arithmetic.div, np.divide)
takes_complex(elementary.exp, np.exp)
takes_complex(elementary.log, np.log)
takes_complex(elementary.sqrt, np.sqrt)
takes_complex(elementary.reciprocal, np.reciprocal)
takes_complex(elementary.square, np.square)
takes_complex(elementary.sin, np.sin)
takes_complex(elementary.cos, np.cos)
takes_complex(special.sinh, np.sinh)
takes_complex(special.cosh, np.cosh)
takes_complex(arithmetic.pow, _pow)
takes_complex(linear, _linear)
takes_complex(mm)
takes_complex(solve.inv)
takes_complex(solve.solve)

# --- tests, which have no derivative --------------------------------------------------------

takes_complex(comparison.eq, np.equal)
takes_complex(comparison.ne, np.not_equal)
takes_complex(comparison.isnan, np.isnan)
takes_complex(comparison.isinf, np.isinf)
takes_complex(comparison.isfinite, np.isfinite)
takes_complex(comparison.logical_not, np.logical_not)
takes_complex(masks.argwhere)
takes_complex(float_parts.isreal, np.isreal)
takes_complex(reduce.all, _all)
takes_complex(reduce.any, _any)
