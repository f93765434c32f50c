"""Batch normalisation folded into the layer before it, for evaluation."""

import copy
from typing import Any

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor


def fuse_conv_bn_eval(conv: Any, bn: Any, transpose: bool = False) -> Any:
    """A convolution that does what `conv` followed by `bn` does in evaluation mode.

    Raises AssertionError unless both are in evaluation mode, RuntimeError if `bn` keeps no running
    statistics.
    """
    return _fused(conv, bn, axis=1 if transpose else 0)


def fuse_linear_bn_eval(linear: Any, bn: Any) -> Any:
    """A linear layer that does what `linear` followed by `bn` does in evaluation mode.

    Raises as fuse_conv_bn_eval does.
    """
    return _fused(linear, bn, axis=0)


def _fused(layer: Any, bn: Any, axis: int) -> Any:
    if layer.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if bn.running_mean is None or bn.running_var is None:
        raise RuntimeError("a batch norm without running statistics cannot be fused")
    filters = layer.weight.shape[axis]
    if bn.num_features != filters:
        raise RuntimeError(
            f"the layer has {filters} outputs, but the batch norm {bn.num_features} features"
        )
    fused = copy.deepcopy(layer)
    fused.weight, fused.bias = _folded(
        layer.weight, layer.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, axis
    )
    return fused


def fuse_conv_bn_weights(
    conv_w: Any,
    conv_b: Any,
    bn_rm: Any,
    bn_rv: Any,
    bn_eps: float,
    bn_w: Any,
    bn_b: Any,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution into which a batch norm's numbers are folded.

    bn_rm and bn_rv are its running mean and variance, (channels,); biases and bn_w may be None.
    """
    return _folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, axis=1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Any, linear_b: Any, bn_rm: Any, bn_rv: Any, bn_eps: float, bn_w: Any, bn_b: Any
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer into which a batch norm's numbers are folded."""
    return _folded(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, axis=0)


def _folded(
    weight: Tensor,
    bias: Tensor | None,
    mean: Any,
    var: Any,
    eps: float,
    gain: Any,
    offset: Any,
    axis: int,
) -> tuple[Parameter, Parameter]:
    scale = 1 / np.sqrt(var.array.astype(np.float64) + eps)
    if gain is not None:
        scale = scale * gain.array
    shift = ((0.0 if bias is None else bias.array) - mean.array) * scale
    if offset is not None:
        shift = shift + offset.array
    shape = [1] * weight.ndim
    shape[axis] = -1
    kind, dtype = type(weight).kind, weight.array.dtype
    scaled = wrap(kind, (weight.array * scale.reshape(shape)).astype(dtype))
    keeps = weight.requires_grad if bias is None else bias.requires_grad
    return (
        Parameter(scaled, weight.requires_grad),
        Parameter(wrap(kind, shift.astype(dtype)), keeps),
    )
