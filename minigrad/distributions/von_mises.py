"""The von Mises distribution."""

import math
from collections.abc import Iterable

import numpy as np

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.engine.grad_mode import no_grad
from minigrad.ops import cos, i0, i1, where
from minigrad.ops.generator import stream
from minigrad.tensor import Tensor

# From here on the asymptotic series of I_0 (Abramowitz & Stegun 9.7.1) has a relative error below
# 1e-9, and I_0 itself, which overflows later, is not formed.
LARGE = 60.0


def log_i0(x: Tensor) -> Tensor:
    """log I_0(x), for x >= 0."""
    large = x > LARGE
    z = 1 / (8 * where(large, x, LARGE))
    series = 1 + z * (1 + z * (4.5 + z * (37.5 + z * 459.375)))
    far = where(large, x, LARGE) - 0.5 * (math.pi / (4 * z)).log() + series.log()
    return where(large, far, i0(where(large, 1.0, x)).log())


class VonMises(Distribution):
    """p(x) = exp(concentration cos(x - loc)) / (2 pi I_0(concentration)), an angle in radians."""

    arg_constraints = constraints.legal(loc=constraints.real, concentration=constraints.positive)
    support = constraints.real

    def __init__(
        self, loc: Number, concentration: Number, validate_args: bool | None = None
    ) -> None:
        self.loc, self.concentration = broadcast_all(loc, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        """The circular variance, 1 - I_1 / I_0."""
        kappa = self.concentration
        small = kappa.clamp(max=LARGE)
        z = 1 / kappa
        far = 0.5 * z + 0.125 * z.square() + 0.125 * z.pow(3) + 25 / 128 * z.pow(4)
        return where(kappa > LARGE, far, 1 - i1(small) / i0(small))

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            shape = self._extended_shape(sample_shape)
            kappa = np.broadcast_to(self.concentration.array.astype(np.float64), shape)
            angle = draws.from_numpy_draw(stream(None).vonmises(0.0, kappa), self.loc)
            return (angle + math.pi + self.loc) % (2 * math.pi) - math.pi

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        kappa = self.concentration
        return kappa * cos(value - self.loc) - math.log(2 * math.pi) - log_i0(kappa)
