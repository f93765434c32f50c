"""A covariance in one of three forms: the matrix, its inverse, or its Cholesky factor."""

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.utils import lazy_property
from minigrad.linalg import cholesky, solve_triangular
from minigrad.ops import cholesky_inverse
from minigrad.tensor import Tensor
from minigrad.tensor.creation import eye

FORMS = constraints.legal(
    covariance_matrix=constraints.positive_definite,
    precision_matrix=constraints.positive_definite,
    scale_tril=constraints.lower_cholesky,
)


def half_log_det(factor: Tensor) -> Tensor:
    """log |L| of triangles L (..., n, n)."""
    return factor.diagonal(dim1=-2, dim2=-1).log().sum(-1)


def precision_to_scale_tril(precision: Tensor) -> Tensor:
    """The Cholesky factor of the inverse of a matrix, without inverting it.

    With P reversed = M M^T, the factor is the reversed, transposed inverse of M.
    """
    flipped = cholesky(precision.flip((-2, -1)))
    one = eye(precision.shape[-1], dtype=precision.dtype)
    return solve_triangular(flipped.flip((-2, -1)).mT, one, upper=False)


def given_form(**forms: Tensor | None) -> tuple[str, Tensor]:
    """The form that was given, by name.  Raises ValueError unless it is one, of matrices."""
    given = [(name, matrix) for name, matrix in forms.items() if matrix is not None]
    if len(given) != 1:
        raise ValueError(
            "Exactly one of covariance_matrix or precision_matrix or scale_tril may be specified."
        )
    name, matrix = given[0]
    if matrix.ndim < 2:
        raise ValueError(
            f"{name} must be at least two-dimensional, with optional leading batch dimensions"
        )
    return name, matrix


class Covariance:
    """The covariance (..., n, n) of a distribution; the other two forms follow from the given."""

    _batch_shape: Size
    _event_shape: Size
    _unbroadcasted_scale_tril: Tensor

    def _set_form(self, name: str, matrix: Tensor, batch: Size) -> None:
        vars(self)[name] = matrix.expand(*batch, -1, -1)
        # Until the parameters are checked: a factor of what is not positive definite would raise.
        self._unbroadcasted_scale_tril = matrix

    def _factorize(self, name: str, matrix: Tensor) -> None:
        if name == "covariance_matrix":
            self._unbroadcasted_scale_tril = cholesky(matrix)
        elif name == "precision_matrix":
            self._unbroadcasted_scale_tril = precision_to_scale_tril(matrix)

    def _expanded(self, matrix: Tensor) -> Tensor:
        n = self._event_shape[-1]
        return matrix.expand(*self._batch_shape, n, n)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """The Cholesky factor of the covariance."""
        return self._expanded(self._unbroadcasted_scale_tril)

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance."""
        factor = self._unbroadcasted_scale_tril
        return self._expanded(factor @ factor.mT)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """The inverse of the covariance."""
        return self._expanded(cholesky_inverse(self._unbroadcasted_scale_tril))
