"""Batch normalization folded into the layer before it, for evaluation."""

import copy
from typing import TypeVar

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.nn.batchnorm import RunningNorm
from minigrad.nn.module import Module
from minigrad.nn.parameter import Parameter
from minigrad.tensor import Tensor

L = TypeVar("L", bound=Module)


def fuse_conv_bn_eval(conv: L, bn: RunningNorm, transpose: bool = False) -> L:
    """A convolution equal to `conv` followed by `bn` in evaluation mode.

    Raises AssertionError unless both are in evaluation mode, RuntimeError if `bn` keeps no running
    statistics.
    """
    return _fused(conv, bn, axis=1 if transpose else 0)


def fuse_linear_bn_eval(linear: L, bn: RunningNorm) -> L:
    """A linear layer equal to `linear` followed by `bn` in evaluation mode.

    Raises as fuse_conv_bn_eval does.
    """
    return _fused(linear, bn, axis=0)


def _fused(layer: L, bn: RunningNorm, axis: int) -> L:
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
    conv_w: Tensor,
    conv_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
    transpose: bool = False,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a convolution with a batch norm folded in.

    bn_rm and bn_rv are its running mean and variance, (channels,), bn_w and bn_b its weight and
    bias; bn_w and the biases may be None.
    """
    return _folded(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, axis=1 if transpose else 0)


def fuse_linear_bn_weights(
    linear_w: Tensor,
    linear_b: Tensor | None,
    bn_rm: Tensor,
    bn_rv: Tensor,
    bn_eps: float,
    bn_w: Tensor | None,
    bn_b: Tensor | None,
) -> tuple[Parameter, Parameter]:
    """The weight and bias of a linear layer with a batch norm folded in."""
    return _folded(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, axis=0)


def _folded(
    weight: Tensor,
    bias: Tensor | None,
    mean: Tensor,
    var: Tensor,
    eps: float,
    gain: Tensor | None,
    offset: Tensor | None,
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
    bias_requires_grad = weight.requires_grad if bias is None else bias.requires_grad
    return (
        Parameter(scaled, weight.requires_grad),
        Parameter(wrap(kind, shift.astype(dtype)), bias_requires_grad),
    )
