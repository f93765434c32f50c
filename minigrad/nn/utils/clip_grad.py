"""Gradient clipping by norm and by value."""

import math
import warnings
from collections.abc import Iterable
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.graph import bump_versions, wrap
from minigrad.tensor import Tensor
from minigrad.tensor.creation import tensor

Tensors = Tensor | Iterable[Tensor]


def _listed(tensors: Tensors) -> list[Tensor]:
    return [tensors] if isinstance(tensors, Tensor) else list(tensors)


def get_total_norm(
    tensors: Tensors,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """The norm of the vector of all elements of all tensors: a 0-d tensor.

    `norm_type` is the order; "inf" or math.inf takes the largest absolute value.  `foreach` has no
    effect.  Raises RuntimeError for a norm of inf or nan if `error_if_nonfinite`.
    PyTorch differs: the norm of float16 tensors is float16 there, inf above 65504; here float32.
    """
    order = float(norm_type)
    arrays = [tensor.array for tensor in _listed(tensors)]
    if not arrays:
        return tensor(0.0)
    result: Tensor = wrap(
        Tensor, ignore_fp_errors(_total_norm, *arrays, order=order, finite=error_if_nonfinite)
    )
    return result


def _total_norm(*arrays: Array, order: float, finite: bool) -> Array:
    """The norm of all elements, a 0-d array.  Raises RuntimeError for inf and nan if `finite`."""
    arrays = tuple(map(_absolute_if_complex, arrays))
    dtype = np.result_type(arrays[0].dtype, np.float32)
    norms = [_vector_norm(_flat(array), order) for array in arrays]
    total = _vector_norm(np.array(norms, dtype), order)
    if finite and not math.isfinite(total):
        raise RuntimeError(
            f"The total norm of order {order} for gradients from `parameters` is non-finite, so it "
            "cannot be clipped. To disable this error and scale the gradients by the non-finite "
            "norm anyway, set `error_if_nonfinite=False`"
        )
    return np.asarray(total, dtype)


def _absolute_if_complex(x: Array) -> Array:
    return np.abs(x) if x.dtype.kind == "c" else x


def _flat(x: Array) -> Array:
    """The elements in one row, those of float16 as float32: their squares would overflow."""
    return x.ravel() if x.dtype != np.float16 else x.ravel().astype(np.float32)


# BLAS adds one by one, on one thread up to 10 000 elements: the error does not grow with the length
# if blocks are added in float64, and the bits do not depend on the number of threads.
BLOCK = 8192


def _vector_norm(x: Array, order: float) -> Any:
    if not x.size:
        return x.dtype.type(0)
    if order != 2:
        return np.linalg.norm(x, order)
    whole = x.size // BLOCK * BLOCK
    blocks, rest = x[:whole].reshape(-1, BLOCK), x[whole:]
    return math.sqrt(np.vecdot(blocks, blocks).sum(dtype=np.float64) + float(np.vecdot(rest, rest)))


def clip_grads_with_norm_(
    parameters: Tensors, max_norm: float, total_norm: Tensor, foreach: bool | None = None
) -> None:
    """Multiply all gradients by min(max_norm / (total_norm + 1e-6), 1), in place."""
    norm = total_norm.array if isinstance(total_norm, Tensor) else np.asarray(float(total_norm))
    gradients = [p.grad for p in _listed(parameters) if p.grad is not None]
    ignore_fp_errors(_scale, norm, *[g.array for g in gradients], max_norm=float(max_norm))
    bump_versions(gradients)


def _scale(norm: Array, *gradients: Array, max_norm: float) -> None:
    """Multiply gradients by min(max_norm / (norm + 1e-6), 1), in place."""
    factor = min(max_norm / (float(norm) + 1e-6), 1.0)
    if math.isnan(float(norm)):
        factor = math.nan
    for gradient in gradients:
        # Of float16 in float32: a small factor would be 0.
        real = np.result_type(gradient.dtype, np.float32).type
        np.multiply(gradient, real(factor), gradient, casting="same_kind")


def clip_grad_norm_(
    parameters: Tensors,
    max_norm: float,
    norm_type: float = 2.0,
    error_if_nonfinite: bool = False,
    foreach: bool | None = None,
) -> Tensor:
    """Scale all gradients, in place, so that their total norm is at most `max_norm`.

    Returns the norm before.  Parameters without gradient do not count.  Raises RuntimeError,
    with nothing changed, for a norm of inf or nan if `error_if_nonfinite`.

    >>> import minigrad as mg
    >>> w = mg.tensor([3.0, 4.0], requires_grad=True)
    >>> (w * w).sum().backward()
    >>> mg.nn.utils.clip_grad_norm_([w], max_norm=1.0)
    tensor(10.)
    >>> w.grad
    tensor([0.6000, 0.8000])
    """
    params = _listed(parameters)
    gradients = [p.grad for p in params if p.grad is not None]
    total = get_total_norm(gradients, norm_type, error_if_nonfinite, foreach)
    clip_grads_with_norm_(params, max_norm, total, foreach)
    return total


def clip_grad_value_(parameters: Tensors, clip_value: float, foreach: bool | None = None) -> None:
    """Clamp every element of every gradient to [-clip_value, clip_value], in place."""
    bound = float(clip_value)
    for p in _listed(parameters):
        if p.grad is not None:
            refuse_complex("clip_grad_value_", p.grad)
            ignore_fp_errors(np.clip, p.grad.array, -bound, bound, out=p.grad.array)
            p.grad.bump_version()


def clip_grad_norm(
    parameters: Tensors, max_norm: float, norm_type: float = 2.0,
    error_if_nonfinite: bool = False, foreach: bool | None = None,
) -> Tensor:  # fmt: skip
    """The old name of `clip_grad_norm_`."""
    warnings.warn(
        "`torch.nn.utils.clip_grad_norm` is now deprecated in favor of "
        "`torch.nn.utils.clip_grad_norm_`.",
        FutureWarning,
        stacklevel=2,
    )
    return clip_grad_norm_(parameters, max_norm, norm_type, error_if_nonfinite, foreach)
