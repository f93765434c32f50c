"""The Weibull distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.gumbel import EULER
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import lgamma
from minigrad.tensor import Tensor


class Weibull(Distribution):
    """P(X > x) = exp(-(x / scale)^concentration), for x >= 0."""

    arg_constraints = constraints.legal(
        scale=constraints.positive, concentration=constraints.positive
    )
    support = constraints.positive
    has_rsample = True

    def __init__(
        self, scale: Number, concentration: Number, validate_args: bool | None = None
    ) -> None:
        self.scale, self.concentration = broadcast_all(scale, concentration)
        super().__init__(self.scale.shape, validate_args=validate_args)

    def _moment(self, k: int) -> Tensor:
        """The mean of (x / scale)^k."""
        return lgamma(1 + k / self.concentration).exp()

    @property
    def mean(self) -> Tensor:
        return self.scale * self._moment(1)

    @property
    def mode(self) -> Tensor:
        power = self.concentration.reciprocal()
        return self.scale * (1 - power).clamp(min=0).pow(power)

    @property
    def variance(self) -> Tensor:
        return self.scale.square() * (self._moment(2) - self._moment(1).square())

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = draws.uniform(self._extended_shape(sample_shape), self.scale)
        return self.scale * (-u.log()).pow(self.concentration.reciprocal())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        z, k = value / self.scale, self.concentration
        return (k / self.scale).log() + (k - 1) * z.log() - z.pow(k)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return -(-(value / self.scale).pow(self.concentration)).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * (-(-value).log1p()).pow(self.concentration.reciprocal())

    def entropy(self) -> Tensor:
        power = self.concentration.reciprocal()
        return EULER * (1 - power) + (self.scale * power).log() + 1
