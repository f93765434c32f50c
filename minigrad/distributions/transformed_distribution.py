"""The distribution of a transformed random variable."""

from collections.abc import Iterable, Sequence
from typing import Any, Self

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.independent import Independent
from minigrad.distributions.transform import ComposeTransform, Transform
from minigrad.distributions.utils import sum_rightmost
from minigrad.engine.grad_mode import no_grad
from minigrad.tensor import Tensor


class TransformedDistribution(Distribution):
    """The distribution of y = f(x), x from `base_distribution` and f one transform or several.

    log p(y) = log p(x) - log |det dy/dx|.
    """

    def __init__(
        self,
        base_distribution: Distribution,
        transforms: Transform | Sequence[Transform],
        validate_args: bool | None = None,
    ) -> None:
        self.transforms = [transforms] if isinstance(transforms, Transform) else list(transforms)
        if not all(isinstance(t, Transform) for t in self.transforms):
            raise ValueError(
                f"transforms must be a Transform or a list of Transforms, but was {transforms}"
            )
        whole = ComposeTransform(self.transforms)
        base_shape = Size((*base_distribution.batch_shape, *base_distribution.event_shape))
        base_event_dim = len(base_distribution.event_shape)
        if len(base_shape) < whole.domain.event_dim:
            raise ValueError(
                f"base_distribution needs to have shape with size at least "
                f"{whole.domain.event_dim}, but got {tuple(base_shape)}."
            )
        shape = whole.forward_shape(base_shape)
        wide = base_distribution.expand(
            whole.inverse_shape(shape)[: len(base_shape) - base_event_dim]
        )
        more = max(whole.domain.event_dim - base_event_dim, 0)
        self.base_dist = Independent(wide, more) if more else wide
        change = whole.codomain.event_dim - whole.domain.event_dim
        event_dim = whole.codomain.event_dim + max(base_event_dim - whole.domain.event_dim, 0)
        assert event_dim >= change
        cut = len(shape) - event_dim
        super().__init__(shape[:cut], shape[cut:], validate_args=validate_args)

    def expand(self, batch_shape: Iterable[int], _instance: Any = None) -> Self:
        wanted = Size(batch_shape)
        new = super().expand(wanted, _instance)
        shape = Size((*wanted, *self._event_shape))
        for transform in reversed(self.transforms):
            shape = transform.inverse_shape(shape)
        event_dim = len(self.base_dist.event_shape)
        new.base_dist = self.base_dist.expand(shape[: len(shape) - event_dim])
        return new

    @property
    def has_rsample(self) -> bool:  # type: ignore[override]
        return self.base_dist.has_rsample

    @constraints.dependent_property(is_discrete=False)
    def support(self) -> Any:
        if not self.transforms:
            return self.base_dist.support
        codomain = self.transforms[-1].codomain
        more = len(self._event_shape) - codomain.event_dim
        return constraints.independent(codomain, more) if more > 0 else codomain

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        with no_grad():
            return self._image(self.base_dist.sample(sample_shape))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        return self._image(self.base_dist.rsample(sample_shape))

    def _image(self, x: Tensor) -> Tensor:
        for transform in self.transforms:
            x = transform(x)
        return x

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        event_dim = len(self._event_shape)
        y, total = value, value.new_zeros(())
        for transform in reversed(self.transforms):
            x = transform.inv(y)
            event_dim += transform.domain.event_dim - transform.codomain.event_dim
            change = transform.log_abs_det_jacobian(x, y)
            total = total - sum_rightmost(change, event_dim - transform.domain.event_dim)
            y = x
        base = self.base_dist.log_prob(y)
        return total + sum_rightmost(base, event_dim - len(self.base_dist.event_shape))

    def _if_increasing(self, probability: Tensor) -> Tensor:
        """The probability where all transforms together increase, 1 minus it where they fall."""
        sign: int | Tensor = 1
        for transform in self.transforms:
            sign = sign * transform.sign
        return (
            probability if isinstance(sign, int) and sign == 1 else sign * (probability - 0.5) + 0.5
        )

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        for transform in reversed(self.transforms):
            value = transform.inv(value)
        return self._if_increasing(self.base_dist.cdf(value))

    def icdf(self, value: Tensor) -> Tensor:
        return self._image(self.base_dist.icdf(self._if_increasing(value)))
