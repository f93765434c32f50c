"""The multivariate normal distribution with a covariance of low rank and a diagonal."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.covariance import half_log_det
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.multivariate_normal import batch_mahalanobis
from minigrad.distributions.utils import lazy_property
from minigrad.linalg import cholesky, solve_triangular
from minigrad.ops import broadcast_shapes, diag_embed
from minigrad.tensor import Tensor
from minigrad.tensor.creation import eye


class LowRankMultivariateNormal(Distribution):
    """A normal vector of covariance W W^T + D: `cov_factor` W (..., n, k), `cov_diag` D (..., n).

    Solved and its determinant taken through C = I + W^T D^-1 W, (k, k): the matrix inversion and
    the matrix determinant lemma.
    """

    arg_constraints = constraints.legal(
        loc=constraints.real_vector,
        cov_factor=constraints.independent(constraints.real, 2),
        cov_diag=constraints.independent(constraints.positive, 1),
    )
    support = constraints.real_vector
    has_rsample = True

    def __init__(
        self,
        loc: Tensor,
        cov_factor: Tensor,
        cov_diag: Tensor,
        validate_args: bool | None = None,
    ) -> None:
        if loc.ndim < 1:
            raise ValueError("loc must be at least one-dimensional.")
        if cov_factor.ndim < 2:
            raise ValueError(
                "cov_factor must be at least two-dimensional, with optional leading batch "
                "dimensions"
            )
        event = loc.shape[-1:]
        if cov_factor.shape[-2:-1] != event:
            raise ValueError(f"cov_factor must be a batch of matrices with shape {event[0]} x m")
        if cov_diag.shape[-1:] != event:
            raise ValueError(f"cov_diag must be a batch of vectors with shape {tuple(event)}")
        try:
            batch = broadcast_shapes(loc.shape[:-1], cov_factor.shape[:-2], cov_diag.shape[:-1])
        except RuntimeError as error:
            raise ValueError(
                f"Incompatible batch shapes: loc {tuple(loc.shape)}, cov_factor "
                f"{tuple(cov_factor.shape)}, cov_diag {tuple(cov_diag.shape)}"
            ) from error
        self.loc = loc.expand(*batch, -1)
        self.cov_factor = cov_factor.expand(*batch, -1, -1)
        self.cov_diag = cov_diag.expand(*batch, -1)
        super().__init__(batch, event, validate_args=validate_args)

    @lazy_property
    def _capacitance_tril(self) -> Tensor:
        """The Cholesky factor of C."""
        scaled = self.cov_factor / self.cov_diag.unsqueeze(-1)
        k = self.cov_factor.shape[-1]
        return cholesky(eye(k, dtype=self.loc.dtype) + self.cov_factor.mT @ scaled)

    @property
    def mean(self) -> Tensor:
        return self.loc

    @property
    def mode(self) -> Tensor:
        return self.loc

    @lazy_property
    def variance(self) -> Tensor:
        return self.cov_factor.square().sum(-1) + self.cov_diag

    @lazy_property
    def covariance_matrix(self) -> Tensor:
        """The covariance, (..., n, n)."""
        return self.cov_factor @ self.cov_factor.mT + diag_embed(self.cov_diag)

    @lazy_property
    def scale_tril(self) -> Tensor:
        """Its Cholesky factor."""
        return cholesky(self.covariance_matrix)

    @lazy_property
    def precision_matrix(self) -> Tensor:
        """Its inverse, D^-1 - D^-1 W C^-1 W^T D^-1."""
        scaled = self.cov_factor.mT / self.cov_diag.unsqueeze(-2)
        solved = solve_triangular(self._capacitance_tril, scaled, upper=False)
        return diag_embed(self.cov_diag.reciprocal()) - solved.mT @ solved

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        rank = self.cov_factor.shape[-1]
        low = draws.standard_normal((*shape[:-1], rank), self.loc)
        spread = (self.cov_factor @ low.unsqueeze(-1)).squeeze(-1)
        return self.loc + spread + self.cov_diag.sqrt() * draws.standard_normal(shape, self.loc)

    def mahalanobis(self, difference: Tensor) -> Tensor:
        """d^T covariance^-1 d."""
        scaled = difference / self.cov_diag
        projected = (self.cov_factor.mT @ scaled.unsqueeze(-1)).squeeze(-1)
        within = (difference * scaled).sum(-1)
        return within - batch_mahalanobis(self._capacitance_tril, projected)

    def log_det(self) -> Tensor:
        """The logarithm of the covariance's determinant."""
        return 2 * half_log_det(self._capacitance_tril) + self.cov_diag.log().sum(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        distance = self.mahalanobis(value - self.loc)
        n = self._event_shape[0]
        return -0.5 * (n * math.log(2 * math.pi) + self.log_det() + distance)

    def entropy(self) -> Tensor:
        n = self._event_shape[0]
        found = 0.5 * (n * (1 + math.log(2 * math.pi)) + self.log_det())
        return found.expand(self._batch_shape)
