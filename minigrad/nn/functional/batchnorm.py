"""Batch normalisation."""

from typing import Any

import numpy as np

from minigrad.engine.grad_mode import thread
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.ops.nn.batch_norm import batch_norm as with_own_statistics
from minigrad.ops.nn.batch_norm import batch_norm_eval


def batch_norm(
    input: Any,
    running_mean: Any,
    running_var: Any,
    weight: Any = None,
    bias: Any = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(N, C, ...) -> (input - mean) / sqrt(var + eps) * weight + bias per channel.

    While training mean and variance are the batch's own, and running_mean and running_var (C,)
    move towards them by `momentum`; otherwise they are the running ones.  Ioffe & Szegedy 2015,
    arXiv:1502.03167.  Raises ValueError for one value per channel while training, RuntimeError if
    the sizes do not match.
    """
    require_tensor("batch_norm", input=input)
    require_floating("batch_norm", input)
    _require_channels(
        input, running_mean=running_mean, running_var=running_var, weight=weight, bias=bias
    )
    if training:
        count = _require_several(input)
        out, mean, rstd = with_own_statistics(input, weight, bias, eps=eps)
        if running_mean is not None:
            move_towards(running_mean, mean.array, momentum)
        if running_var is not None:
            # The kernel's deviation holds eps; in float64 it comes off without loss.
            variance = (
                thread.mode.ignore_fp_errors(np.power, rstd.array.astype(np.float64), -2) - eps
            )
            move_towards(running_var, variance * (count / (count - 1)), momentum)
        return out
    if running_mean is None or running_var is None:
        raise RuntimeError(
            "Expected running_mean and running_var to be defined when training=False"
        )
    return batch_norm_eval(
        input, weight, bias, mean=running_mean.array, var=running_var.array, eps=eps
    )


def move_towards(running: Any, new: Any, momentum: float) -> None:
    """Give the array `new` the share `momentum` in running statistics."""
    running.array[...] = (1 - momentum) * running.array + momentum * new
    running.bump_version()


def _require_channels(input: Any, **vectors: Any) -> None:
    if input.ndim < 2:
        raise RuntimeError(f"batch_norm expects (N, C, ...), got {list(input.shape)}")
    for name, vector in vectors.items():
        if vector is not None and vector.shape != (input.shape[1],):
            raise RuntimeError(
                f"batch_norm: {name} should contain {input.shape[1]} elements, one per channel of "
                f"the input {list(input.shape)}, not {list(vector.shape)}"
            )


def _require_several(input: Any) -> int:
    count = int(input.array.size // input.shape[1]) if input.shape[1] else 0
    if count <= 1:
        raise ValueError(
            f"Expected more than 1 value per channel when training, got input size "
            f"{list(input.shape)}"
        )
    return count
