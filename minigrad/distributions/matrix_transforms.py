"""Transforms of vectors and matrices to Cholesky factors and positive definite matrices."""

import math
from collections.abc import Sequence

from minigrad.core.types import Size
from minigrad.distributions import constraints
from minigrad.distributions.constraints import Constraint
from minigrad.distributions.transform import Transform
from minigrad.distributions.utils import tril_matrix_to_vec, vec_to_tril_matrix
from minigrad.linalg import cholesky
from minigrad.nn.functional import softplus
from minigrad.ops import diag_embed
from minigrad.ops.shape.copies import concatenate
from minigrad.tensor import Tensor
from minigrad.tensor.creation import eye
from minigrad.tensor.triangle_indices import tril_indices
from minigrad.tensor.typeinfo import finfo


class LowerCholeskyTransform(Transform):
    """Square matrices to lower triangular ones with a positive diagonal, exp of theirs."""

    domain: Constraint = constraints.independent(constraints.real, 2)
    codomain: Constraint = constraints.lower_cholesky

    def _call(self, x: Tensor) -> Tensor:
        return x.tril(-1) + diag_embed(x.diagonal(dim1=-2, dim2=-1).exp())

    def _inverse(self, y: Tensor) -> Tensor:
        return y.tril(-1) + diag_embed(y.diagonal(dim1=-2, dim2=-1).log())


class PositiveDefiniteTransform(Transform):
    """Square matrices to positive definite ones: L L^T of `LowerCholeskyTransform`'s L."""

    domain: Constraint = constraints.independent(constraints.real, 2)
    codomain: Constraint = constraints.positive_definite

    def _call(self, x: Tensor) -> Tensor:
        factor = LowerCholeskyTransform()(x)
        return factor @ factor.mT

    def _inverse(self, y: Tensor) -> Tensor:
        return LowerCholeskyTransform().inv(cholesky(y))


class CorrCholeskyTransform(Transform):
    """Vectors of D (D - 1) / 2 numbers to Cholesky factors of correlation matrices, (D, D).

    With t = tanh(x) as a lower triangle, L_ij = t_ij prod_(k<j) sqrt(1 - t_ik^2) below the
    diagonal; the diagonal makes rows of length 1 (Lewandowski, Kurowicka & Joe 2009).
    """

    domain: Constraint = constraints.real_vector
    codomain: Constraint = constraints.corr_cholesky
    bijective = True

    def _call(self, x: Tensor) -> Tensor:
        eps = finfo(x.dtype).eps
        t = vec_to_tril_matrix(x.tanh().clamp(min=-1 + eps, max=1 - eps), -1)
        left = (1 - t.square()).sqrt().cumprod(-1)
        before = concatenate(left.new_ones((*left.shape[:-1], 1)), left[..., :-1], dim=-1)
        return (t + eye(t.shape[-1], dtype=t.dtype)) * before

    def _inverse(self, y: Tensor) -> Tensor:
        squares = y.square()
        before = 1 - (squares.cumsum(-1) - squares)
        t = tril_matrix_to_vec(y, -1) / tril_matrix_to_vec(before, -1).sqrt()
        return t.atanh()

    def log_abs_det_jacobian(self, x: Tensor, y: Tensor) -> Tensor:
        size = self.forward_shape(x.shape)[-1]
        rows, columns = tril_indices(size, size, -1).unbind(0)
        log_slope = 2 * (math.log(2) - x - softplus(-2 * x))  # log(1 - tanh(x)^2)
        return (log_slope * (1 + (rows - 1 - columns) / 2).to(x.dtype)).sum(-1)

    def forward_shape(self, shape: Sequence[int]) -> Size:
        if not shape:
            raise ValueError("Too few dimensions on input")
        size = round((0.25 + 2 * shape[-1]) ** 0.5 + 0.5)
        if size * (size - 1) // 2 != shape[-1]:
            raise ValueError("Input is not a flattened lower-diagonal number")
        return Size((*shape[:-1], size, size))

    def inverse_shape(self, shape: Sequence[int]) -> Size:
        if len(shape) < 2:
            raise ValueError("Too few dimensions on input")
        if shape[-2] != shape[-1]:
            raise ValueError("Input is not square")
        return Size((*shape[:-2], shape[-1] * (shape[-1] - 1) // 2))
