"""The Kumaraswamy distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.gumbel import EULER
from minigrad.distributions.utils import Number, broadcast_all, clamp_probs
from minigrad.ops import digamma, lgamma, where
from minigrad.tensor import Tensor


class Kumaraswamy(Distribution):
    """P(X <= x) = 1 - (1 - x^a)^b on [0, 1], for concentrations a and b."""

    arg_constraints = constraints.legal(
        concentration1=constraints.positive, concentration0=constraints.positive
    )
    support = constraints.unit_interval
    has_rsample = True

    def __init__(
        self, concentration1: Number, concentration0: Number, validate_args: bool | None = None
    ) -> None:
        self.concentration1, self.concentration0 = broadcast_all(concentration1, concentration0)
        super().__init__(self.concentration1.shape, validate_args=validate_args)

    def _moment(self, k: int) -> Tensor:
        """The mean of x^k: b B(1 + k/a, b)."""
        a, b = self.concentration1, self.concentration0
        return b * (lgamma(1 + k / a) + lgamma(b) - lgamma(1 + k / a + b)).exp()

    @property
    def mean(self) -> Tensor:
        return self._moment(1)

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        found = ((a - 1) / (a * b - 1)).abs().pow(a.reciprocal())
        return where((a > 1) & (b > 1), found, float("nan"))

    @property
    def variance(self) -> Tensor:
        return self._moment(2) - self._moment(1).square()

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = draws.uniform(self._extended_shape(sample_shape), self.concentration1)
        return clamp_probs(self.icdf(u))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        return a.log() + b.log() + (a - 1) * value.log() + (b - 1) * (-value.pow(a)).log1p()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        return -(b * (-value.pow(a)).log1p()).expm1()

    def icdf(self, value: Tensor) -> Tensor:
        a, b = self.concentration1, self.concentration0
        return (-((-value).log1p() / b).expm1()).pow(a.reciprocal())

    def entropy(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        harmonic = digamma(b + 1) + EULER
        return 1 - b.reciprocal() + (1 - a.reciprocal()) * harmonic - a.log() - b.log()
