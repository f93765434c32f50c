"""Batch normalisation folded into the layer before it, for evaluation."""

import copy
from typing import Any

import numpy as np

from minigrad.graph import wrap
from minigrad.nn.parameter import Parameter


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
    scale = 1 / np.sqrt(bn.running_var.array.astype(np.float64) + bn.eps)
    if bn.weight is not None:
        scale = scale * bn.weight.array
    shape = [1] * layer.weight.ndim
    shape[axis] = -1
    bias = 0.0 if layer.bias is None else layer.bias.array
    shift = (bias - bn.running_mean.array) * scale
    if bn.bias is not None:
        shift = shift + bn.bias.array
    kind, dtype = type(layer.weight).kind, layer.weight.array.dtype
    weight = layer.weight.array * scale.reshape(shape)
    fused.weight = Parameter(wrap(kind, weight.astype(dtype)), layer.weight.requires_grad)
    keeps = layer.weight.requires_grad if layer.bias is None else layer.bias.requires_grad
    fused.bias = Parameter(wrap(kind, shift.astype(dtype)), keeps)
    return fused
