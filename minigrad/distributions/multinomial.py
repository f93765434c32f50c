"""The multinomial distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import broadcast_all
from minigrad.engine.grad_mode import no_grad
from minigrad.ops import lgamma, where
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange


class Multinomial(Distribution):
    """How often each of K classes comes in `total_count` draws, for `probs` or `logits` (..., K).

    `total_count` is one number for the whole batch.
    """

    arg_constraints = constraints.legal(probs=constraints.simplex, logits=constraints.real_vector)
    total_count: int

    def __init__(
        self,
        total_count: int = 1,
        probs: Tensor | None = None,
        logits: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(total_count, int):
            raise NotImplementedError("inhomogeneous total_count is not supported")
        self.total_count = total_count
        self._categorical = Categorical(probs=probs, logits=logits)
        shape = self._categorical.param_shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @constraints.dependent_property(is_discrete=True, event_dim=1)
    def support(self) -> Constraint:
        return constraints.multinomial(self.total_count)

    @property
    def probs(self) -> Tensor:
        """The classes' probabilities."""
        return self._categorical.probs

    @property
    def logits(self) -> Tensor:
        """The logarithms of these."""
        return self._categorical.logits

    @property
    def mean(self) -> Tensor:
        return self.probs * self.total_count

    @property
    def variance(self) -> Tensor:
        return self.total_count * self.probs * (1 - self.probs)

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            drawn = self._categorical.sample((self.total_count, *sample_shape))
            shape = self._extended_shape(sample_shape)
            counts = self.probs.new_zeros(shape)
            ones = self.probs.new_ones((*shape[:-1], self.total_count))
            return counts.scatter_add(-1, drawn.movedim(0, -1), ones)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, counts = broadcast_all(self.logits, value)
        impossible = (counts == 0) & (logits == -float("inf"))
        logits = where(impossible, 0.0, logits)
        log_ways = lgamma(counts.sum(-1) + 1) - lgamma(counts + 1).sum(-1)
        return log_ways + (logits * counts).sum(-1)

    def entropy(self) -> Tensor:
        """n H(p) - log n! + the mean of sum log k_i!, from the binomial marginals."""
        n = self.total_count
        marginals = Binomial(n, probs=self.probs)
        counts = arange(1.0, n + 1, dtype=self.probs.dtype)
        counts = counts.reshape(-1, *[1] * len(self.probs.shape))
        weight = marginals.log_prob(counts).exp()
        mean = (weight * lgamma(counts + 1)).sum((0, -1))
        return n * self._categorical.entropy() - lgamma(self.probs.new_tensor(n + 1.0)) + mean
