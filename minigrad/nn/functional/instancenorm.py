"""Instance normalization: each channel of each sample by itself."""

import math

import numpy as np

from minigrad.core.types import Array
from minigrad.nn.functional.batchnorm import batch_norm, update_running
from minigrad.nn.functional.normalization import require_channels
from minigrad.ops.nn.layer_norm import group_norm as group_norm_op
from minigrad.tensor import Tensor


def instance_norm(
    input: Tensor,
    running_mean: Tensor | None = None,
    running_var: Tensor | None = None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Tensor:
    """(N, C, ...) -> (input - mean) / sqrt(var + eps) * weight + bias, per sample and channel.

    running_mean and running_var (C,) become (1 - momentum) * running + momentum * the samples'
    average; with use_input_stats=False they are taken in place of the input's statistics.  Ulyanov
    et al. 2016, arXiv:1607.08022.  Raises ValueError for channels of one element, RuntimeError if
    the sizes do not match.
    """
    require_channels(
        "instance_norm", input, running_mean=running_mean, running_var=running_var, weight=weight,
        bias=bias,
    )  # fmt: skip
    if not use_input_stats:
        return batch_norm(input, running_mean, running_var, weight, bias, False, momentum, eps)
    count = math.prod(input.shape[2:])
    if count == 1:
        raise ValueError(
            f"Expected more than 1 spatial element when training, got input size "
            f"{list(input.shape)}"
        )
    out, mean, rstd = group_norm_op(input, weight, bias, groups=input.shape[1], eps=eps)
    if input.shape[0] and count and running_mean is not None:
        update_running(running_mean, mean.array, momentum, _mean_of_samples)
    if input.shape[0] and count and running_var is not None:
        update_running(running_var, rstd.array, momentum, _variance, eps, count)
    return out


def _mean_of_samples(means: Array) -> Array:
    mean: Array = means.mean(0)
    return mean


def _variance(rstd: Array, eps: float, count: int) -> Array:
    """The unbiased variance, where rstd = 1 / sqrt(var + eps), on average over the samples."""
    variance: Array = (rstd.astype(np.float64) ** -2 - eps).mean(0)
    return variance * (count / (count - 1))
