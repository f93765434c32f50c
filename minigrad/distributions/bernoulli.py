"""The Bernoulli distribution."""

from collections.abc import Iterable

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.binary import Trial
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.functional import binary_cross_entropy_with_logits, softplus
from minigrad.ops import bernoulli, where
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange


def enumerated(values: Tensor, batch_shape: Size, expand: bool) -> Tensor:
    """All values of a scalar distribution, along a new first dimension of its batch."""
    values = values.reshape(-1, *[1] * len(batch_shape))
    return values.expand(-1, *batch_shape) if expand else values


class Bernoulli(Trial, ExponentialFamily):
    """1 with probability `probs`, else 0; `logits` are log(p / (1 - p))."""

    support = constraints.boolean
    has_enumerate_support = True

    def __init__(
        self,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_probability(probs, logits)
        super().__init__(self.param_shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.probs

    @property
    def mode(self) -> Tensor:
        likely = (self.probs >= 0.5).to(self.probs.dtype)
        return where(self.probs == 0.5, float("nan"), likely)

    @property
    def variance(self) -> Tensor:
        return self.probs * (1 - self.probs)

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            return bernoulli(self.probs.expand(self._extended_shape(sample_shape)))

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        logits, value = broadcast_all(self.logits, value)
        return -binary_cross_entropy_with_logits(logits, value, reduction="none")

    def entropy(self) -> Tensor:
        return binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")

    def enumerate_support(self, expand: bool = True) -> Tensor:
        return enumerated(arange(2, dtype=self._param.dtype), self._batch_shape, expand)

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.logits,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        return softplus(natural_params[0])
