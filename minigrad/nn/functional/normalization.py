"""Normalization within each sample: layer, RMS, group and local response normalization."""

from collections.abc import Sequence

import numpy as np

from minigrad import ops
from minigrad.core.types import Shape
from minigrad.engine.half_precision import in_float32
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.nn.functional.padding import pad
from minigrad.nn.functional.pooling import avg_pool2d
from minigrad.ops.nn.layer_norm import group_norm as group_norm_op
from minigrad.ops.nn.layer_norm import layer_norm as layer_norm_op
from minigrad.tensor import Tensor


def layer_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(input - mean) / sqrt(var + eps) * weight + bias, statistics over the last dimensions.

    normalized_shape is the shape of these dimensions, and of weight and bias.  Ba et al. 2016,
    arXiv:1607.06450.  Raises RuntimeError if the shapes do not match.
    """
    shape = _normalized_shape("layer_norm", input, normalized_shape, weight=weight, bias=bias)
    out, _, _ = layer_norm_op(input, weight, bias, dims=len(shape), eps=eps)
    return out


@in_float32
def rms_norm(
    input: Tensor,
    normalized_shape: int | Sequence[int],
    weight: Tensor | None = None,
    eps: float | None = None,
) -> Tensor:
    """input / sqrt(mean of its squares + eps) * weight, the mean over the last dimensions.

    eps is by default the machine epsilon of the input's dtype.  Zhang & Sennrich 2019,
    arXiv:1910.07467.  Raises RuntimeError if the shapes do not match.
    """
    shape = _normalized_shape("rms_norm", input, normalized_shape, weight=weight)
    epsilon = float(np.finfo(input.array.dtype).eps) if eps is None else eps
    last = tuple(range(input.ndim - len(shape), input.ndim))
    out = input * ops.rsqrt((input * input).mean(last, keepdim=True) + epsilon)
    return out if weight is None else out * weight


def _normalized_shape(
    name: str, input: Tensor, normalized_shape: int | Sequence[int], **parameters: Tensor | None
) -> Shape:
    """normalized_shape as a tuple.  Raises RuntimeError if input or parameters do not have it."""
    require_tensor(name, input=input)
    require_floating(name, input)
    shape = (normalized_shape,) if isinstance(normalized_shape, int) else tuple(normalized_shape)
    if not shape or input.array.shape[-len(shape) :] != shape:
        raise RuntimeError(
            f"Given normalized_shape={list(shape)}, expected input with shape "
            f"[*, {', '.join(map(str, shape))}], but got input of size{list(input.shape)}"
        )
    for argument, value in parameters.items():
        if value is not None and value.array.shape != shape:
            raise RuntimeError(
                f"Expected {argument} to be of same shape as normalized_shape, but got {argument} "
                f"of shape {list(value.shape)} and normalized_shape = {list(shape)}"
            )
    return shape


def group_norm(
    input: Tensor,
    num_groups: int,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    eps: float = 1e-5,
) -> Tensor:
    """(N, C, ...) -> (input - mean) / sqrt(var + eps) * weight + bias, statistics per group.

    The channels are divided into num_groups groups; weight and bias are (C,).  Wu & He 2018,
    arXiv:1803.08494.  Raises RuntimeError if num_groups does not divide C or weight and bias are
    not (C,).
    """
    require_channels("group_norm", input, weight=weight, bias=bias)
    if num_groups < 1 or input.shape[1] % num_groups:
        raise RuntimeError(
            f"Expected number of channels in input to be divisible by num_groups, but got input of "
            f"shape {list(input.shape)} and num_groups={num_groups}"
        )
    out, _, _ = group_norm_op(input, weight, bias, groups=num_groups, eps=eps)
    return out


def require_channels(name: str, input: Tensor, **vectors: Tensor | None) -> None:
    """Raise RuntimeError unless the input is floating (N, C, ...) and the vectors are (C,)."""
    require_tensor(name, input=input)
    require_floating(name, input)
    if input.ndim < 2:
        raise RuntimeError(f"{name} expects (N, C, ...), got {list(input.shape)}")
    for argument, vector in vectors.items():
        if vector is not None and vector.shape != (input.shape[1],):
            raise RuntimeError(
                f"{name}: expected {argument} to be a vector of size equal to the number of "
                f"channels in input, but got {argument} of shape {list(vector.shape)} and input of "
                f"shape {list(input.shape)}"
            )


@in_float32
def local_response_norm(
    input: Tensor, size: int, alpha: float = 1e-4, beta: float = 0.75, k: float = 1.0
) -> Tensor:
    """input / (k + alpha * mean of squares over `size` neighboring channels)^beta: (N, C, ...).

    Krizhevsky et al. 2012, ImageNet classification with deep convolutional neural networks.
     Raises ValueError for an input of fewer than 3 dimensions.
    """
    require_tensor("local_response_norm", input=input)
    if input.ndim < 3:
        raise ValueError(
            f"Expected 3D or higher dimensionality input (got {input.ndim} dimensions)"
        )
    if input.array.size == 0:
        return input
    squares = ops.reshape(input * input, shape=(input.shape[0], 1, input.shape[1], -1))
    squares = pad(squares, (0, 0, size // 2, (size - 1) // 2))
    means = ops.reshape(avg_pool2d(squares, (size, 1), stride=1), shape=input.shape)
    return input / ops.pow(means * alpha + k, beta)
