"""Largest and smallest elements, over several dimensions or along one with their indices."""

from collections.abc import Callable
from typing import overload

import numpy as np

from minigrad.core.types import Array, Dim
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import V, Value
from minigrad.engine.op import composed, label_node, op
from minigrad.engine.step_recorder import numbers_read
from minigrad.ops.dims import axes, kept_shape
from minigrad.ops.elementwise import arithmetic
from minigrad.ops.elementwise.comparison import isnan
from minigrad.ops.reduction.reduce import one_axis, over_dims, require_elements
from minigrad.ops.reduction.sorting import values_and_indices
from minigrad.ops.results import MinAndMax, ValuesAndIndices


def require_any(name: str, input: Array, dim: Dim) -> None:
    """Raise torch's error if there is nothing to choose from: RuntimeError if dim is None."""
    if dim is None and input.size == 0:
        raise RuntimeError(
            f"{name}(): Expected reduction dim to be specified for a tensor without elements, of "
            f"shape {list(input.shape)}"
        )
    require_elements(name, input.shape, dim)


# --- values ---------------------------------------------------------------------------------


def _amax_rule(g: V, out: V, x: V, *, dim: Dim, keepdim: bool) -> V:
    """Ties share the cotangent equally, as torch's amax and amin have it."""
    shape = kept_shape(x.shape, dim)
    tied = x.eq(out.reshape(shape)).to(x.dtype)
    share = tied / tied.sum(dim=axes(dim, x.ndim), keepdim=True)
    return g.reshape(shape) * share


@op(vjp=(_amax_rule,), samples=over_dims(distinct=True))
def amax(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The largest element over `dim`; nan if there is one."""
    require_any("amax", input, dim)
    return np.max(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@op(vjp=(_amax_rule,), samples=over_dims(distinct=True))
def amin(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The smallest element over `dim`; nan if there is one."""
    require_any("amin", input, dim)
    return np.min(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@composed(node="AminmaxBackward0")
def aminmax(input: V, *, dim: int | None = None, keepdim: bool = False) -> MinAndMax[V]:
    """The smallest and the largest element, of all or along `dim`."""
    require_any("aminmax", input.array, dim)
    return MinAndMax(amin(input, dim=dim, keepdim=keepdim), amax(input, dim=dim, keepdim=keepdim))


def share_among_equals(g: V, out: V, x: V) -> V:
    """Share the cotangent among the elements that equal the result, or among all nans."""
    is_nan = numbers_read(out.array, np.isnan(out.array))
    same = (isnan(x) if is_nan else x.eq(out)).to(x.dtype)
    return g * (same / same.sum())


@op(
    node="MaxBackward1",
    vjp=(share_among_equals,),
    samples=[case for case in over_dims(distinct=True) if not case.settings],
)
def _max(input: Array) -> Array:
    """The largest of all elements; nan if there is one."""
    require_any("max", input, None)
    return np.max(input)


@op(
    node="MinBackward1",
    vjp=(share_among_equals,),
    samples=[case for case in over_dims(distinct=True) if not case.settings],
)
def _min(input: Array) -> Array:
    """The smallest of all elements; nan if there is one."""
    require_any("min", input, None)
    return np.min(input)


# --- indices --------------------------------------------------------------------------------


def _require_choice(name: str, input: Array, dim: int | None) -> None:
    if input.dtype == bool:
        raise RuntimeError(f"{name}(): does not support bool input")
    if dim is None and input.size == 0:
        raise IndexError(
            f"{name}(): Expected reduction dim to be specified for a tensor without elements, of "
            f"shape {list(input.shape)}"
        )
    require_elements(name, input.shape, dim)


@op(vjp=None)
def argmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the largest element: of the flattened tensor, or along `dim`."""
    _require_choice("argmax", input, dim)
    return np.argmax(input, axis=one_axis(dim, input), keepdims=keepdim)


@op(vjp=None)
def argmin(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the smallest element: of the flattened tensor, or along `dim`."""
    _require_choice("argmin", input, dim)
    return np.argmin(input, axis=one_axis(dim, input), keepdims=keepdim)


@overload
def max(input: V, dim: None = None, keepdim: bool = False) -> V: ...
@overload
def max(input: V, dim: V) -> V: ...
@overload
def max(input: V, *, other: V) -> V: ...
@overload
def max(input: V, dim: int, keepdim: bool = False) -> ValuesAndIndices[V]: ...
@composed
def max(
    input: V, dim: V | int | None = None, keepdim: bool = False, *, other: V | None = None
) -> V | ValuesAndIndices[V]:
    """The largest element; with dim, (values, indices) along it; with a tensor, `maximum`.

    The gradient goes to the elements at `indices`; without dim, ties share it.
    """
    if other is not None or isinstance(dim, Value):
        return arithmetic.maximum(input, dim if other is None else other)
    if dim is None:
        return _max(input)
    return _extreme("max", np.argmax, input, dim, keepdim)


@overload
def min(input: V, dim: None = None, keepdim: bool = False) -> V: ...
@overload
def min(input: V, dim: V) -> V: ...
@overload
def min(input: V, *, other: V) -> V: ...
@overload
def min(input: V, dim: int, keepdim: bool = False) -> ValuesAndIndices[V]: ...
@composed
def min(
    input: V, dim: V | int | None = None, keepdim: bool = False, *, other: V | None = None
) -> V | ValuesAndIndices[V]:
    """The smallest element; with dim, (values, indices) along it; with a tensor, `minimum`.

    The gradient goes to the elements at `indices`; without dim, ties share it.
    """
    if other is not None or isinstance(dim, Value):
        return arithmetic.minimum(input, dim if other is None else other)
    if dim is None:
        return _min(input)
    return _extreme("min", np.argmin, input, dim, keepdim)


def _extreme(
    name: str, argextreme: Callable[..., Array], input: V, dim: int, keepdim: bool
) -> ValuesAndIndices[V]:
    axis = one_axis(dim, input.array)
    require_elements(name, input.shape, dim)
    index = ignore_fp_errors(argextreme, input.array, axis=axis, keepdims=True)
    found = values_and_indices(input, dim, index, keepdim)
    return label_node(found, f"{name.title()}Backward0")
