"""The multivariate normal distribution."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import lazy_property
from minigrad.linalg import cholesky, solve_triangular
from minigrad.ops import broadcast_shapes, cholesky_inverse
from minigrad.tensor import Tensor
from minigrad.tensor.creation import eye


def batch_mahalanobis(factor: Tensor, difference: Tensor) -> Tensor:
    """d^T (L L^T)^-1 d of lower triangles L (..., n, n) and vectors d (..., n), broadcast."""
    solved = solve_triangular(factor, difference.unsqueeze(-1), upper=False)
    return solved.squeeze(-1).square().sum(-1)


def half_log_det(factor: Tensor) -> Tensor:
    """log |L| of triangles L (..., n, n)."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a matrix, without inverting it.

    With P reversed = M M^T, the factor is the reversed, transposed inverse of M.
    """
    flipped = cholesky(precision.flip((-2, -1)))
    inverse = solve_triangular(
        flipped.flip((-2, -1)).mT, eye(precision.shape[-1], dtype=precision.dtype), upper=False
    )
    return inverse


class MultivariateNormal(Distribution):
    """A normal vector of mean `loc` (..., n), with one of three (..., n, n) matrices.

    `covariance_matrix`, `precision_matrix` (its inverse) or `scale_tril` (its Cholesky factor,
    with which all is computed).
    """

    arg_constraints = constraints.legal(
        loc=constraints.real_vector,
        covariance_matrix=constraints.positive_definite,
        precision_matrix=constraints.positive_definite,
        scale_tril=constraints.lower_cholesky,
    )
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
        matrices = {
            "covariance_matrix": covariance_matrix,
            "precision_matrix": precision_matrix,
            "scale_tril": scale_tril,
        }
        given = [(name, matrix) for name, matrix in matrices.items() if matrix is not None]
        if len(given) != 1:
            raise ValueError(
                "Exactly one of covariance_matrix or precision_matrix or scale_tril may be "
                "specified."
            )
        name, matrix = given[0]
        if matrix.ndim < 2:
            raise ValueError(
                f"{name} must be at least two-dimensional, with optional leading batch dimensions"
            )
        batch = broadcast_shapes(matrix.shape[:-2], loc.shape[:-1])
        vars(self)[name] = matrix.expand(*batch, -1, -1)
        self.loc = loc.expand(*batch, -1)
        self._unbroadcasted_scale_tril = matrix
        super().__init__(batch, self.loc.shape[-1:], validate_args=validate_args)
        if covariance_matrix is not None:
            self._unbroadcasted_scale_tril = cholesky(matrix)
        elif precision_matrix is not None:
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        n = self._event_shape[0]
        return self._unbroadcasted_scale_tril.expand(*self._batch_shape, n, n)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        factor, n = self._unbroadcasted_scale_tril, self._event_shape[0]
        return (factor @ factor.mT).expand(*self._batch_shape, n, n)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        n = self._event_shape[0]
        return cholesky_inverse(self._unbroadcasted_scale_tril).expand(*self._batch_shape, n, n)

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
