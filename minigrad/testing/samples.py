"""Arguments drawn as a sample asks for them, and how a report names them."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.engine.op import Sample, arr
from minigrad.tensor import Tensor

Array = np.ndarray[Any, Any]


def draw(wanted: arr, rng: np.random.Generator) -> Array:
    """An array as a sample asks for it."""
    if wanted.integers is not None:
        return rng.integers(0, wanted.integers, wanted.shape)
    span = wanted.high - wanted.low
    if wanted.distinct:
        size = int(np.prod(wanted.shape))
        steps = (rng.permutation(size) + rng.uniform(0.3, 0.7, size)) / max(size, 1)
        array = np.asarray(wanted.low + span * steps.reshape(wanted.shape))
    else:
        array = np.asarray(rng.uniform(wanted.low, wanted.high, wanted.shape))
    for kink in wanted.away_from:
        near = np.abs(array - kink) < 0.05 * span
        array = np.where(near, kink + np.where(array < kink, -1, 1) * 0.1 * span, array)
    return array + wanted.diagonal * np.eye(*array.shape[-2:]) if wanted.diagonal else array


def as_inputs(arguments: Sequence[Any], rng: np.random.Generator) -> list[Any]:
    """Arguments in float64: drawn from an `arr`, tensors and arrays of any framework, others as is.

    What is drawn is differentiated, and arrays, and tensors that require gradients; where there is
    nothing of these, all floating tensors are.
    """
    found = [as_input(given, rng) for given in arguments]
    tensors = [t for t in found if isinstance(t, Tensor) and t.is_floating_point()]
    if not any(t.requires_grad for t in tensors):
        for tensor in tensors:
            tensor.requires_grad_()
    return found


def as_input(given: Any, rng: np.random.Generator) -> Any:
    """An argument in float64: drawn from an `arr`, and then to be differentiated; or as it is."""
    if isinstance(given, arr):
        drawn: Tensor = wrap(Tensor, draw(given, rng))
        return drawn.requires_grad_() if drawn.is_floating_point() else drawn
    if isinstance(given, Tensor):
        if not given.is_floating_point():
            return given
        return given.detach().double().requires_grad_(given.requires_grad)
    if not hasattr(given, "__array__") or isinstance(given, np.generic):
        return given
    array = np.asarray(given.detach() if hasattr(given, "detach") else given)
    if array.dtype.kind != "f":
        return array
    tensor: Tensor = wrap(Tensor, array.astype(np.float64))
    # Frameworks with leaves say which of them count; all other arrays do.
    return tensor.requires_grad_(bool(getattr(given, "requires_grad", True)))


def describe(sample: Sample) -> str:
    """A sample as a failure names it."""
    args = [_described(a) for a in sample.args]
    settings = [f"{key}={value!r}" for key, value in sample.settings.items()]
    return f"({', '.join(args + settings)})"


def _described(argument: Any) -> str:
    if isinstance(argument, arr | Tensor) or hasattr(argument, "__array__"):
        return str(list(argument.shape))
    return repr(argument)
