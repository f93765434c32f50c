"""The Cauchy distribution."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import atan, tan
from minigrad.tensor import Tensor


class Cauchy(Distribution):
    """p(x) = 1 / (pi scale (1 + ((x - loc) / scale)^2)); it has no mean."""

    arg_constraints = constraints.legal(loc=constraints.real, scale=constraints.positive)
    support = constraints.real
    has_rsample = True

    def __init__(self, loc: Number, scale: Number, validate_args: bool | None = None) -> None:
        self.loc, self.scale = broadcast_all(loc, scale)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.loc.new_full(self.loc.shape, float("nan"))

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self.loc.new_full(self.loc.shape, float("inf"))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = draws.uniform(self._extended_shape(sample_shape), self.loc)
        return self.loc + self.scale * tan(math.pi * (u - 0.5))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        return -math.log(math.pi) - self.scale.log() - z.square().log1p()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return atan((value - self.loc) / self.scale) / math.pi + 0.5

    def icdf(self, value: Tensor) -> Tensor:
        return self.loc + self.scale * tan(math.pi * (value - 0.5))

    def entropy(self) -> Tensor:
        return math.log(4 * math.pi) + self.scale.log()
