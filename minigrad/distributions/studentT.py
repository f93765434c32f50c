"""Student's t-distribution."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.gamma_sampling import standard_gamma
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.ops import digamma, lgamma, where
from minigrad.tensor import Tensor


class StudentT(Distribution):
    """The distribution of loc + scale z / sqrt(c / df), z normal and c chi-squared with df."""

    arg_constraints = constraints.legal(
        df=constraints.positive, loc=constraints.real, scale=constraints.positive
    )
    support = constraints.real
    has_rsample = True

    def __init__(
        self,
        df: Number,
        loc: Number = 0.0,
        scale: Number = 1.0,
        validate_args: bool | None = None,
    ) -> None:
        self.df, self.loc, self.scale = broadcast_all(df, loc, scale)
        super().__init__(self.df.shape, validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return where(self.df > 1, self.loc, float("nan"))

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        wide = where(self.df > 1, float("inf"), float("nan")).to(self.df.dtype)
        finite = self.scale.square() * self.df / (self.df - 2)
        return where(self.df > 2, finite, wide)

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        z = draws.standard_normal(shape, self.df)
        half_c = standard_gamma((self.df / 2).expand(shape))
        return self.loc + self.scale * z * (2 * half_c / self.df).rsqrt()

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        z = (value - self.loc) / self.scale
        half = 0.5 * self.df
        log_normalizer = (
            self.scale.log()
            + 0.5 * self.df.log()
            + 0.5 * math.log(math.pi)
            + lgamma(half)
            - lgamma(half + 0.5)
        )
        return -(half + 0.5) * (z.square() / self.df).log1p() - log_normalizer

    def entropy(self) -> Tensor:
        half = 0.5 * self.df
        log_beta = lgamma(half) + 0.5 * math.log(math.pi) - lgamma(half + 0.5)
        slope = (half + 0.5) * (digamma(half + 0.5) - digamma(half))
        return self.scale.log() + slope + 0.5 * self.df.log() + log_beta
