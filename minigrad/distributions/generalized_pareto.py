"""The generalised Pareto distribution."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import where
from minigrad.tensor import Tensor


class GeneralizedPareto(Distribution):
    """P(X > x) = (1 + c z)^(-1 / c), with z = (x - loc) / scale >= 0 and c = `concentration`.

    c = 0 is the exponential distribution.
    """

    arg_constraints = constraints.legal(
        loc=constraints.real, scale=constraints.positive, concentration=constraints.real
    )
    has_rsample = True

    def __init__(
        self,
        loc: Number,
        scale: Number,
        concentration: Number,
        validate_args: bool | None = None,
    ) -> None:
        self.loc, self.scale, self.concentration = broadcast_all(loc, scale, concentration)
        super().__init__(self.loc.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        end = self.loc - self.scale / where(self._is_zero(), 1.0, self.concentration)
        upper = where(self.concentration < 0, end, math.inf)
        return constraints.interval(self.loc, upper)

    def _is_zero(self) -> Tensor:
        return self.concentration.abs() < 1e-12

    def _log_survival(self, value: Tensor) -> Tensor:
        """log P(X > value)."""
        z = (value - self.loc) / self.scale
        c = where(self._is_zero(), 1.0, self.concentration)
        return where(self._is_zero(), -z, -(c * z).log1p() / c)

    @property
    def mean(self) -> Tensor:
        found = self.loc + self.scale / (1 - self.concentration)
        return where(self.concentration < 1, found, math.inf)

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        c = self.concentration
        found = self.scale.square() / ((1 - c).square() * (1 - 2 * c))
        return where(c < 0.5, found, math.inf)

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        return self.icdf(draws.uniform(self._extended_shape(sample_shape), self.loc))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return (1 + self.concentration) * self._log_survival(value) - self.scale.log()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return -self._log_survival(value).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        log_rest = -(-value).log1p()
        c = where(self._is_zero(), 1.0, self.concentration)
        z = where(self._is_zero(), log_rest, (c * log_rest).expm1() / c)
        return self.loc + self.scale * z

    def entropy(self) -> Tensor:
        return self.scale.log() + self.concentration + 1
