"""Batch normalisation, with the statistics of the batch or with given ones."""

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors, thread
from minigrad.engine.graph import V, wrap_like
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.reduction import batch_norm as kernels


def planes(array: Array) -> Array:
    """(N, C, ...) as (N, C, S)."""
    return array.reshape(*array.shape[:2], math.prod(array.shape[2:]))


def channels(vector: Any, ndim: int) -> Any:
    """(C,) so that it broadcasts against (N, C, ...)."""
    return vector.reshape(1, -1, *[1] * (ndim - 2))


def _batch_norm_rule(
    g: V, out: Any, x: V, weight: Any, bias: Any, *, wanted: Sequence[int], eps: float
) -> tuple[Any, ...]:
    """Ioffe & Szegedy 2015: dx = w * rstd * (g - mean(g) - x_hat * mean(g * x_hat))."""
    mean, rstd = out
    if not thread.mode.differentiates():
        w = None if weight is None else weight.array
        arrays = ignore_fp_errors(_backward, g.array, x.array, mean.array, rstd.array, w)
        return tuple(None if array is None else wrap_like(g, array) for array in arrays)
    others = (0, *range(2, x.ndim))
    centred = x - x.mean(others, keepdim=True)
    scale = ((centred * centred).mean(others, keepdim=True) + eps).rsqrt()
    x_hat = centred * scale
    dw, db = (g * x_hat).sum(others), g.sum(others)
    gx = g if weight is None else g * channels(weight, x.ndim)
    along = (gx * x_hat).mean(others, keepdim=True)
    dx = scale * (gx - gx.mean(others, keepdim=True) - x_hat * along)
    return dx, dw, db


def _backward(g: Array, x: Array, mean: Array, rstd: Array, weight: Array | None) -> Any:
    found = kernels.batch_norm_train_backward(planes(g), planes(x), mean, rstd, weight)
    return found[0].reshape(x.shape), *found[1:]


@op(
    node="NativeBatchNormBackward0",
    vjp=_batch_norm_rule,
    samples=[
        sample(arr.of(4, 3), arr.of(3), arr.of(3), eps=1e-2),
        sample(arr.of(2, 3, 2, 3), arr.of(3), arr.of(3), eps=1e-2),
        sample(arr.of(3, 2, 4), eps=1e-2),
    ],
    accumulates=True,
)
def batch_norm(
    input: Array, weight: Array | None = None, bias: Array | None = None, *, eps: float
) -> Any:
    """(N, C, ...) normalised per channel; by-products: mean (C,) and 1 / deviation (C,)."""
    y, mean, rstd = kernels.batch_norm_train(planes(input), weight, bias, eps)
    return y.reshape(input.shape), mean, rstd


def _inverse_deviation(var: Array, eps: float, dtype: np.dtype[Any]) -> Array:
    inverse: Array = 1.0 / np.sqrt(var + eps)
    return inverse.astype(dtype, copy=False)


def _batch_norm_eval_rule(
    g: V, out: V, x: V, weight: Any, bias: Any, *, wanted: Sequence[int], mean: Array,
    var: Array, eps: float,
) -> tuple[Any, ...]:  # fmt: skip
    others = (0, *range(2, x.ndim))
    own = x.array.dtype
    scale = channels(wrap_like(x, ignore_fp_errors(_inverse_deviation, var, eps, own)), x.ndim)
    dx = g * scale if weight is None else g * (scale * channels(weight, x.ndim))
    dw = None
    if 1 in wanted:
        dw = (
            g
            * ((x - channels(wrap_like(x, ignore_fp_errors(np.array, mean, own)), x.ndim)) * scale)
        ).sum(others)
    return dx, dw, g.sum(others)


@op(
    node="NativeBatchNormBackward0",
    vjp=_batch_norm_eval_rule,
    samples=[
        sample(
            arr.of(2, 3, 2, 2),
            arr.of(3),
            arr.of(3),
            mean=np.array([0.1, -0.2, 0.3]),
            var=np.array([0.5, 1.0, 2.0]),
            eps=1e-5,
        ),
        sample(arr.of(4, 2), mean=np.array([0.1, -0.2]), var=np.array([0.5, 1.0]), eps=1e-5),
    ],
    accumulates=True,
)
def batch_norm_eval(
    input: Array,
    weight: Array | None = None,
    bias: Array | None = None,
    *,
    mean: Array,
    var: Array,
    eps: float,
) -> Array:
    """(N, C, ...) normalised per channel with given statistics, (C,) each."""
    y = kernels.batch_norm_eval(
        planes(input),
        mean.astype(input.dtype, copy=False),
        var.astype(input.dtype, copy=False),
        weight,
        bias,
        eps,
    )
    return y.reshape(input.shape)
