"""Nonlinear functions of elements, and softmax."""

import warnings
from collections.abc import Callable
from typing import Any

from minigrad import ops
from minigrad.nn.functional.checks import require_floating, require_tensor
from minigrad.ops.inplace import in_place

relu_ = in_place(ops.relu)
leaky_relu_ = in_place(ops.leaky_relu)


def relu(input: Any, inplace: bool = False) -> Any:
    """max(input, 0)."""
    return relu_(input) if inplace else ops.relu(input)


def leaky_relu(input: Any, negative_slope: float = 0.01, inplace: bool = False) -> Any:
    """input where it is positive, negative_slope * input elsewhere."""
    operation = leaky_relu_ if inplace else ops.leaky_relu
    return operation(input, negative_slope=negative_slope)


def sigmoid(input: Any) -> Any:
    """1 / (1 + exp(-input))."""
    return ops.sigmoid(input)


def logsigmoid(input: Any) -> Any:
    """log(1 / (1 + exp(-input)))."""
    require_tensor("logsigmoid", input=input)
    require_floating("logsigmoid", input)
    return ops.log_sigmoid(input)


def tanh(input: Any) -> Any:
    """The hyperbolic tangent."""
    return ops.tanh(input)


def gelu(input: Any, approximate: str = "none") -> Any:
    """input * Phi(input), Phi the normal distribution function; or its "tanh" approximation.

    Hendrycks & Gimpel 2016, Gaussian error linear units, arXiv:1606.08415.
    """
    require_tensor("gelu", input=input)
    require_floating("gelu", input)
    return ops.gelu(input, approximate=approximate)


def _along(
    name: str, operation: Callable[..., Any], input: Any, dim: int | None, dtype: Any
) -> Any:
    require_tensor(name, input=input)
    if dim is None:
        dim = 0 if input.ndim in (0, 1, 3) else 1
        warnings.warn(
            f"Implicit dimension choice for {name} has been deprecated. Change the call to include "
            f"dim=X as an argument.",
            stacklevel=3,
        )
    return operation(input if dtype is None else input.to(dtype), dim=dim)


def softmax(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """exp(input) / sum(exp(input)) along `dim`, after a cast to `dtype` if one is given."""
    return _along("softmax", ops.softmax, input, dim, dtype)


def log_softmax(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """input - log(sum(exp(input))) along `dim`, after a cast to `dtype` if one is given."""
    return _along("log_softmax", ops.log_softmax, input, dim, dtype)


def softmin(input: Any, dim: int | None = None, *, dtype: Any = None) -> Any:
    """softmax(-input) along `dim`, after a cast to `dtype` if one is given."""
    return _along("softmin", ops.softmax, -input, dim, dtype)
