"""The multivariate normal distribution."""

import math
from collections.abc import Iterable

from minigrad.core.types import Size
from minigrad.distributions import constraints, draws
from minigrad.distributions.covariance import FORMS, Covariance, given_form, half_log_det
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.linalg import solve_triangular
from minigrad.ops import broadcast_shapes
from minigrad.tensor import Tensor


def batch_mahalanobis(factor: Tensor, difference: Tensor) -> Tensor:
    """d^T (L L^T)^-1 d of lower triangles L (..., n, n) and vectors d (..., n), broadcast."""
    solved = solve_triangular(factor, difference.unsqueeze(-1), upper=False)
    return solved.squeeze(-1).square().sum(-1)


class MultivariateNormal(Covariance, Distribution):
    """A normal vector of mean `loc` (..., n), with one of three (..., n, n) matrices.

    `covariance_matrix`, `precision_matrix` (its inverse) or `scale_tril` (its Cholesky factor,
    with which all is computed).
    """

    arg_constraints = constraints.legal(loc=constraints.real_vector, **FORMS)
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        covariance_matrix: Tensor | None = None,
        precision_matrix: Tensor | None = None,
        scale_tril: Tensor | None = None,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        name, matrix = given_form(
            covariance_matrix=covariance_matrix,
            precision_matrix=precision_matrix,
            scale_tril=scale_tril,
        )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        self._set_form(name, matrix, Size(batch))
        self.loc = loc.expand(*batch, -1)
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        self._factorize(name, matrix)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @property
    def variance(self) -> Tensor:
        return self._unbroadcasted_scale_tril.square().sum(-1).expand(self._extended_shape())

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        z = draws.standard_normal(self._extended_shape(sample_shape), self.loc)
        return self.loc + (self._unbroadcasted_scale_tril @ z.unsqueeze(-1)).squeeze(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        factor = self._unbroadcasted_scale_tril
        distance = batch_mahalanobis(factor, value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + distance) - half_log_det(factor)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        found = 0.5 * n * (1 + math.log(2 * math.pi)) + half_log_det(self._unbroadcasted_scale_tril)
        return found.expand(self._batch_shape)
