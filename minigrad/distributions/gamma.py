"""The gamma distribution, and chi-squared as a case of it."""

from collections.abc import Iterable

from minigrad.distributions import constraints
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.gamma_sampling import standard_gamma
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import digamma, gammainc, lgamma, xlogy
from minigrad.tensor import Tensor


class Gamma(ExponentialFamily):
    """p(x) = rate^concentration x^(concentration - 1) exp(-rate x) / Gamma(concentration)."""

    arg_constraints = constraints.legal(
        concentration=constraints.positive, rate=constraints.positive
    )
    support = constraints.nonnegative
    has_rsample = True

    def __init__(
        self, concentration: Number, rate: Number, validate_args: bool | None = None
    ) -> None:
        self.concentration, self.rate = broadcast_all(concentration, rate)
        super().__init__(self.concentration.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.rate

    @property
    def mode(self) -> Tensor:
        return ((self.concentration - 1) / self.rate).clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.concentration / self.rate.square()

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return standard_gamma(self.concentration.expand(shape)) / self.rate

    def log_prob(self, value: Tensor) -> Tensor:
        value = value.new_tensor(value) if not isinstance(value, Tensor) else value
        self._validate_sample(value)
        return (
            xlogy(self.concentration, self.rate)
            + xlogy(self.concentration - 1, value)
            - self.rate * value
            - lgamma(self.concentration)
        )

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return gammainc(self.concentration, self.rate * value)

    def entropy(self) -> Tensor:
        a = self.concentration
        return a - self.rate.log() + lgamma(a) + (1.0 - a) * digamma(a)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration - 1, -self.rate

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return lgamma(x + 1) - (x + 1) * (-y).log()
