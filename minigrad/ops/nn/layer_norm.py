"""Normalisation within each sample: layer and group normalisation."""

import math
from collections.abc import Sequence
from typing import Any

from minigrad.core.types import Array, Shape
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.reduction import layer_norm as kernels
from minigrad.ops.nn.batch_norm import channels, planes


def _wrapped(
    g: V, backward: Any, x: V, mean: V, rstd: V, weight: Any, number: int, shape: Shape
) -> tuple[Any, ...]:
    """Cotangents of x, and of weight and bias, which have this shape, computed on arrays."""
    w = None if weight is None else weight.array
    arrays = g.array, x.array, mean.array, rstd.array, w
    return tuple(wrap_like(g, d) for d in ignore_fp_errors(backward, *arrays, number, shape))


def _layer_norm_backward(
    g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, dims: int, shape: Shape
) -> tuple[Array, ...]:
    mean, rstd = mean.reshape(-1), rstd.reshape(-1)
    dx, dw, db = kernels.layer_norm_backward(_flat(g, dims), _flat(x, dims), mean, rstd, weight)
    return dx.reshape(g.shape), dw.reshape(shape), db.reshape(shape)


def _group_norm_backward(
    g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None, groups: int, shape: Shape
) -> tuple[Array, ...]:
    dx, dw, db = kernels.group_norm_backward(planes(g), planes(x), groups, mean, rstd, weight)
    return dx.reshape(g.shape), dw.reshape(shape), db.reshape(shape)


def _normalised(x: V, dims: tuple[int, ...], eps: float) -> tuple[V, V]:
    """x with mean 0 and deviation 1 over `dims`, and 1 / its deviation."""
    centred = x - x.mean(dims, keepdim=True)
    scale = ((centred * centred).mean(dims, keepdim=True) + eps).rsqrt()
    return centred * scale, scale


def _through(gx: V, x_hat: V, scale: V, dims: tuple[int, ...]) -> V:
    """The cotangent of what was normalised over `dims` for the one of x_hat."""
    along = (gx * x_hat).mean(dims, keepdim=True)
    return scale * (gx - gx.mean(dims, keepdim=True) - x_hat * along)


def _flat(array: Array, dims: int) -> Array:
    """(..., *normalised) as (M, K)."""
    if array.ndim == 2 and dims == 1:
        return array
    split = array.ndim - dims
    return array.reshape(math.prod(array.shape[:split]), math.prod(array.shape[split:]))


def _layer_norm_rule(
    g: V, out: Any, x: V, weight: Any, bias: Any, *, wanted: Sequence[int], dims: int,
    eps: float,
) -> tuple[Any, ...]:  # fmt: skip
    if not thread.mode.differentiates():
        mean, rstd = out
        return _wrapped(
            g, _layer_norm_backward, x, mean, rstd, weight, dims, x.shape[x.ndim - dims :]
        )
    last, others = tuple(range(x.ndim - dims, x.ndim)), tuple(range(x.ndim - dims))
    x_hat, scale = _normalised(x, last, eps)
    dx = _through(g if weight is None else g * weight, x_hat, scale, last)
    dw, db = g * x_hat, g
    return dx, dw.sum(others) if others else dw, db.sum(others) if others else db


@op(
    node="NativeLayerNormBackward0",
    vjp=_layer_norm_rule,
    samples=[
        sample(arr.of(4, 5), arr.of(5), arr.of(5), dims=1, eps=1e-2),
        sample(arr.of(2, 3, 2, 3), arr.of(2, 3), arr.of(2, 3), dims=2, eps=1e-2),
        sample(arr.of(5), arr.of(5), arr.of(5), dims=1, eps=1e-2),
        sample(arr.of(3, 4), dims=1, eps=1e-2),
    ],
    accumulates=True,
)
def layer_norm(
    input: Array, weight: Array | None = None, bias: Array | None = None, *, dims: int, eps: float
) -> Any:
    """input normalised over its last `dims` dimensions; by-products: mean and 1 / deviation (M,).

    weight and bias have the shape of those dimensions.
    """
    y, mean, rstd = kernels.layer_norm(_flat(input, dims), weight, bias, eps)
    return (y if y.shape == input.shape else y.reshape(input.shape)), mean, rstd


def _group_norm_rule(
    g: V, out: Any, x: V, weight: Any, bias: Any, *, wanted: Sequence[int], groups: int,
    eps: float,
) -> tuple[Any, ...]:  # fmt: skip
    if not thread.mode.differentiates():
        mean, rstd = out
        return _wrapped(g, _group_norm_backward, x, mean, rstd, weight, groups, x.shape[1:2])
    shape, grouped, others = x.shape, (x.shape[0], groups, -1), (0, *range(2, x.ndim))
    x_hat, scale = _normalised(x.reshape(grouped), (2,), eps)
    gx = g if weight is None else g * channels(weight, x.ndim)
    dx = _through(gx.reshape(grouped), x_hat, scale, (2,)).reshape(shape)
    return dx, (g * x_hat.reshape(shape)).sum(others), g.sum(others)


@op(
    node="NativeGroupNormBackward0",
    vjp=_group_norm_rule,
    samples=[
        sample(arr.of(2, 4, 3), arr.of(4), arr.of(4), groups=2, eps=1e-2),
        sample(arr.of(2, 3, 2, 3), arr.of(3), arr.of(3), groups=3, eps=1e-2),
        sample(arr.of(3, 4), groups=1, eps=1e-2),
    ],
    accumulates=True,
)
def group_norm(
    input: Array, weight: Array | None = None, bias: Array | None = None, *, groups: int, eps: float
) -> Any:
    """(N, C, ...) normalised over groups of channels; by-products: mean, 1 / deviation (N, groups).

    With as many groups as channels this is instance normalisation.
    """
    y, mean, rstd = kernels.group_norm(planes(input), groups, weight, bias, eps)
    return y.reshape(input.shape), mean, rstd
