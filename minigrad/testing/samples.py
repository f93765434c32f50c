"""Arguments drawn as a sample asks for them, and how a report names them."""

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


def as_input(given: Any, rng: np.random.Generator) -> Any:
    """An argument in float64: drawn from an `arr`, and then to be differentiated; or as it is."""
    if isinstance(given, arr):
        drawn: Tensor = wrap(Tensor, draw(given, rng))
        return drawn.requires_grad_() if drawn.is_floating_point() else drawn
    if isinstance(given, Tensor) and given.is_floating_point():
        return given.detach().double().requires_grad_(given.requires_grad)
    return given


def describe(sample: Sample) -> str:
    """A sample as a failure names it."""
    args = [_described(a) for a in sample.args]
    settings = [f"{key}={value!r}" for key, value in sample.settings.items()]
    return f"({', '.join(args + settings)})"


def _described(argument: Any) -> str:
    return str(list(argument.shape)) if isinstance(argument, arr | Tensor) else repr(argument)
