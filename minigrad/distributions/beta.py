"""The beta distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.gamma_sampling import log_standard_gamma
from minigrad.distributions.utils import Number, broadcast_all, clamp_probs
from minigrad.ops import digamma, lgamma, where, xlog1py, xlogy
from minigrad.tensor import Tensor


class Beta(ExponentialFamily):
    """p(x) = x^(a - 1) (1 - x)^(b - 1) / B(a, b), for concentrations a and b."""

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

    @property
    def _total(self) -> Tensor:
        return self.concentration1 + self.concentration0

    @property
    def mean(self) -> Tensor:
        return self.concentration1 / self._total

    @property
    def mode(self) -> Tensor:
        a, b = self.concentration1, self.concentration0
        inside = (a - 1) / (a + b - 2)
        at_an_end = (a > b).to(a.dtype)
        nowhere = a.new_full((), float("nan"))
        return where((a > 1) & (b > 1), inside, where((a < 1) & (b < 1), nowhere, at_an_end))

    @property
    def variance(self) -> Tensor:
        total = self._total
        return self.concentration1 * self.concentration0 / (total.square() * (total + 1))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        a = log_standard_gamma(self.concentration1.expand(shape))
        b = log_standard_gamma(self.concentration0.expand(shape))
        return clamp_probs((a - b).sigmoid())

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.concentration1, self.concentration0
        kernel = xlogy(a - 1, value) + xlog1py(b - 1, -value)
        return kernel + lgamma(a + b) - lgamma(a) - lgamma(b)

    def entropy(self) -> Tensor:
        a, b, total = self.concentration1, self.concentration0, self._total
        log_normalizer = lgamma(a) + lgamma(b) - lgamma(total)
        slopes = (a - 1) * digamma(a) + (b - 1) * digamma(b) - (total - 2) * digamma(total)
        return log_normalizer - slopes

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return self.concentration1, self.concentration0

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        return lgamma(x) + lgamma(y) - lgamma(x + y)
