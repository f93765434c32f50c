"""Activation functions and softmax."""

import warnings
from functools import partial

import numpy as np

from minigrad import ops, random
from minigrad.core.types import Array, DTypeLike
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import wrap
from minigrad.engine.op import Operation, composed, labelled
from minigrad.nn.functional.arguments import require_floating, require_tensor
from minigrad.ops.generator import stream
from minigrad.ops.inplace import in_place
from minigrad.ops.nn import piecewise_activation
from minigrad.tensor import Tensor

relu_ = in_place(ops.relu)
leaky_relu_ = in_place(ops.leaky_relu)


def relu(input: Tensor, inplace: bool = False) -> Tensor:
    """max(input, 0).  Raises RuntimeError for bools."""
    return relu_(input) if inplace else ops.relu(input)


def leaky_relu(input: Tensor, negative_slope: float = 0.01, inplace: bool = False) -> Tensor:
    """input where it is positive, negative_slope * input elsewhere."""
    operation = leaky_relu_ if inplace else ops.leaky_relu
    return operation(input, negative_slope=negative_slope)


def sigmoid(input: Tensor) -> Tensor:
    """1 / (1 + exp(-input))."""
    return ops.sigmoid(input)


@composed
def logsigmoid(input: Tensor) -> Tensor:
    """log(1 / (1 + exp(-input)))."""
    require_tensor("logsigmoid", input=input)
    require_floating("logsigmoid", input)
    return ops.log_sigmoid(input)


def tanh(input: Tensor) -> Tensor:
    """The hyperbolic tangent of each element."""
    return ops.tanh(input)


def gelu(input: Tensor, approximate: str = "none") -> Tensor:
    """input * Phi(input), where Phi is the normal distribution function.

    approximate="tanh" takes input / 2 (1 + tanh(sqrt(2 / pi) (input + 0.044715 input^3))).
    Raises RuntimeError for an input that is not floating.
    Hendrycks & Gimpel 2016, Gaussian error linear units, arXiv:1606.08415.
    """
    require_tensor("gelu", input=input)
    require_floating("gelu", input)
    return ops.gelu(input, approximate=approximate)


def _softmax_along(
    name: str, operation: Operation, input: Tensor, dim: int | None, dtype: DTypeLike
) -> Tensor:
    require_tensor(name, input=input)
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
            f"dim=X as an argument.",
            stacklevel=3,
        )
    return operation(input if dtype is None else input.to(dtype), dim=dim)


def softmax(input: Tensor, dim: int | None = None, *, dtype: DTypeLike = None) -> Tensor:
    """exp(input) / sum(exp(input)) along `dim`, after a cast to `dtype` if one is given."""
    return _softmax_along("softmax", ops.softmax, input, dim, dtype)


def log_softmax(input: Tensor, dim: int | None = None, *, dtype: DTypeLike = None) -> Tensor:
    """input - log(sum(exp(input))) along `dim`, after a cast to `dtype` if one is given."""
    return _softmax_along("log_softmax", ops.log_softmax, input, dim, dtype)


def softmin(input: Tensor, dim: int | None = None, *, dtype: DTypeLike = None) -> Tensor:
    """softmax(-input) along `dim`, after a cast to `dtype` if one is given."""
    return _softmax_along("softmin", ops.softmax, -input, dim, dtype)


# Klambauer et al. 2017, Self-normalizing neural networks, arXiv:1706.02515.
SELU_ALPHA, SELU_SCALE = 1.6732632423543772, 1.0507009873554805


def _pointwise(operation: Operation, input: Tensor, inplace: bool, **settings: float) -> Tensor:
    require_tensor(operation.__name__, input=input)
    require_floating(operation.__name__, input)
    return (in_place(operation) if inplace else operation)(input, **settings)


def relu6(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input, 0), 6)."""
    return hardtanh(input, 0.0, 6.0, inplace)


def hardtanh(
    input: Tensor, min_val: float = -1.0, max_val: float = 1.0, inplace: bool = False
) -> Tensor:
    """min(max(input, min_val), max_val); for integers the bounds are rounded towards 0.

    Raises ValueError if max_val < min_val, RuntimeError for bools and for a bound below 0 of
    unsigned integers.
    """
    require_tensor("hardtanh", input=input)
    if min_val > max_val:
        raise ValueError(f"hardtanh expects min_val <= max_val, got {min_val} and {max_val}")
    if input.array.dtype.kind in "iu":
        if input.array.dtype.kind == "u" and min_val < 0:
            raise RuntimeError("cannot do hardtanh on an unsigned type with negative limits")
        clamp = in_place(ops.clamp) if inplace else ops.clamp
        return clamp(input, min=int(min_val), max=int(max_val))
    return _pointwise(
        piecewise_activation.hardtanh, input, inplace, min_val=min_val, max_val=max_val
    )


def hardsigmoid(input: Tensor, inplace: bool = False) -> Tensor:
    """min(max(input / 6 + 1/2, 0), 1)."""
    return _pointwise(piecewise_activation.hardsigmoid, input, inplace)


def hardswish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * hardsigmoid(input) (Howard et al. 2019, arXiv:1905.02244)."""
    return _pointwise(piecewise_activation.hardswish, input, inplace)


@composed
def hardshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """input where |input| > lambd, 0 elsewhere."""
    return _pointwise(piecewise_activation.hardshrink, input, False, lambd=lambd)


@composed
def softshrink(input: Tensor, lambd: float = 0.5) -> Tensor:
    """sign(input) * max(|input| - lambd, 0).  Raises RuntimeError if lambd < 0."""
    if lambd < 0:
        raise RuntimeError(f"lambda must be greater or equal to 0, but found to be {lambd}.")
    return _pointwise(piecewise_activation.softshrink, input, False, lambd=lambd)


def tanhshrink(input: Tensor) -> Tensor:
    """input - tanh(input)."""
    return input - ops.tanh(input)


@composed
def threshold(input: Tensor, threshold: float, value: float, inplace: bool = False) -> Tensor:
    """input where it is above the threshold, `value` elsewhere.

    For integers both are rounded towards 0.  Raises RuntimeError for bools.
    """
    require_tensor("threshold", input=input)
    if input.array.dtype.kind in "iu":
        out = ops.where(input > int(threshold), input, int(value))
        return input.copy_(out) if inplace else out
    return _pointwise(
        piecewise_activation.threshold, input, inplace, threshold=threshold, value=value
    )


def elu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha (exp(input) - 1) elsewhere (Clevert 2015, arXiv:1511.07289)."""
    return _pointwise(piecewise_activation.elu, input, inplace, negative=alpha)


def selu(input: Tensor, inplace: bool = False) -> Tensor:
    """SELU_SCALE * elu(input, SELU_ALPHA), which keeps mean 0 and variance 1 (arXiv:1706.02515)."""
    negative = SELU_SCALE * SELU_ALPHA
    return _pointwise(
        piecewise_activation.elu, input, inplace, positive=SELU_SCALE, negative=negative
    )


@labelled("CeluBackward0")
def celu(input: Tensor, alpha: float = 1.0, inplace: bool = False) -> Tensor:
    """input where positive, alpha (exp(input / alpha) - 1) elsewhere (arXiv:1704.07483).

    Raises RuntimeError if alpha is 0.
    """
    if alpha == 0:
        raise RuntimeError("ZeroDivisionError: alpha cannot be 0 for CELU")
    return _pointwise(piecewise_activation.elu, input, inplace, negative=alpha, rate=1.0 / alpha)


@composed
def softplus(input: Tensor, beta: float = 1.0, threshold: float = 20.0) -> Tensor:
    """log(1 + exp(beta * input)) / beta; the input itself where beta * input > threshold."""
    return _pointwise(piecewise_activation.softplus, input, False, beta=beta, threshold=threshold)


def softsign(input: Tensor) -> Tensor:
    """input / (1 + |input|)."""
    return input / (ops.abs(input) + 1)


def silu(input: Tensor, inplace: bool = False) -> Tensor:
    """input * sigmoid(input) (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return _pointwise(piecewise_activation.silu, input, inplace)


def mish(input: Tensor, inplace: bool = False) -> Tensor:
    """input * tanh(softplus(input)) (Misra 2019, arXiv:1908.08681)."""
    return _pointwise(piecewise_activation.mish, input, inplace)


@labelled("PreluKernelBackward0")
def prelu(input: Tensor, weight: Tensor) -> Tensor:
    """input where positive, weight * input elsewhere (He et al. 2015, arXiv:1502.01852).

    weight has one element, or one for each channel: dimension 1 of the input.  Raises RuntimeError
    for another number of elements, and unless both have one floating dtype.
    """
    require_tensor("prelu", input=input, weight=weight)
    require_floating("prelu", input)
    if input.array.dtype != weight.array.dtype:
        raise RuntimeError(
            f"prelu: Type promoting not supported. Got {input.dtype} and {weight.dtype}"
        )
    channels = input.shape[1] if input.ndim > 1 else 1
    if weight.numel() not in (1, channels) or weight.ndim > 1:
        raise RuntimeError(
            f"Mismatch of parameter numbers and input channel size. Found parameter numbers = "
            f"{weight.numel()} and channel size = {channels}."
        )
    if input.ndim == 0:
        slopes = weight.reshape(())
    else:
        slopes = weight if input.ndim == 1 else weight.reshape(-1, *[1] * (input.ndim - 2))
    return ops.where(input > 0, input, slopes * input)


def rrelu(
    input: Tensor,
    lower: float = 1.0 / 8,
    upper: float = 1.0 / 3,
    training: bool = False,
    inplace: bool = False,
) -> Tensor:
    """input where positive, slope * input elsewhere (Xu et al. 2015, arXiv:1505.00853).

    While training each element's slope is uniform in [lower, upper); otherwise it is their mean.
    Raises RuntimeError unless lower <= upper.
    """
    require_tensor("rrelu", input=input)
    if lower > upper:
        raise RuntimeError(f"Lower bound should be less than or equal to the upper bound, got "
                           f"{lower} and {upper}")  # fmt: skip
    if not training:
        leaky = in_place(ops.leaky_relu) if inplace else ops.leaky_relu
        return leaky(input, negative_slope=(lower + upper) / 2)
    slopes = wrap(input.kind, ignore_fp_errors(_drawn_slopes, input.array, lower, upper))
    return input.mul_(slopes) if inplace else input * slopes


def _drawn_slopes(array: Array, lower: float, upper: float) -> Array:
    """1 where the array is positive, random slopes elsewhere."""
    drawn: Array = np.asarray(stream(None).uniform(lower, upper, array.shape), array.dtype)
    slopes: Array = np.where(array > 0, array.dtype.type(1), drawn)
    return slopes


@labelled("GluBackward0")
def glu(input: Tensor, dim: int = -1) -> Tensor:
    """a * sigmoid(b), where a and b are the halves of the input along dim (arXiv:1612.08083).

    Raises RuntimeError if the size along dim is odd.
    """
    require_tensor("glu", input=input)
    if input.ndim == 0:
        raise RuntimeError("glu does not support 0-dimensional tensors")
    size = input.shape[dim]
    if size % 2:
        raise RuntimeError(f"Halving dimension must be even, but dimension {dim} is size {size}")
    a, b = ops.split(input, size // 2, dim)
    return a * ops.sigmoid(b)


def gumbel_softmax(logits: Tensor, tau: float = 1.0, hard: bool = False, dim: int = -1) -> Tensor:
    """A sample from the Gumbel-softmax distribution (Jang et al. 2016, arXiv:1611.01144).

    (..., C) -> (..., C).  With hard=True the sample is one-hot, and its gradient that of the soft
    sample.  PyTorch differs: there is no argument eps, which has no effect in PyTorch.
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
