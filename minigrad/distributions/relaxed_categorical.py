"""The relaxed categorical distribution, or Concrete (arXiv:1611.00712, arXiv:1611.01144)."""

import math
from collections.abc import Iterable

from minigrad.core.types import Size
from minigrad.distributions import constraints, draws
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import ExpTransform
from minigrad.distributions.utils import broadcast_all, clamp_probs
from minigrad.ops import logsumexp
from minigrad.tensor import Tensor


class ExpRelaxedCategorical(Distribution):
    """The logarithm of a relaxed categorical variable: log softmax((logits + Gumbel noise) / t)."""

    arg_constraints = constraints.legal(probs=constraints.simplex, logits=constraints.real_vector)
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._categorical = Categorical(probs, logits)
        self.temperature = temperature
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def logits(self) -> Tensor:
        """The logarithms of the classes' probabilities."""
        return self._categorical.logits

    @property
    def probs(self) -> Tensor:
        """The classes' probabilities."""
        return self._categorical.probs

    @property
    def param_shape(self) -> Size:
        """The shape of the parameter that was given."""
        return self._categorical.param_shape

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        u = clamp_probs(draws.uniform(self._extended_shape(sample_shape), self.logits))
        return ((self.logits - (-u.log()).log()) / self.temperature).log_softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n = self._event_shape[0]
        (t, _) = broadcast_all(self.temperature, self.logits[..., 0])
        scores = self.logits - value * self.temperature
        total = (scores - logsumexp(scores, dim=-1, keepdim=True)).sum(-1)
        return total + t.log() * (n - 1) + math.lgamma(n)


class RelaxedOneHotCategorical(TransformedDistribution):
    """Points of a simplex that tend to one-hot vectors as the temperature tends to 0."""

    arg_constraints = constraints.legal(probs=constraints.simplex, logits=constraints.real_vector)
    support = constraints.simplex
    has_rsample = True
    base_dist: ExpRelaxedCategorical

    def __init__(
        self,
        temperature: Tensor,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        base = ExpRelaxedCategorical(temperature, probs, logits, validate_args=validate_args)
        super().__init__(base, ExpTransform(), validate_args=validate_args)

    @property
    def temperature(self) -> Tensor:
        """The temperature."""
        return self.base_dist.temperature

    @property
    def logits(self) -> Tensor:
        """The logarithms of the classes' probabilities."""
        return self.base_dist.logits

    @property
    def probs(self) -> Tensor:
        """The classes' probabilities."""
        return self.base_dist.probs
