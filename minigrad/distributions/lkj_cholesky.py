"""The LKJ distribution over Cholesky factors of correlation matrices."""

import math
from collections.abc import Iterable

from minigrad.distributions import constraints, draws
from minigrad.distributions.beta import Beta
from minigrad.distributions.distribution import NO_SIZE, Distribution
from minigrad.distributions.utils import Number, broadcast_all
from minigrad.engine.grad_mode import no_grad
from minigrad.ops import diag_embed, lgamma, mvlgamma
from minigrad.ops.shape.copies import concatenate
from minigrad.tensor import Tensor
from minigrad.tensor.creation import arange
from minigrad.tensor.typeinfo import finfo


class LKJCholesky(Distribution):
    """Factors L of correlation matrices of size `dim`, p(L) ~ prod L_ii^(dim - i + 2 (c - 1)).

    c is the concentration: L L^T is uniform over correlation matrices for 1.  Sampled by the onion
    method (Lewandowski, Kurowicka & Joe 2009).
    """

    arg_constraints = constraints.legal(concentration=constraints.positive)
    support = constraints.corr_cholesky

    def __init__(
        self, dim: int, concentration: Number = 1.0, validate_args: bool | None = None
    ) -> None:
        if dim < 2:
            raise ValueError(
                f"Expected dim to be an integer greater than or equal to 2. Found dim={dim}."
            )
        self.dim = dim
        (self.concentration,) = broadcast_all(concentration)
        super().__init__(self.concentration.shape, (dim, dim), validate_args=validate_args)

    def sample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        """Row i is a direction drawn from the sphere, times the root of a beta draw."""
        n = self.dim
        with no_grad():
            rows = arange(1.0, n, dtype=self.concentration.dtype)  # elements below the diagonal
            b = self.concentration.unsqueeze(-1) + 0.5 * (n - 1 - rows)
            squares = Beta(0.5 * rows, b, validate_args=False).sample(sample_shape)
            zero = squares.new_zeros((*squares.shape[:-1], 1))
            squares = concatenate(zero, squares, dim=-1)
            z = draws.standard_normal(self._extended_shape(sample_shape), squares).tril(-1)
            length = z.square().sum(-1, keepdim=True).sqrt()
            length = length.clamp(min=finfo(z.dtype).tiny)
            below = squares.sqrt().unsqueeze(-1) * z / length
            diagonal = (1 - below.square().sum(-1)).clamp(min=finfo(z.dtype).tiny).sqrt()
            return below + diag_embed(diagonal)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        n = self.dim
        diagonal = value.diagonal(dim1=-2, dim2=-1)[..., 1:]
        order = arange(2.0, n + 1, dtype=self.concentration.dtype)
        order = 2 * (self.concentration - 1).unsqueeze(-1) + n - order
        unnormalised = (order * diagonal.log()).sum(-1)
        alpha = self.concentration + 0.5 * (n - 1)
        denominator = lgamma(alpha) * (n - 1)
        numerator = mvlgamma(alpha - 0.5, n - 1)
        log_pi = 0.5 * (n - 1) * math.log(math.pi)
        return unnormalised - (log_pi + numerator - denominator)
