"""Mixtures of distributions of one family."""

from collections.abc import Iterable
from typing import Any, Self

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.engine.grad_mode import no_grad
from minigrad.ops import logsumexp
from minigrad.tensor import Tensor


class MixtureSameFamily(Distribution):
    """Component k, the last batch dimension of `component_distribution`, with the probability
    that `mixture_distribution` gives to class k."""

    def __init__(
        self,
        mixture_distribution: Categorical,
        component_distribution: Distribution,
        validate_args: bool | None = None,
    ) -> None:
        if not isinstance(mixture_distribution, Categorical):
            raise ValueError(
                " The Mixture distribution needs to be an instance of torch.distributions."
                "Categorical"
            )
        if not isinstance(component_distribution, Distribution):
            raise ValueError(
                "The Component distribution need to be an instance of torch.distributions."
                "Distribution"
            )
        batch = component_distribution.batch_shape
        for size, wanted in zip(
            reversed(mixture_distribution.batch_shape), reversed(batch[:-1]), strict=False
        ):
            if 1 not in (size, wanted) and size != wanted:
                raise ValueError(
                    f"`mixture_distribution.batch_shape` ({mixture_distribution.batch_shape}) is "
                    f"not compatible with `component_distribution.batch_shape` ({batch})"
                )
        components = mixture_distribution.param_shape[-1]
        if components != batch[-1]:
            raise ValueError(
                f"`mixture_distribution component` ({components}) does not equal "
                f"`component_distribution.batch_shape[-1]` ({batch[-1]})"
            )
        self._mixture_distribution = mixture_distribution
        self._component_distribution = component_distribution
        self._num_component = components
        super().__init__(
            batch[:-1], component_distribution.event_shape, validate_args=validate_args
        )

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Self:
        wanted = Size(batch_shape)
        new = super().expand(wanted, _instance)
        new._component_distribution = self._component_distribution.expand(
            (*wanted, self._num_component)
        )
        return new

    @property
    def mixture_distribution(self) -> Categorical:
        """The distribution over components."""
        return self._mixture_distribution

    @property
    def component_distribution(self) -> Distribution:
        """The components."""
        return self._component_distribution

    @constraints.dependent_property
    def support(self) -> Any:
        return constraints.MixtureSameFamilyConstraint(self._component_distribution.support)

    def _probs(self) -> Tensor:
        """The components' probabilities, with 1 for each dimension of an event."""
        probs = self._mixture_distribution.probs
        return probs.reshape(*probs.shape, *[1] * len(self._event_shape))

    @property
    def _at(self) -> int:
        """The dimension of the components, in a value with one."""
        return -1 - len(self._event_shape)

    @property
    def mean(self) -> Tensor:
        return (self._probs() * self._component_distribution.mean).sum(self._at)

    @property
    def variance(self) -> Tensor:
        """The law of total variance."""
        probs, component = self._probs(), self._component_distribution
        within = (probs * component.variance).sum(self._at)
        centred = component.mean - self.mean.unsqueeze(self._at)
        return within + (probs * centred.square()).sum(self._at)

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            chosen = self._mixture_distribution.expand(self._batch_shape).sample(sample_shape)
            points = self._component_distribution.sample(sample_shape)
            dims = len(self._event_shape)
            index = chosen.reshape(*chosen.shape, 1, *[1] * dims)
            index = index.expand(*chosen.shape, 1, *self._event_shape)
            return points.gather(self._at, index).squeeze(self._at)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        each = self._component_distribution.log_prob(value.unsqueeze(self._at))
        weights = self._mixture_distribution.logits.log_softmax(-1)
        return logsumexp(each + weights, dim=-1)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        each = self._component_distribution.cdf(value.unsqueeze(self._at))
        return (each * self._mixture_distribution.probs).sum(-1)

    def __repr__(self) -> str:
        return (
            f"MixtureSameFamily(\n  {self._mixture_distribution!r},\n  "
            f"{self._component_distribution!r})"
        )
