"""Activation functions, element by element."""

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, pointwise, sample
from minigrad.kernels.pointwise import elementwise as kernels
from minigrad.ops.elementwise.elementary import exp, floating, shaped


@pointwise(
    vjp=(lambda g, out, x: relu_backward(g, out),),
    array_vjp=(lambda g, out, x: kernels.relu_backward(g, out),),
    samples=shaped(away_from=(0.0,)),
)
def relu(input: Array) -> Array:
    """max(input, 0), with derivative 0 at 0."""
    return kernels.relu(input)


@pointwise(
    node="ThresholdBackwardBackward0",
    vjp=(lambda g, out, c, y: relu_backward(g, y), None),
    samples=[sample(arr.of(3, 4), arr.of(3, 4, away_from=(0.0,)))],
)
def relu_backward(cotangent: Array, output: Array) -> Array:
    """The cotangent where the output of relu is positive, 0 elsewhere."""
    return kernels.relu_backward(cotangent, output)


@pointwise(
    vjp=(
        lambda g, out, x, *, negative_slope: leaky_relu_backward(
            g, x, negative_slope=negative_slope
        ),
    ),
    samples=[
        sample(arr.of(3, 4, away_from=(0.0,))),
        sample(arr.of(5, away_from=(0.0,)), negative_slope=0.3),
    ],
)
def leaky_relu(input: Array, *, negative_slope: float = 0.01) -> Array:
    """input where positive, negative_slope * input elsewhere."""
    if input.dtype.kind != "f":
        raise RuntimeError(f"leaky_relu is not implemented for {input.dtype}")
    return kernels.leaky_relu(input, negative_slope)


@pointwise(
    vjp=(
        lambda g, out, c, x, *, negative_slope: leaky_relu_backward(
            g, x, negative_slope=negative_slope
        ),
        None,
    ),
    samples=[sample(arr.of(3, 4), arr.of(3, 4, away_from=(0.0,)), negative_slope=0.1)],
)
def leaky_relu_backward(cotangent: Array, input: Array, *, negative_slope: float) -> Array:
    """The cotangent, scaled by negative_slope where the input is not positive."""
    return kernels.leaky_relu_backward(cotangent, input, negative_slope)


@floating(
    vjp=(lambda g, out, x: sigmoid_backward(g, out),),
    array_vjp=(lambda g, out, x: kernels.sigmoid_backward(g, out),),
    samples=shaped(),
)
def sigmoid(input: Array) -> Array:
    """1 / (1 + exp(-input))."""
    return kernels.sigmoid(input)


@pointwise(
    vjp=(
        lambda g, out, c, y: sigmoid_backward(g, y),
        lambda g, out, c, y: g * c * (1 - 2 * y),
    ),
    samples=[sample(arr.of(3, 4), arr.of(3, 4, low=0.1, high=0.9)), sample(arr.of(), arr.of())],
)
def sigmoid_backward(cotangent: Array, output: Array) -> Array:
    """The cotangent times y (1 - y), y the output of sigmoid."""
    return kernels.sigmoid_backward(cotangent, output)


@floating(
    vjp=(lambda g, out, x: tanh_backward(g, out),),
    array_vjp=(lambda g, out, x: kernels.tanh_backward(g, out),),
    samples=shaped(),
)
def tanh(input: Array) -> Array:
    """The hyperbolic tangent."""
    return kernels.tanh(input)


@pointwise(
    vjp=(
        lambda g, out, c, y: tanh_backward(g, y),
        lambda g, out, c, y: g * c * (-2 * y),
    ),
    samples=[sample(arr.of(3, 4), arr.of(3, 4, low=-0.9, high=0.9)), sample(arr.of(), arr.of())],
)
def tanh_backward(cotangent: Array, output: Array) -> Array:
    """The cotangent times 1 - y**2, y the output of tanh."""
    return kernels.tanh_backward(cotangent, output)


@pointwise(
    vjp=(lambda g, out, x, *, approximate: gelu_backward(g, x, approximate=approximate),),
    samples=[sample(arr.of(3, 4)), sample(arr.of(3, 4), approximate="tanh"), sample(arr.of())],
)
def gelu(input: Array, *, approximate: str = "none") -> Array:
    """input * Phi(input), Phi the normal distribution function (Hendrycks & Gimpel 2016).

    approximate="tanh" uses 0.5 x (1 + tanh(sqrt(2/pi) (x + 0.044715 x^3))).
    """
    if approximate not in {"none", "tanh"}:
        raise RuntimeError(f"approximate argument must be either none or tanh, got {approximate!r}")
    return kernels.gelu(input, approximate)


@pointwise(
    vjp=(
        lambda g, out, c, x, *, approximate: gelu_backward(g, x, approximate=approximate),
        lambda g, out, c, x, *, approximate: g * c * _gelu_curvature(x, approximate),
    ),
    samples=[
        sample(arr.of(3, 4), arr.of(3, 4), approximate="none"),
        sample(arr.of(3, 4), arr.of(3, 4), approximate="tanh"),
    ],
)
def gelu_backward(cotangent: Array, input: Array, *, approximate: str) -> Array:
    """The cotangent times the derivative of gelu at the input."""
    return kernels.gelu_backward(cotangent, input, approximate)


def _gelu_curvature(x: V, approximate: str) -> V:
    if approximate == "none":  # d/dx (Phi + x phi) = (2 - x^2) phi
        return (2 - x * x) * exp(-0.5 * x * x) * float(1 / np.sqrt(2 * np.pi))
    scale, cubic = float(np.sqrt(2 / np.pi)), 0.044715
    t = tanh(scale * (x + cubic * x * x * x))
    du = scale * (1 + 3 * cubic * x * x)
    sech2 = 1 - t * t
    return sech2 * du + 0.5 * x * (sech2 * (6 * scale * cubic) * x - 2 * t * sech2 * du * du)
