"""Activation functions of several pieces, and the smooth ones in their likeness."""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from minigrad import ops, random
from minigrad.engine.graph import wrap
from minigrad.nn.functional.checks import require_floating, require_tensor
from minigrad.ops.generator import stream
from minigrad.ops.inplace import in_place
from minigrad.ops.nn import piecewise_activation

# Klambauer et al. 2017, Self-normalizing neural networks, arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _applied(operation: Callable[..., Any], input: Any, inplace: bool, **settings: float) -> Any:
    require_tensor(operation.__name__, input=input)
    require_floating(operation.__name__, input)
    return (in_place(operation) if inplace else operation)(input, **settings)


def relu6(input: Any, inplace: bool = False) -> Any:
    """min(max(input, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(input: Any, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False) -> Any:
    """input, but at least min_val and at most max_val.  Raises ValueError if max_val is less."""
    if min_val > max_val:
        raise ValueError(f"hardtanh expects min_val <= max_val, got {min_val} and {max_val}")
    return _applied(piecewise_activation.hardtanh, input, inplace, min_val=min_val, max_val=max_val)


def hardsigmoid(input: Any, inplace: bool = False) -> Any:
    """input / 6 + 1/2, between 0 and 1."""
    return _applied(piecewise_activation.hardsigmoid, input, inplace)


def hardswish(input: Any, inplace: bool = False) -> Any:
    """input * hardsigmoid(input) (Howard et al. 2019, arXiv:1905.02244)."""
    return _applied(piecewise_activation.hardswish, input, inplace)


def hardshrink(input: Any, lambd: float = 0.5) -> Any:
    """input, but 0 within +-lambd."""
    return _applied(piecewise_activation.hardshrink, input, False, lambd=lambd)


def softshrink(input: Any, lambd: float = 0.5) -> Any:
    """input moved towards 0 by lambd, and 0 within +-lambd.  Raises RuntimeError if lambd < 0."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return _applied(piecewise_activation.softshrink, input, False, lambd=lambd)


def tanhshrink(input: Any) -> Any:
    """input - tanh(input)."""
    return input - ops.tanh(input)


def threshold(input: Any, threshold: float, value: float, inplace: bool = False) -> Any:
    """input where it is above the threshold, `value` elsewhere."""
    return _applied(
        piecewise_activation.threshold, input, inplace, threshold=threshold, value=value
    )


def elu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where positive, alpha (exp(input) - 1) elsewhere (Clevert 2015, arXiv:1511.07289)."""
    return _applied(piecewise_activation.elu, input, inplace, negative=alpha)


def selu(input: Any, inplace: bool = False) -> Any:
    """elu with the alpha and the scale that keep mean 0 and variance 1 (arXiv:1706.02515)."""
    negative = SELU_SCALE * SELU_ALPHA
    return _applied(
        piecewise_activation.elu, input, inplace, positive=SELU_SCALE, negative=negative
    )


def celu(input: Any, alpha: float = 1.0, inplace: bool = False) -> Any:
    """input where positive, alpha (exp(input / alpha) - 1) elsewhere (arXiv:1704.07483).

    Raises RuntimeError if alpha is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _applied(piecewise_activation.elu, input, inplace, negative=alpha, rate=1.0 / alpha)


def softplus(input: Any, beta: float = 1.0, threshold: float = 20.0) -> Any:
    """log(1 + exp(beta * input)) / beta; the input itself where beta * input > threshold."""
    return _applied(piecewise_activation.softplus, input, False, beta=beta, threshold=threshold)


def softsign(input: Any) -> Any:
    """input / (1 + |input|)."""
    return input / (ops.abs(input) + 1)


def silu(input: Any, inplace: bool = False) -> Any:
    """input * sigmoid(input) (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return _applied(piecewise_activation.silu, input, inplace)


def mish(input: Any, inplace: bool = False) -> Any:
    """input * tanh(softplus(input)) (Misra 2019, arXiv:1908.08681)."""
    return _applied(piecewise_activation.mish, input, inplace)


def prelu(input: Any, weight: Any) -> Any:
    """input where positive, weight * input elsewhere (He et al. 2015, arXiv:1502.01852).

    weight has one element, or one for each channel: dimension 1 of the input.  Raises RuntimeError
    for another number.
    """
    require_tensor("prelu", input=input, weight=weight)
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels) or weight.ndim > 1:
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.numel()} and channel size = {channels}."
        )
    slopes = weight if input.ndim < 2 else weight.reshape(-1, *[1] * (input.ndim - 2))
    return ops.where(input > 0, input, slopes * input)


def rrelu(
    input: Any,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Any:
    """input where positive, elsewhere times a slope: drawn from [lower, upper) for each element in
    training, their mean otherwise (Xu et al. 2015, arXiv:1505.00853).

    Raises RuntimeError unless lower <= upper.
    """
    require_tensor("rrelu", input=input)
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, got "
                           f"{lower} and {upper}")  # fmt: skip
    if not training:
        leaky = in_place(ops.leaky_relu) if inplace else ops.leaky_relu
        return leaky(input, negative_slope=(lower + upper) / 2)
    drawn = stream(None).uniform(lower, upper, input.shape).astype(input.array.dtype)
    slopes = wrap(input.kind, np.where(input.array > 0, input.array.dtype.type(1), drawn))
    return input.mul_(slopes) if inplace else input * slopes


def glu(input: Any, dim: int = -1) -> Any:
    """a * sigmoid(b), a and b the halves of the input along dim (arXiv:1612.08083).

    Raises RuntimeError if the size is odd.
    """
    require_tensor("glu", input=input)
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    a, b = ops.split(input, size // 2, dim)
    return a * ops.sigmoid(b)


def gumbel_softmax(logits: Any, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Any:
    """A sample from the Gumbel-softmax distribution (Jang et al. 2016, arXiv:1611.01144).

    With hard=True one-hot, differentiated as if it were the soft sample.
    PyTorch differs: its eps, without effect since long, is gone.
    """
    noise = -(-random.rand(logits.shape, dtype=logits.dtype).clamp(min=1e-30).log()).log()
    soft = ops.softmax((logits + noise) / tau, dim=dim)
    if not hard:
        return soft
    largest = ops.amax(soft.detach(), dim=dim, keepdim=True)
    chosen = (soft.detach() == largest).to(soft.dtype)
    return chosen - soft.detach() + soft


elu_, selu_, celu_ = (partial(function, inplace=True) for function in (elu, selu, celu))
hardtanh_, rrelu_ = (partial(function, inplace=True) for function in (hardtanh, rrelu))
threshold_ = partial(threshold, inplace=True)
