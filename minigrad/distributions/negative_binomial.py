"""The negative binomial distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.binary import Trial
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.gamma_sampling import standard_gamma
from minigrad.distributions.utils import Number
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.functional import logsigmoid
from minigrad.ops import lgamma, where
from minigrad.tensor import Tensor


class NegativeBinomial(Trial, Distribution):
    """P(k) = C(n + k - 1, k) (1 - p)^n p^k: successes before the n-th failure."""

    arg_constraints = constraints.legal(
        total_count=constraints.greater_than_eq(0),
        probs=constraints.half_open_interval(0.0, 1.0),
        logits=constraints.real,
    )
    support = constraints.nonnegative_integer

    def __init__(
        self,
        total_count: Number,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        (counts,) = self._set_probability(probs, logits, total_count)
        self.total_count = counts.to(self._param.dtype)
        super().__init__(self.param_shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.logits.exp()

    @property
    def mode(self) -> Tensor:
        return ((self.total_count - 1) * self.logits.exp()).floor().clamp(min=0)

    @property
    def variance(self) -> Tensor:
        return self.mean / (-self.logits).sigmoid()

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        """A Poisson number whose rate is a gamma draw of rate (1 - p) / p."""
        shape = self._extended_shape(sample_shape)
        with no_grad():
            rate = standard_gamma(self.total_count.expand(shape)) * self.logits.exp()
            return draws.poisson(rate)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n = self.total_count
        log_unnormalised = n * logsigmoid(-self.logits) + value * logsigmoid(self.logits)
        log_ways = lgamma(n + value) - lgamma(1.0 + value) - lgamma(n)
        return log_unnormalised + where(n + value == 0, 0.0, log_ways)
