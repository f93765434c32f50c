"""The half-Cauchy distribution."""

import math

from minigrad.distributions import constraints
from minigrad.distributions.cauchy import Cauchy
from minigrad.distributions.half_normal import below_zero_is_impossible
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.transforms import AbsTransform
from minigrad.distributions.utils import Number
from minigrad.tensor import Tensor


class HalfCauchy(TransformedDistribution):
    """The distribution of |x|, x from a Cauchy distribution about 0 with `scale`."""

    arg_constraints = constraints.legal(scale=constraints.positive)
    support = constraints.nonnegative
    has_rsample = True

    def __init__(self, scale: Number, validate_args: bool | None = None) -> None:
        self._cauchy = Cauchy(0, scale, validate_args=False)
        super().__init__(self._cauchy, AbsTransform(), validate_args=validate_args)

    @property
    def scale(self) -> Tensor:
        """The scale of x."""
        return self._cauchy.scale

    @property
    def mean(self) -> Tensor:
        return self.scale.new_full(self._extended_shape(), math.inf)

    @property
    def mode(self) -> Tensor:
        return self.scale.new_zeros(self.scale.shape)

    @property
    def variance(self) -> Tensor:
        return self._cauchy.variance

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return below_zero_is_impossible(self._cauchy.log_prob(value) + math.log(2), value)

    def cdf(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        return 2 * self._cauchy.cdf(value) - 1

    def icdf(self, value: Tensor) -> Tensor:
        return self._cauchy.icdf((value + 1) / 2)

    def entropy(self) -> Tensor:
        return self._cauchy.entropy() - math.log(2)
