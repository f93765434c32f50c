"""Batch normalization (Ioffe & Szegedy 2015, arXiv:1502.03167)."""

import math
from collections.abc import Callable

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.ops.nn.batch_norm import batch_norm as batch_norm_of_batch
from minigrad.ops.nn.batch_norm import batch_norm_eval
from minigrad.tensor import Tensor


def batch_norm(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(N, C, ...) -> (input - mean) / sqrt(var + eps) * weight + bias per channel.

    While training, mean and variance are those of the batch, and running_mean and running_var (C,)
    become (1 - momentum) * running + momentum * batch; otherwise the running ones are taken.
    Raises ValueError for one element per channel while training, RuntimeError if the sizes do not
    match.  An empty batch changes no running statistics.
    """
    require_tensor("batch_norm", input=input)
    require_floating("batch_norm", input)
    _require_channels(
        input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if training:
        count = _elements_per_channel(input)
        out, mean, rstd = batch_norm_of_batch(input, weight, bias, eps=eps)
        if count and running_mean is not None:
            update_running(running_mean, mean.array, momentum)
        if count and running_var is not None:
            update_running(running_var, rstd.array, momentum, _variance, eps, count)
        return out
    if running_mean is None or running_var is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when training=False"
        )
    return batch_norm_eval(
        input, weight, bias, mean=running_mean.array, var=running_var.array, eps=eps
    )


def _variance(rstd: Array, eps: float, count: int) -> Array:
    """The unbiased variance, where rstd = 1 / sqrt(var + eps) of `count` elements."""
    # In float64, eps can be subtracted without loss.
    variance: Array = np.power(rstd.astype(np.float64), -2) - eps
    return variance * (count / (count - 1))


def update_running(
    running: Tensor,
    new: Array,
    momentum: float,
    statistic: Callable[..., Array] | None = None,
    *settings: float,
) -> None:
    """running = (1 - momentum) * running + momentum * new, in place, or of `statistic` of new."""
    ignore_fp_errors(blend_running, running.array, new, momentum, statistic, *settings)
    running.bump_version()


def blend_running(
    running: Array,
    new: Array,
    momentum: float,
    statistic: Callable[..., Array] | None,
    *settings: float,
) -> None:
    if statistic is not None:
        new = statistic(new, *settings)
    running[...] = (1 - momentum) * running + momentum * new


def _require_channels(input: Tensor, **vectors: Tensor | None) -> None:
    """Raise RuntimeError unless the vectors have one element for each channel."""
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm expects (N, C, ...), got {list(input.shape)}")
    expected = input.shape[1:2]
    for name, vector in vectors.items():
        if vector is not None and vector.array.shape != expected:
            raise RuntimeError(
                f"batch_norm: {name} should contain {input.shape[1]} elements, one per channel of "
                f"the input {list(input.shape)}, not {list(vector.shape)}"
            )


def _elements_per_channel(input: Tensor) -> int:
    """The number of elements of each channel.  Raises ValueError if there is only one."""
    count = input.shape[0] * math.prod(input.shape[2:])
    if count == 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}; call eval() to classify one sample, or train with drop_last=True"
        )
    return count
