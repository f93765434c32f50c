"""Initializations of parameters; each fills its tensor in place and returns it."""

import functools
import math
import warnings
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array
from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import no_grad
from minigrad.ops.generator import Generator, stream
from minigrad.ops.linalg import lapack
from minigrad.tensor import Tensor

F = TypeVar("F", bound=Callable[..., Any])
T = TypeVar("T", bound=Tensor)

_GAINS = {
    "linear": 1.0,
    "conv1d": 1.0,
    "conv2d": 1.0,
    "conv3d": 1.0,
    "conv_transpose1d": 1.0,
    "conv_transpose2d": 1.0,
    "conv_transpose3d": 1.0,
    "sigmoid": 1.0,
    "tanh": 5.0 / 3,
    "relu": math.sqrt(2.0),
    "selu": 3.0 / 4,
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The factor of the standard deviation that compensates for the following nonlinearity.

    `param`: the negative slope of "leaky_relu", 0.01 by default.  Raises ValueError for an unknown
    nonlinearity.
    """
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, int | float):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity not in _GAINS:
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}")
    return _GAINS[nonlinearity]


def _fill(tensor: T, values: Array | float) -> T:
    with no_grad():
        tensor.copy_(tensor.new_tensor(values))
    return tensor


# --- constants -----------------------------------------------------------------------------------


def constant_(tensor: T, val: float) -> T:
    """Set every element to `val`."""
    return _fill(tensor, val)


def ones_(tensor: T) -> T:
    """Set every element to 1."""
    return _fill(tensor, 1.0)


def zeros_(tensor: T) -> T:
    """Set every element to 0."""
    return _fill(tensor, 0.0)


# --- structure -----------------------------------------------------------------------------------


def eye_(tensor: T) -> T:
    """1 on the diagonal, 0 elsewhere.  Raises ValueError unless the tensor is 2-D."""
    if tensor.ndim != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}"
        )
    return _fill(tensor, np.eye(tensor.shape[0], tensor.shape[1]))


def dirac_(tensor: T, groups: int = 1) -> T:
    """Weights (F, C, ...) of a convolution that is the identity of its first min(F, C) channels.

    With groups, of each group's channels.  Raises ValueError unless the tensor has 3 to 5
    dimensions and groups divides F.
    """
    if tensor.ndim not in (3, 4, 5):
        raise ValueError(
            f"Only tensors with 3, 4, or 5 dimensions are supported, got shape {list(tensor.shape)}"
        )
    filters, channels, *kernel = tensor.shape
    if filters % groups:
        raise ValueError(f"dim 0 must be divisible by groups, got {filters} and {groups}")
    weights = np.zeros(tensor.shape)
    centre = tuple(size // 2 for size in kernel)
    per_group = filters // groups
    for group in range(groups):
        for channel in range(min(per_group, channels)):
            weights[(group * per_group + channel, channel, *centre)] = 1
    return _fill(tensor, weights)


# --- random --------------------------------------------------------------------------------------


def uniform_(tensor: T, a: float = 0.0, b: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform in [a, b)."""
    with no_grad():
        tensor.uniform_(a, b, generator=generator)
    return tensor


def normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, generator: Generator | None = None
) -> T:
    """Normal with mean `mean` and standard deviation `std`."""
    with no_grad():
        tensor.normal_(mean, std, generator=generator)
    return tensor


def trunc_normal_(
    tensor: T,
    mean: float = 0.0,
    std: float = 1.0,
    a: float = -2.0,
    b: float = 2.0,
    generator: Generator | None = None,
) -> T:
    """Normal, truncated to [a, b]: values outside are drawn again.

    Warns if the mean is more than 2 std away from [a, b].  Raises ValueError unless a < b.
    """
    if a >= b:
        raise ValueError(f"trunc_normal_ expects a < b, got a={a}, b={b}")
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in nn.init.trunc_normal_. The distribution of "
            "values may be incorrect.",
            stacklevel=2,
        )
    numbers = stream(generator)
    values = numbers.normal(mean, std, tensor.shape)
    outside = (values < a) | (values > b)
    for _ in range(_REDRAWS):
        if not outside.any():
            break
        values[outside] = numbers.normal(mean, std, int(outside.sum()))
        outside = (values < a) | (values > b)
    return _fill(tensor, np.clip(values, a, b))


# Values that are still outside after so many draws are clipped.
_REDRAWS = 1000


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out): the inputs of each output and the outputs of each input."""
    if tensor.ndim < 2:
        raise ValueError(
            f"Fan in and fan out can not be computed for tensor with fewer than 2 dimensions, got "
            f"shape {list(tensor.shape)}"
        )
    outputs, inputs, *kernel = tensor.shape
    area = math.prod(kernel)
    return inputs * area, outputs * area


def xavier_uniform_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Uniform in +-gain * sqrt(6 / (fan_in + fan_out)).

    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward networks.
    """
    bound = gain * math.sqrt(6.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return uniform_(tensor, -bound, bound, generator)


def xavier_normal_(tensor: T, gain: float = 1.0, generator: Generator | None = None) -> T:
    """Normal with deviation gain * sqrt(2 / (fan_in + fan_out)).

    Glorot & Bengio 2010, Understanding the difficulty of training deep feedforward networks.
    """
    std = gain * math.sqrt(2.0 / sum(_calculate_fan_in_and_fan_out(tensor)))
    return normal_(tensor, 0.0, std, generator)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> int:
    """The fan that `mode` names, "fan_in" or "fan_out"; ValueError for another one."""
    fans = dict(zip(("fan_in", "fan_out"), _calculate_fan_in_and_fan_out(tensor), strict=True))
    if mode.lower() not in fans:
        raise ValueError(f"Mode {mode} not supported, please use one of {list(fans)}")
    return fans[mode.lower()]


def _kaiming_std(tensor: Tensor, a: float, mode: str, nonlinearity: str) -> float:
    return calculate_gain(nonlinearity, a) / math.sqrt(_calculate_correct_fan(tensor, mode))


def _is_empty(tensor: Tensor) -> bool:
    if 0 in tensor.shape:
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return True
    return False


def kaiming_uniform_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Uniform in +-gain * sqrt(3 / fan); `a` is the negative slope of the leaky ReLU that follows.

    He et al. 2015, Delving deep into rectifiers, arXiv:1502.01852.
    """
    if _is_empty(tensor):
        return tensor
    bound = math.sqrt(3.0) * _kaiming_std(tensor, a, mode, nonlinearity)
    return uniform_(tensor, -bound, bound, generator)


def kaiming_normal_(
    tensor: T,
    a: float = 0,
    mode: str = "fan_in",
    nonlinearity: str = "leaky_relu",
    generator: Generator | None = None,
) -> T:
    """Normal with deviation gain / sqrt(fan); `a` is the negative slope of a leaky ReLU.

    He et al. 2015, Delving deep into rectifiers, arXiv:1502.01852.
    """
    if _is_empty(tensor):
        return tensor
    return normal_(tensor, 0.0, _kaiming_std(tensor, a, mode, nonlinearity), generator)


def orthogonal_(tensor: T, gain: float = 1, generator: Generator | None = None) -> T:
    """gain times a matrix with orthonormal rows or columns: (size of dimension 0, all others).

    Saxe et al. 2013, Exact solutions to the nonlinear dynamics of learning, arXiv:1312.6120.
    Raises ValueError for tensors of fewer than 2 dimensions.
    """
    if tensor.ndim < 2:
        raise ValueError(
            f"Only tensors with 2 or more dimensions are supported, got shape {list(tensor.shape)}"
        )
    if tensor.numel() == 0:
        return tensor
    rows = tensor.shape[0]
    flat = stream(generator).normal(size=(rows, tensor.numel() // rows))
    tall = flat.T if rows < flat.shape[1] else flat
    q, r = lapack.qr(tall)
    q *= np.sign(np.diag(r))  # makes the distribution uniform over orthogonal matrices
    q = q.T if rows < flat.shape[1] else q
    return _fill(tensor, gain * q.reshape(tensor.shape))


def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Generator | None = None) -> T:
    """Normal with deviation std; the fraction `sparsity` of each column is 0.

    Martens 2010, Deep learning via Hessian-free optimization.  Raises ValueError unless 2-D.
    """
    if tensor.ndim != 2:
        raise ValueError(
            f"Only tensors with 2 dimensions are supported, got shape {list(tensor.shape)}"
        )
    rows, columns = tensor.shape
    numbers = stream(generator)
    values = numbers.normal(0, std, (rows, columns))
    zeros = math.ceil(sparsity * rows)
    for column in range(columns):
        values[numbers.permutation(rows)[:zeros], column] = 0
    return _fill(tensor, values)


# --- names that torch has deprecated --------------------------------------------------------------


def _deprecated(function: F) -> F:
    """The function under its name without the last underscore, with torch's FutureWarning."""
    new = function.__name__
    old = new.rstrip("_")

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        warn_caller(
            f"`nn.init.{old}` is now deprecated in favor of `nn.init.{new}`.", FutureWarning
        )
        return function(*args, **settings)

    call.__name__ = call.__qualname__ = old
    call.__doc__ = f"`{new}`, under the name that torch has deprecated."
    return call  # type: ignore[return-value]


uniform, normal, constant = _deprecated(uniform_), _deprecated(normal_), _deprecated(constant_)
eye, dirac, sparse = _deprecated(eye_), _deprecated(dirac_), _deprecated(sparse_)
xavier_uniform, xavier_normal = _deprecated(xavier_uniform_), _deprecated(xavier_normal_)
kaiming_uniform, kaiming_normal = _deprecated(kaiming_uniform_), _deprecated(kaiming_normal_)
orthogonal = _deprecated(orthogonal_)

__all__ = [
    "calculate_gain",
    "constant",
    "constant_",
    "dirac",
    "dirac_",
    "eye",
    "eye_",
    "kaiming_normal",
    "kaiming_normal_",
    "kaiming_uniform",
    "kaiming_uniform_",
    "normal",
    "normal_",
    "ones_",
    "orthogonal",
    "orthogonal_",
    "sparse",
    "sparse_",
    "trunc_normal_",
    "uniform",
    "uniform_",
    "xavier_normal",
    "xavier_normal_",
    "xavier_uniform",
    "xavier_uniform_",
    "zeros_",
]

show_public_names(__name__)
