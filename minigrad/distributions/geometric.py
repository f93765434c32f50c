"""The geometric distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.binary import Trial
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.functional import binary_cross_entropy_with_logits
from minigrad.ops import where
from minigrad.tensor import Tensor


class Geometric(Trial, Distribution):
    """P(k) = (1 - p)^k p: the number of failures before the first success."""

    support = constraints.nonnegative_integer

    def __init__(
        self,
        probs: Number | None = None,
        logits: Number | None = None,
        validate_args: bool | None = None,
    ) -> None:
        self._set_probability(probs, logits)
        super().__init__(self.param_shape, validate_args=validate_args)
        if self._validate_args and probs is not None and not (self.probs > 0).all():
            raise ValueError(
                f"Expected parameter probs of distribution {self!r} to be positive, but found "
                f"invalid values:\n{self.probs}"
            )

    @property
    def mean(self) -> Tensor:
        return 1.0 / self.probs - 1.0

    @property
    def mode(self) -> Tensor:
        return self.probs.new_zeros(self.probs.shape)

    @property
    def variance(self) -> Tensor:
        return (1.0 / self.probs - 1.0) / self.probs

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            u = draws.uniform(self._extended_shape(sample_shape), self.probs)
            return (u.log() / (-self.probs).log1p()).floor()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        value, probs = broadcast_all(value, self.probs)
        impossible = (probs == 1) & (value == 0)
        failures = where(impossible, 0.0, value * (-probs).log1p())
        return failures + probs.log()

    def entropy(self) -> Tensor:
        each = binary_cross_entropy_with_logits(self.logits, self.probs, reduction="none")
        return each / self.probs
