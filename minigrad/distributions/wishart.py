"""The Wishart distribution."""

import math
from collections.abc import Iterable

from minigrad.core.types import Size
from minigrad.distributions import constraints, draws
from minigrad.distributions.covariance import FORMS, Covariance, given_form, half_log_det
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.gamma_sampling import standard_gamma
from minigrad.distributions.utils import Number
from minigrad.linalg import cholesky
from minigrad.ops import (
    broadcast_shapes,
    cholesky_solve,
    diag_embed,
    digamma,
    mvlgamma,
)
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange


class Wishart(Covariance, ExponentialFamily):
    """The sum of z z^T over `df` normal vectors z of covariance V: (..., n, n) matrices.

    V is given as `covariance_matrix`, `precision_matrix` (its inverse) or `scale_tril` (its
    Cholesky factor); df > n - 1 need not be whole.
    """

    arg_constraints = constraints.legal(**FORMS, df=constraints.greater_than(0))
    support = constraints.positive_definite
    has_rsample = True

    def __init__(
        self,
        df: Number,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        name, matrix = given_form(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        degrees = df if isinstance(df, Tensor) else matrix.new_tensor(float(df))
        batch = broadcast_shapes(degrees.shape, matrix.shape[:-2])
        event = matrix.shape[-2:]
        if (degrees <= event[-1] - 1).any():
            raise ValueError(
                f"Value of df={df} expected to be greater than ndim - 1 = {event[-1] - 1}."
            )
        self.df = degrees.expand(batch)
        self._set_form(name, matrix, Size(batch))
        super().__init__(batch, event, validate_args=validate_args)
        self._factorize(name, matrix)

    def _df_matrix(self) -> Tensor:
        return self.df.reshape(*self.df.shape, 1, 1)

    @property
    def mean(self) -> Tensor:
        return self._df_matrix() * self.covariance_matrix

    @property
    def mode(self) -> Tensor:
        factor = self._df_matrix() - self._event_shape[-1] - 1
        return factor.where(factor > 0, factor.new_tensor(float("nan"))) * self.covariance_matrix

    @property
    def variance(self) -> Tensor:
        v = self.covariance_matrix
        diagonal = v.diagonal(dim1=-2, dim2=-1)
        return self._df_matrix() * (v.square() + diagonal.unsqueeze(-1) * diagonal.unsqueeze(-2))

    def _half_degrees(self) -> Tensor:
        """(df - i) / 2 for i < n, along a new last dimension."""
        n = self._event_shape[-1]
        return (self.df.unsqueeze(-1) - arange(n, dtype=self.df.dtype)) / 2

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        """L A A^T L^T of Bartlett's triangle A: chi draws on the diagonal, normal ones below."""
        shape = self._extended_shape(sample_shape)
        chi = (2 * standard_gamma(self._half_degrees().expand(shape[:-1]))).sqrt()
        bartlett = draws.standard_normal(shape, self.df).tril(-1) + diag_embed(chi)
        product = self._unbroadcasted_scale_tril @ bartlett
        return product @ product.mT

    def _log_normalizer_at(self, half_df: Tensor) -> Tensor:
        n = self._event_shape[-1]
        log_det = half_log_det(self._unbroadcasted_scale_tril)
        return 2 * half_df * (0.5 * n * math.log(2) + log_det) + mvlgamma(half_df, n)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n, half = self._event_shape[-1], self.df / 2
        log_det = 2 * half_log_det(cholesky(value))
        solved = cholesky_solve(value, self._unbroadcasted_scale_tril)
        trace = solved.diagonal(dim1=-2, dim2=-1).sum(-1)
        return (half - (n + 1) / 2) * log_det - trace / 2 - self._log_normalizer_at(half)

    def _mean_log_det_of_unit(self) -> Tensor:
        """The mean of log |W| - log |V|."""
        return digamma(self._half_degrees()).sum(-1) + self._event_shape[-1] * math.log(2)

    def entropy(self) -> Tensor:
        n, half = self._event_shape[-1], self.df / 2
        log_det = 2 * half_log_det(self._unbroadcasted_scale_tril)
        mean_log_det = log_det + self._mean_log_det_of_unit()
        found = self._log_normalizer_at(half) - (half - (n + 1) / 2) * mean_log_det + half * n
        return found.expand(self._batch_shape)

    @property
    def _natural_params(self) -> tuple[Tensor, Tensor]:
        return -self.precision_matrix / 2, (self.df - self._event_shape[-1] - 1) / 2

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        x, y = natural_params
        n = self._event_shape[-1]
        half = y + (n + 1) / 2
        log_det = 2 * half_log_det(cholesky(-2 * x))
        return half * (n * math.log(2) - log_det) + mvlgamma(half, n)
