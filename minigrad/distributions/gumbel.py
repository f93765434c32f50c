"""The Gumbel distribution."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.tensor import Tensor

EULER = 0.57721566490153286060


class Gumbel(Distribution):
    """p(x) = exp(-z - exp(-z)) / scale, with z = (x - loc) / scale."""

    arg_constraints = constraints.legal(loc=constraints.real, scale=constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Number, scale: Number, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc + self.scale * EULER

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def stddev(self) -> Tensor:
        return (math.pi / math.sqrt(6)) * self.scale

    @property
    def variance(self) -> Tensor:
        return self.stddev.square()

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        return self.icdf(draws.uniform(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -z - (-z).exp() - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return (-(-(value - self.loc) / self.scale).exp()).exp()

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc - self.scale * (-value.log()).log()

    def entropy(self) -> Tensor:
        return self.scale.log() + (1 + EULER)
