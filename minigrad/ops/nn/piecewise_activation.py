"""Piecewise activation functions, and smooth ones such as silu and mish.

All of them share one operation for their backward pass, `activation_backward`, which knows them by
name.
"""

from collections.abc import Callable
from typing import Any

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, pointwise, sample
from minigrad.kernels.pointwise import activation as kernels
from minigrad.ops.elementwise.arithmetic import clamp
from minigrad.ops.elementwise.elementary import exp, where
from minigrad.ops.elementwise.special import log1p
from minigrad.ops.nn.activation import sigmoid, tanh


def _elu_curvature(x: V, positive: float, negative: float, rate: float) -> V:
    return where(x > 0, 0.0, negative * rate**2 * exp(clamp(x * rate, max=0.0)))


def _softplus_curvature(x: V, beta: float, threshold: float) -> V:
    s = sigmoid(x * beta)
    return where(x * beta > threshold, 0.0, beta * s * (1 - s))


def _silu_curvature(x: V) -> V:
    s = sigmoid(x)
    return s * (1 - s) * (2 + x * (1 - 2 * s))


def _mish_curvature(x: V) -> V:
    s, t = sigmoid(x), tanh(log1p(exp(clamp(x, max=20.0))))
    bend = s * (1 - t * t)
    return 2 * bend + x * bend * (1 - s - 2 * t * s)


# The slope's kernel and the second derivative of each; straight pieces have none.
_SLOPES: dict[str, tuple[Callable[..., Array], Callable[..., Any] | None]] = {
    "hardtanh": (kernels.hardtanh_backward, None),
    "hardsigmoid": (kernels.hardsigmoid_backward, None),
    "hardswish": (kernels.hardswish_backward, lambda x: _within(x, 3.0).to(x.dtype) * (1 / 3)),
    "hardshrink": (kernels.shrink_backward, None),
    "softshrink": (kernels.shrink_backward, None),
    "threshold": (kernels.threshold_backward, None),
    "elu": (kernels.elu_backward, _elu_curvature),
    "softplus": (kernels.softplus_backward, _softplus_curvature),
    "silu": (kernels.silu_backward, _silu_curvature),
    "mish": (kernels.mish_backward, _mish_curvature),
}


def _within(x: V, bound: float) -> V:
    return (x > -bound) & (x < bound)


def _second(g: V, c: V, x: V, of: str, settings: tuple[float, ...]) -> V:
    curvature = _SLOPES[of][1]
    return g.new_zeros(g.shape) if curvature is None else g * c * curvature(x, *settings)


def _of(name: str, **domain: Any) -> Any:
    shape = (3, 4)
    return sample(arr.of(*shape), arr.of(*shape, **domain), of=name)


@pointwise(
    node=lambda node: f"{node.settings['of'].title()}BackwardBackward0",
    vjp=(
        lambda g, out, c, x, *, of, settings: activation_backward(g, x, of=of, settings=settings),
        lambda g, out, c, x, *, of, settings: _second(g, c, x, of, settings),
    ),
    samples=[
        _of("silu"),
        _of("mish"),
        _of("hardswish", low=-5.0, high=5.0, away_from=(-3.0, 3.0)),
        _of("hardsigmoid", low=-5.0, high=5.0, away_from=(-3.0, 3.0)),
        sample(arr.of(3), arr.of(3), of="softplus", settings=(2.0, 20.0)),
        sample(arr.of(5), arr.of(5, away_from=(0.0,)), of="elu", settings=(1.5, 0.5, 2.0)),
    ],
)
def activation_backward(
    cotangent: Array, input: Array, *, of: str, settings: tuple[float, ...] = ()
) -> Array:
    """The cotangent times the slope of the function named, at the input."""
    return _SLOPES[of][0](cotangent, input, settings=settings)


@pointwise(
    vjp=(
        lambda g, out, x, *, min_val, max_val: activation_backward(
            g, x, of="hardtanh", settings=(min_val, max_val)
        ),
    ),
    samples=[
        sample(arr.of(3, 4, away_from=(-1.0, 1.0))),
        sample(arr.of(5, away_from=(0.5,)), min_val=-3.0, max_val=0.5),
    ],
)
def hardtanh(input: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """input, but at least min_val and at most max_val; the derivative at both is 0."""
    return kernels.hardtanh(input, settings=(min_val, max_val))


@pointwise(
    vjp=(lambda g, out, x: activation_backward(g, x, of="hardsigmoid"),),
    samples=[sample(arr.of(3, 4, low=-5.0, high=5.0, away_from=(-3.0, 3.0)))],
)
def hardsigmoid(input: Array) -> Array:
    """input / 6 + 1/2, between 0 and 1."""
    return kernels.hardsigmoid(input)


@pointwise(
    vjp=(lambda g, out, x: activation_backward(g, x, of="hardswish"),),
    samples=[sample(arr.of(3, 4, low=-5.0, high=5.0, away_from=(-3.0, 3.0)))],
)
def hardswish(input: Array) -> Array:
    """input * hardsigmoid(input) (Howard et al. 2019, arXiv:1905.02244)."""
    return kernels.hardswish(input)


@pointwise(
    vjp=(
        lambda g, out, x, *, lambd: activation_backward(g, x, of="hardshrink", settings=(lambd,)),
    ),
    samples=[sample(arr.of(3, 4, away_from=(-0.5, 0.5)))],
)
def hardshrink(input: Array, *, lambd: float = 0.5) -> Array:
    """input, but 0 within +-lambd."""
    return kernels.hardshrink(input, settings=(lambd,))


@pointwise(
    vjp=(
        lambda g, out, x, *, lambd: activation_backward(g, x, of="softshrink", settings=(lambd,)),
    ),
    samples=[sample(arr.of(3, 4, away_from=(-0.5, 0.5)))],
)
def softshrink(input: Array, *, lambd: float = 0.5) -> Array:
    """input moved towards 0 by lambd, and 0 within +-lambd."""
    return kernels.softshrink(input, settings=(lambd,))


@pointwise(
    vjp=(
        lambda g, out, x, *, threshold, value: activation_backward(
            g, x, of="threshold", settings=(threshold,)
        ),
    ),
    samples=[sample(arr.of(3, 4, away_from=(0.3,)), threshold=0.3, value=20.0)],
)
def threshold(input: Array, *, threshold: float, value: float) -> Array:
    """input where it is above the threshold, `value` elsewhere."""
    return kernels.threshold(input, settings=(threshold, value))


@pointwise(
    vjp=(
        lambda g, out, x, *, positive, negative, rate: activation_backward(
            g, x, of="elu", settings=(positive, negative, rate)
        ),
    ),
    samples=[
        sample(arr.of(3, 4, away_from=(0.0,))),
        sample(arr.of(5, away_from=(0.0,)), positive=1.5, negative=0.5, rate=2.0),
    ],
)
def elu(input: Array, *, positive: float = 1.0, negative: float = 1.0, rate: float = 1.0) -> Array:
    """positive * input where it is positive, negative * (exp(rate * input) - 1) elsewhere."""
    return kernels.elu(input, settings=(positive, negative, rate))


@pointwise(
    vjp=(
        lambda g, out, x, *, beta, threshold: activation_backward(
            g, x, of="softplus", settings=(beta, threshold)
        ),
    ),
    samples=[
        sample(arr.of(3, 4)),
        sample(arr.of(5, low=-3.0, high=3.0, away_from=(1.0,)), beta=2.0, threshold=2.0),
    ],
)
def softplus(input: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """log(1 + exp(beta * input)) / beta; the input itself where beta * input > threshold."""
    return kernels.softplus(input, settings=(beta, threshold))


@pointwise(
    vjp=(lambda g, out, x: activation_backward(g, x, of="silu"),), samples=[sample(arr.of(3, 4))]
)
def silu(input: Array) -> Array:
    """input * sigmoid(input) (Hendrycks & Gimpel 2016, arXiv:1606.08415)."""
    return kernels.silu(input)


@pointwise(
    vjp=(lambda g, out, x: activation_backward(g, x, of="mish"),), samples=[sample(arr.of(3, 4))]
)
def mish(input: Array) -> Array:
    """input * tanh(log(1 + exp(input))) (Misra 2019, arXiv:1908.08681)."""
    return kernels.mish(input)
