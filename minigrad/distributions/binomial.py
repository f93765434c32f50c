"""The binomial distribution."""

from collections.abc import Iterable
from typing import Any

from minigrad.distributions import constraints
from minigrad.distributions.bernoulli import enumerated
from minigrad.distributions.binary import Trial
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number
from minigrad.engine.grad_mode import no_grad
from minigrad.ops import binomial, lgamma, xlogy
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange


class Binomial(Trial, Distribution):
    """P(k) = C(n, k) p^k (1 - p)^(n - k): successes in n = `total_count` trials."""

    arg_constraints = constraints.legal(
        **Trial.arg_constraints, total_count=constraints.nonnegative_integer
    )
    has_enumerate_support = True

    def __init__(
        self,
        total_count: Number = 1,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        (counts,) = self._set_probability(probs, logits, total_count)
        self.total_count = counts.to(self._param.dtype)
        super().__init__(self.param_shape, validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=0)
    def support(self) -> Constraint:
        return constraints.integer_interval(0, self.total_count)

    @property
    def mean(self) -> Tensor:
        return self.total_count * self.probs

    @property
    def mode(self) -> Tensor:
        return ((self.total_count + 1) * self.probs).floor().clamp(max=self.total_count)

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        with no_grad():
            return binomial(self.total_count.expand(shape), self.probs.expand(shape))

    def log_prob(self, value: Tensor) -> Tensor:
        """log C(n, k) + k logits - n softplus(logits), which is finite where p is 0 or 1."""
        self._validate_sample(value)
        n, rest = self.total_count, self.total_count - value
        log_ways = lgamma(n + 1) - lgamma(value + 1) - lgamma(rest + 1)
        if "probs" in vars(self):
            return log_ways + xlogy(value, self.probs) + xlogy(rest, 1 - self.probs)
        positive = self.logits.clamp(min=0)
        log_normalizer = n * (positive + (-self.logits.abs()).exp().log1p())
        return log_ways + value * self.logits - log_normalizer

    def entropy(self) -> Tensor:
        """The sum over the support.  Raises NotImplementedError for unequal `total_count`."""
        log_prob = self.log_prob(self.enumerate_support(False))
        return -(log_prob.exp() * log_prob.clamp(min=-1e30)).sum(0)

    def enumerate_support(self, expand: bool = True) -> Tensor:
        total = int(self.total_count.max())
        if not (self.total_count == total).all():
            raise NotImplementedError(
                "Inhomogeneous total count not supported by `enumerate_support`."
            )
        values: Any = arange(1 + total, dtype=self._param.dtype)
        return enumerated(values, self._batch_shape, expand)
