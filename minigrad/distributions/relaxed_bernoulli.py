"""The relaxed Bernoulli distribution (Maddison et al. 2017, arXiv:1611.00712)."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.binary import Trial
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import SigmoidTransform
from minigrad.distributions.utils import Number, broadcast_all, clamp_probs
from minigrad.tensor import Tensor


class LogitRelaxedBernoulli(Trial, Distribution):
    """The log odds of a relaxed Bernoulli variable: (logits + logistic noise) / temperature."""

    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self.temperature = temperature
        self._set_probability(probs, logits)
        super().__init__(self.param_shape, validate_args=validate_args)

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = clamp_probs(draws.uniform(self._extended_shape(sample_shape), self.logits))
        return (u.log() - (-u).log1p() + self.logits) / self.temperature

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        difference = self.logits - value * self.temperature
        (t, _) = broadcast_all(self.temperature, self.logits)
        return t.log() + difference - 2 * difference.exp().log1p()


class RelaxedBernoulli(TransformedDistribution):
    """Numbers in (0, 1) that tend to a Bernoulli variable as the temperature tends to 0."""

    arg_constraints = Trial.arg_constraints
    support = constraints.unit_interval
    has_rsample = True
    base_dist: LogitRelaxedBernoulli

    def __init__(
        self,
        temperature: Tensor,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = LogitRelaxedBernoulli(temperature, probs, logits)
        super().__init__(base, SigmoidTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The log odds."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The probability of 1."""
        return self.base_dist.probs
