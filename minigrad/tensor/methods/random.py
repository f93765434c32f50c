"""Random numbers as methods: in-place fills, and distributions with the tensor as parameter."""

import math
from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minigrad import ops
from minigrad.core.types import Array
from minigrad.engine.complex_form import refuse_complex
from minigrad.engine.graph import Value, wrap
from minigrad.kernels.drawing import normal as drawing
from minigrad.ops.generator import Generator, stream
from minigrad.ops.nn.random import require_floating, require_probability
from minigrad.tensor.methods.element_calls import ElementCallMethods


def require_positive(name: str, parameter: str, given: Any, *, zero: bool = False) -> None:
    """Raise RuntimeError unless a parameter is above 0, or with `zero` not below."""
    if not np.all(np.asarray(given) >= 0 if zero else np.asarray(given) > 0):
        raise RuntimeError(
            f"{name} expects {parameter} {'>=' if zero else '>'} 0.0, but found {parameter}={given}"
        )


def check_bounds(name: str, low: int, high: int, dtype: np.dtype[Any]) -> None:
    """Raise RuntimeError unless low < high and the dtype holds low ... high - 1."""
    if low >= high:
        raise RuntimeError(
            f"{name} expects 'from' to be less than 'to', but got from={low} >= to={high}"
        )
    least, most = _extent(dtype)
    if low < least or high - 1 > most:
        raise RuntimeError(
            f"{name}: {low} ... {high - 1} is out of bounds for {dtype}, which holds "
            f"{least} ... {most}"
        )


def _extent(dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest integer that the dtype holds."""
    if dtype.kind == "b":
        return 0, 1
    if dtype.kind == "f":
        most = int(np.finfo(dtype).max)
        return -most, most
    return int(np.iinfo(dtype).min), int(np.iinfo(dtype).max)


class RandomFillMethods(ElementCallMethods):
    """torch's random fills: each draws every element anew and returns the tensor."""

    bernoulli = ops.bernoulli
    multinomial = ops.multinomial

    def _draw(
        self, draw: Callable[[np.random.Generator], Any], generator: Generator | None
    ) -> Self:
        refuse_complex("drawing numbers in place", self)
        return self.copy_(wrap(self.kind, np.asarray(draw(stream(generator)))))

    def uniform_(
        self, low: float = 0.0, to: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the uniform distribution on [low, to)."""
        if self._is_complex:
            drawn = self.detach().clone()
            ops.view_as_real(drawn).uniform_(low, to, generator=generator)
            return self.copy_(drawn)
        require_floating("uniform_", self.array)
        if low > to:
            raise RuntimeError(f"uniform_ expects from <= to, but found from={low} > to={to}")
        kind = self.array.dtype.type
        below = np.nextafter(kind(to), kind(low))  # in place of those that rounding takes to `to`

        def draw(source: np.random.Generator) -> Array:
            numbers: Array = np.minimum(source.uniform(low, to, self.shape).astype(kind), below)
            return numbers

        return self._draw(draw, generator)

    def normal_(
        self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the normal distribution."""
        if self._is_complex:  # each part has half of the variance
            drawn = self.detach().clone()
            ops.view_as_real(drawn).normal_(0.0, std / math.sqrt(2), generator=generator)
            return self.copy_(drawn + mean)
        require_floating("normal_", self.array)
        require_positive("normal_", "std", std, zero=True)
        kind = self.array.dtype
        return self._draw(
            lambda source: drawing.normal(source, mean, std, self.shape, kind), generator
        )

    def log_normal_(
        self, mean: float = 1.0, std: float = 2.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw numbers whose logarithms have the normal distribution of this mean and deviation."""
        require_floating("log_normal_", self.array)
        require_positive("log_normal_", "std", std)
        return self._draw(lambda source: source.lognormal(mean, std, self.shape), generator)

    def cauchy_(
        self, median: float = 0.0, sigma: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the Cauchy distribution of this median and width."""
        require_floating("cauchy_", self.array)
        require_positive("cauchy_", "sigma", sigma)
        return self._draw(
            lambda source: median + sigma * source.standard_cauchy(self.shape), generator
        )

    def exponential_(self, lambd: float = 1.0, *, generator: Generator | None = None) -> Self:
        """Draw every element from the exponential distribution of the rate lambd."""
        require_floating("exponential_", self.array)
        require_positive("exponential_", "lambda", lambd)
        return self._draw(lambda source: source.exponential(1 / lambd, self.shape), generator)

    def geometric_(self, p: float, *, generator: Generator | None = None) -> Self:
        """Draw the number of trials until the first success, each of probability p."""
        if not 0 < p < 1:
            raise RuntimeError(f"geometric_ expects p to be in (0, 1), but got p={p}")
        return self._draw(lambda source: source.geometric(p, self.shape), generator)

    def bernoulli_(self, p: float | Value = 0.5, *, generator: Generator | None = None) -> Self:
        """Make every element 1 with probability p (a number, or a tensor of them), else 0."""
        chance = getattr(p, "array", p)
        require_probability("bernoulli_", chance)
        return self._draw(lambda source: source.random(self.shape) < chance, generator)

    def random_(
        self, low: int | None = None, to: int | None = None, *, generator: Generator | None = None
    ) -> Self:
        """Draw whole numbers: low ... to - 1, `random_(to)` from 0, or from 0 to the largest.

        A floating tensor without bounds gets numbers up to 2**mantissa bits: it holds them exactly.
        """
        dtype = self.array.dtype
        if low is None:
            low, to = 0, _extent(dtype)[1]
            if dtype.kind == "f":
                to = 2 ** (np.finfo(dtype).nmant + 1)
            to = min(to + 1, 2**63 - 1)
        elif to is None:
            low, to = 0, low
        check_bounds("random_", low, to, dtype)
        return self._draw(lambda source: source.integers(low, to, self.shape), generator)
