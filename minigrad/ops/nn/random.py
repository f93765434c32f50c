"""Operations that draw random numbers."""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.op import arr, op, sample
from minigrad.kernels.pointwise import elementwise as kernels
from minigrad.ops.generator import Generator, stream
from minigrad.ops.reduction.histogram import insertion


@op(
    node="MulBackward0",
    vjp=(lambda g, out, x, *, mask, scale: dropout(g, mask=mask, scale=scale),),
    degree=1,
    samples=[
        sample(arr.of(2, 3), mask=np.array([[True, False, True], [False, True, True]]), scale=1.5)
    ],
)
def dropout(input: Array, *, mask: Array, scale: float) -> Array:
    """input * scale where the mask is True, 0 elsewhere."""
    return kernels.dropout(input, mask, scale)


def draw_mask(shape: tuple[int, ...], p: float, generator: Generator | None = None) -> Array:
    """Booleans that are False with probability p, in steps of 2**-16."""
    mask: Array = ignore_fp_errors(_drawn_mask, shape, round(p * 2**16), generator)
    return mask


def _drawn_mask(shape: tuple[int, ...], below: int, generator: Generator | None) -> Array:
    return stream(generator).integers(0, 2**16, shape, np.uint16) >= below


# --- draws whose parameters are tensors -----------------------------------------------------


def require_floating(name: str, array: Array) -> None:
    """Raise RuntimeError for integers and bools."""
    if array.dtype.kind != "f":
        raise RuntimeError(
            f"{name}(): random numbers of this kind are floating, got a tensor of "
            f"{dtypes.of_numpy(array.dtype)}"
        )


def require_probability(name: str, p: Any) -> None:
    """Raise RuntimeError unless p, a number or an array, lies in [0, 1]."""
    if not np.all((np.asarray(p) >= 0) & (np.asarray(p) <= 1)):
        given = f"p={p}" if np.ndim(p) == 0 else f"some of {np.shape(p)} outside"
        raise RuntimeError(f"{name} expects p to be in [0, 1], but got {given}")


@op(vjp=None)
def bernoulli(input: Array, *, p: float | None = None, generator: Generator | None = None) -> Array:
    """1 with the probabilities that `input` holds, or with p, else 0.

    Raises RuntimeError for probabilities outside [0, 1], and integers without p.
    """
    if p is None:
        require_floating("bernoulli", input)
    chance = input if p is None else p
    require_probability("bernoulli", chance)
    return np.less(stream(generator).random(input.shape), chance).astype(input.dtype)


@op(vjp=None)
def poisson(input: Array, *, generator: Generator | None = None) -> Array:
    """Counts of events that happen at the rates that `input` holds."""
    require_floating("poisson", input)
    if not np.all(input >= 0):
        raise RuntimeError("invalid Poisson rate, expected rate to be non-negative")
    return np.asarray(stream(generator).poisson(input)).astype(input.dtype)


@op(vjp=None)
def binomial(count: Array, prob: Array, *, generator: Generator | None = None) -> Array:
    """The number of successes in `count` trials of probability `prob`."""
    require_floating("binomial", prob)
    require_probability("binomial", prob)
    if not np.all(count >= 0):
        raise RuntimeError("binomial expects counts that are not negative")
    drawn = np.asarray(stream(generator).binomial(count.astype(np.int64), prob))
    return drawn.astype(prob.dtype)


@op(vjp=None)
def multinomial(
    input: Array,
    *,
    num_samples: int,
    replacement: bool = False,
    generator: Generator | None = None,
) -> Array:
    """Indices of the last dimension, drawn with probabilities proportional to `input`.

    (n,) -> (num_samples,), (m, n) -> (m, num_samples).  Raises RuntimeError for other shapes,
    weights that are negative or not finite, and too few positive ones.
    """
    require_floating("multinomial", input)
    if input.ndim not in (1, 2):
        raise RuntimeError(f"multinomial: prob_dist must be 1 or 2 dim, got {list(input.shape)}")
    weights = np.atleast_2d(input).astype(np.float64)
    if not np.all(np.isfinite(weights) & (weights >= 0)):
        raise RuntimeError("multinomial: weights must be finite and not negative")
    positive = (weights > 0).sum(axis=1).min(initial=weights.shape[1])
    if num_samples <= 0 or positive < (1 if replacement else num_samples):
        raise RuntimeError(
            f"multinomial: cannot draw num_samples={num_samples} "
            f"{'with' if replacement else 'without'} replacement from weights of which "
            f"{positive} are positive"
        )
    draw = _with_replacement if replacement else _without_replacement
    picks = draw(weights, num_samples, stream(generator))
    return picks[0] if input.ndim == 1 else picks


def _with_replacement(weights: Array, count: int, draw: np.random.Generator) -> Array:
    """The indices of uniform numbers among the cumulative weights."""
    sums = np.cumsum(weights, axis=1)
    uniform = draw.random((weights.shape[0], count))
    return insertion(sums / sums[:, -1:], uniform, np.less_equal)


def _without_replacement(weights: Array, count: int, draw: np.random.Generator) -> Array:
    """The first of exponential times whose rates are the weights (Efraimidis & Spirakis 2006)."""
    arrivals = draw.exponential(size=weights.shape) / weights
    return np.argsort(arrivals, axis=1)[:, :count]
