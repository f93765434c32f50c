"""The Pareto distribution of the first kind."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import where
from minigrad.tensor import Tensor


class Pareto(Distribution):
    """p(x) = alpha scale^alpha / x^(alpha + 1), for x >= scale."""

    arg_constraints = constraints.legal(alpha=constraints.positive, scale=constraints.positive)
    has_rsample = True

    def __init__(self, scale: Number, alpha: Number, validate_args: bool | None = None) -> None:
        self.scale, self.alpha = broadcast_all(scale, alpha)
        super().__init__(self.scale.shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=False, event_dim=0)
    def support(self) -> Constraint:
        return constraints.greater_than_eq(self.scale)

    @property
    def mean(self) -> Tensor:
        return where(self.alpha > 1, self.alpha * self.scale / (self.alpha - 1), float("inf"))

    @property
    def mode(self) -> Tensor:
        return self.scale

    @property
    def variance(self) -> Tensor:
        a = self.alpha
        finite = self.scale.square() * a / ((a - 1).square() * (a - 2))
        return where(a > 2, finite, float("inf"))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = draws.uniform(self._extended_shape(sample_shape), self.scale)
        return self.scale * (-u.log() / self.alpha).exp()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a = self.alpha
        return a.log() + a * self.scale.log() - (a + 1) * value.log()

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return 1 - (self.scale / value).pow(self.alpha)

    def icdf(self, value: Tensor) -> Tensor:
        return self.scale * (-(-value).log1p() / self.alpha).exp()

    def entropy(self) -> Tensor:
        return (self.scale / self.alpha).log() + (1 + self.alpha.reciprocal())
