"""Reductions: many elements to one, over some dimensions or all."""

from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.kernels import reduce as kernels
from minigrad.op import arr, op, sample
from minigrad.ops.dims import Dim, axes, kept_shape
from minigrad.ops.elementwise import where

Array = Any


def over_dims(**domain: Any) -> list[Any]:
    """The usual samples of a reduction with dim and keepdim."""
    return [
        sample(arr.of(3, 4, **domain)),
        sample(arr.of(3, 4, **domain), dim=0),
        sample(arr.of(2, 3, 4, **domain), dim=(0, -1), keepdim=True),
        sample(arr.of(2, 3, 4, **domain), dim=(1,)),
        sample(arr.of(2, 3, 2, 2, **domain), dim=(0, 2, 3)),
        sample(arr.of(**domain)),
    ]


def _spread(g: Any, shape: tuple[int, ...], dim: Dim, keepdim: bool) -> Any:
    """A cotangent of the reduced shape, expanded to the shape before."""
    return (g if keepdim else g.reshape(kept_shape(shape, dim))).expand(shape)


def _accumulated(input: Array) -> Array:
    """Booleans and small integers are summed as int64."""
    return input if input.dtype.kind == "f" else input.astype(np.int64, copy=False)


@op(
    vjp=(lambda g, out, x, *, dim, keepdim: _spread(g, x.shape, dim, keepdim),),
    degree=1,
    samples=[*over_dims(), sample(arr.of(0, 3), dim=0)],
)
def sum(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The sum over `dim` (an int, several, or None for all)."""
    return kernels.sum(_accumulated(input), axes(dim, input.ndim), keepdim)


def count(shape: tuple[int, ...], dim: Dim) -> int:
    """How many elements a reduction over `dim` takes together."""
    return int(np.prod([shape[i] for i in axes(dim, len(shape))], dtype=np.int64))


@op(
    vjp=(
        lambda g, out, x, *, dim, keepdim: _spread(
            g * (1.0 / count(x.shape, dim)), x.shape, dim, keepdim
        ),
    ),
    degree=1,
    samples=over_dims(),
)
def mean(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The arithmetic mean over `dim`.  Raises RuntimeError for integer tensors."""
    _require_floating("mean", input)
    n = count(input.shape, dim)
    total = kernels.sum(input, axes(dim, input.ndim), keepdim)
    return total * np.asarray(1.0 / n if n else np.nan, input.dtype)


def _var_rule(g: Any, out: Any, x: Any, *, dim: Dim, correction: float, keepdim: bool) -> Any:
    centred = x - mean(x, dim=dim, keepdim=True)
    scale = 2.0 / (count(x.shape, dim) - correction)
    return _spread(g, x.shape, dim, keepdim) * (centred * scale)


def _std_rule(g: Any, out: Any, x: Any, *, dim: Dim, correction: float, keepdim: bool) -> Any:
    slope = where(out == 0, 0.0, g / (2 * out))  # torch's subgradient where nothing varies
    return _var_rule(slope, None, x, dim=dim, correction=correction, keepdim=keepdim)


SPREADS = [
    *over_dims(distinct=True)[:-1],
    sample(arr.of(3, 4, distinct=True), dim=1, correction=0),
]


@op(vjp=(_var_rule,), samples=SPREADS)
def var(input: Array, *, dim: Dim = None, correction: float = 1, keepdim: bool = False) -> Array:
    """The variance over `dim`: squared deviations divided by (count - correction)."""
    _require_floating("var", input)
    reduced = axes(dim, input.ndim)
    divisor = max(count(input.shape, dim) - correction, 0)
    centred = input - mean.op.forward(input, dim=dim, keepdim=True)
    total = kernels.sum(np.square(centred), reduced, keepdim)
    return total / np.asarray(divisor, input.dtype)


@op(vjp=(_std_rule,), samples=SPREADS)
def std(input: Array, *, dim: Dim = None, correction: float = 1, keepdim: bool = False) -> Array:
    """The standard deviation over `dim`, the square root of `var`."""
    return np.sqrt(var.op.forward(input, dim=dim, correction=correction, keepdim=keepdim))


def _extreme_rule(g: Any, out: Any, x: Any, *, dim: Dim, keepdim: bool) -> Any:
    """Ties share the cotangent equally, as torch's amax and amin have it."""
    shape = kept_shape(x.shape, dim)
    chosen = (x == out.reshape(shape)).to(x.dtype)
    share = chosen / chosen.sum(dim=axes(dim, x.ndim), keepdim=True)
    return g.reshape(shape) * share


@op(vjp=(_extreme_rule,), samples=over_dims(distinct=True))
def amax(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The largest element over `dim`; nan if there is one."""
    _require_elements("amax", input, dim)
    return np.max(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@op(vjp=(_extreme_rule,), samples=over_dims(distinct=True))
def amin(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The smallest element over `dim`; nan if there is one."""
    _require_elements("amin", input, dim)
    return np.min(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@op(
    vjp=(
        lambda g, out, x, *, dim, keepdim: (
            _spread(g, x.shape, dim, keepdim) * (x - _spread(out, x.shape, dim, keepdim)).exp()
        ),
    ),
    samples=over_dims(),
)
def logsumexp(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """log(sum(exp(input))) over `dim`, without overflow."""
    _require_floating("logsumexp", input)
    reduced = axes(dim, input.ndim)
    top = np.max(input, axis=reduced, keepdims=True, initial=-np.inf)
    top = np.where(np.isfinite(top), top, 0).astype(input.dtype)
    total = np.log(np.sum(np.exp(input - top), axis=reduced, keepdims=True)) + top
    return total if keepdim else np.squeeze(total, axis=reduced)


def _norm_rule(g: Any, out: Any, x: Any, *, dim: Dim, keepdim: bool) -> Any:
    slope = where(out == 0, 0.0, g / out)  # torch's subgradient at the origin
    return _spread(slope, x.shape, dim, keepdim) * x


@op(vjp=(_norm_rule,), samples=over_dims(low=0.2))
def euclidean_norm(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """The square root of the sum of squares over `dim`."""
    _require_floating("norm", input)
    return np.sqrt(kernels.sum(np.square(input), axes(dim, input.ndim), keepdim))


@op(vjp=None)
def argmax(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the largest element: of the flattened tensor, or along `dim`."""
    _require_elements("argmax", input, dim)
    return np.argmax(input, axis=_one_axis(dim, input), keepdims=keepdim)


@op(vjp=None)
def argmin(input: Array, *, dim: int | None = None, keepdim: bool = False) -> Array:
    """The index of the smallest element: of the flattened tensor, or along `dim`."""
    _require_elements("argmin", input, dim)
    return np.argmin(input, axis=_one_axis(dim, input), keepdims=keepdim)


@op(vjp=None)
def all(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """Whether every element over `dim` is nonzero."""
    return np.all(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@op(vjp=None)
def any(input: Array, *, dim: Dim = None, keepdim: bool = False) -> Array:
    """Whether some element over `dim` is nonzero."""
    return np.any(input, axis=axes(dim, input.ndim), keepdims=keepdim)


@op(vjp=None)
def bincount(input: Array, *, minlength: int = 0) -> Array:
    """How often each of 0, 1, 2 ... occurs in a 1-d tensor of non-negative integers."""
    if input.ndim != 1 or input.dtype.kind not in "iu" or (input.size and input.min() < 0):
        raise RuntimeError(
            f"bincount expects a 1-d tensor of non-negative integers, got shape "
            f"{list(input.shape)} of {input.dtype}"
        )
    return np.bincount(input, minlength=minlength)


@op(
    vjp=(lambda g, out, x, *, dim: g.flip(dim).cumsum(dim=dim).flip(dim),),
    degree=1,
    samples=[sample(arr.of(5), dim=0), sample(arr.of(3, 4), dim=-1)],
)
def cumsum(input: Array, *, dim: int) -> Array:
    """Running sums along `dim`."""
    return np.cumsum(_accumulated(input), axis=axes(dim, input.ndim)[0] if input.ndim else None)


def _one_axis(dim: int | None, input: Array) -> int | None:
    return None if dim is None or not input.ndim else axes(dim, input.ndim)[0]


def _require_floating(name: str, input: Array) -> None:
    if input.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): could not infer output dtype. Input dtype must be floating point, "
            f"got {dtypes.of_numpy(input.dtype)}"
        )


def _require_elements(name: str, input: Array, dim: Dim) -> None:
    if count(input.shape, dim) == 0 and (input.size == 0):
        raise IndexError(
            f"{name}(): expected a non-empty reduction, but dim={dim} of a tensor of shape "
            f"{list(input.shape)} has no elements"
        )
