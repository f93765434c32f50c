"""Fisher and Snedecor's F-distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.gamma_sampling import standard_gamma
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import lgamma, where
from minigrad.tensor import Tensor
from minigrad.tensor.typeinfo import finfo


class FisherSnedecor(Distribution):
    """The distribution of (c1 / df1) / (c2 / df2), c1 and c2 chi-squared."""

    arg_constraints = constraints.legal(df1=constraints.positive, df2=constraints.positive)
    support = constraints.positive
    has_rsample = True

    def __init__(self, df1: Number, df2: Number, validate_args: bool | None = None) -> None:
        self.df1, self.df2 = broadcast_all(df1, df2)
        super().__init__(self.df1.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return where(self.df2 > 2, self.df2 / (self.df2 - 2), float("nan"))

    @property
    def mode(self) -> Tensor:
        found = (self.df1 - 2) / self.df1 * self.df2 / (self.df2 + 2)
        return where(self.df1 > 2, found, float("nan"))

    @property
    def variance(self) -> Tensor:
        a, b = self.df1, self.df2
        finite = 2 * b.square() * (a + b - 2) / (a * (b - 2).square() * (b - 4))
        return where(b > 4, finite, float("nan"))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        above = standard_gamma((self.df1 / 2).expand(shape)) / self.df1
        below = standard_gamma((self.df2 / 2).expand(shape)) / self.df2
        return (above / below).clamp(min=finfo(above.dtype).tiny)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a, b = self.df1 / 2, self.df2 / 2
        ratio = self.df1 / self.df2
        log_beta = lgamma(a) + lgamma(b) - lgamma(a + b)
        kernel = a * ratio.log() + (a - 1) * value.log() - (a + b) * (ratio * value).log1p()
        return kernel - log_beta
