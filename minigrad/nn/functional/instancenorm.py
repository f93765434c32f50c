"""Instance normalization: each channel of each sample by itself."""

import math
from typing import Any

import numpy as np

from minigrad.nn.functional.batchnorm import batch_norm, move_towards
from minigrad.nn.functional.normalization import require_channels
from minigrad.ops.nn.layer_norm import group_norm as over_groups


def instance_norm(
    input: Any,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> Any:
    """(N, C, ...), each channel of each sample normalised by itself, then weighted by channel.

    running_mean and running_var (C,) move by `momentum` towards the mean over samples of their
    statistics; without use_input_stats they are used instead.  Ulyanov et al. 2016,
    arXiv:1607.08022.  Raises ValueError for channels of one element, RuntimeError if the sizes do
    not match.
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
    out, mean, rstd = over_groups(input, weight, bias, groups=input.shape[1], eps=eps)
    if running_mean is not None:
        move_towards(running_mean, mean.array.mean(0), momentum)
    if running_var is not None:
        variance = (rstd.array.astype(np.float64) ** -2 - eps).mean(0)
        move_towards(running_var, variance * (count / (count - 1)), momentum)
    return out
