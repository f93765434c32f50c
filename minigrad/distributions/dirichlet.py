"""The Dirichlet distribution."""

from collections.abc import Iterable

from minigrad.distributions import constraints
from minigrad.distributions.distribution import NO_SIZE
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.gamma_sampling import log_standard_gamma
from minigrad.ops import digamma, lgamma, where, xlogy
from minigrad.tensor import Tensor


class Dirichlet(ExponentialFamily):
    """p(x) = prod x_k^(a_k - 1) / B(a), for points x of the simplex and concentrations a (..., K).

    Samples are normalised gamma draws, made in logarithms: they do not underflow for small a.
    """

    arg_constraints = constraints.legal(
        concentration=constraints.independent(constraints.positive, 1)
    )
    support = constraints.simplex
    has_rsample = True

    def __init__(self, concentration: Tensor, validate_args: bool | None = None) -> None:
        if concentration.ndim < 1:
            raise ValueError("`concentration` parameter must be at least one-dimensional.")
        self.concentration = concentration
        shape = concentration.shape
        super().__init__(shape[:-1], shape[-1:], validate_args=validate_args)

    @property
    def mean(self) -> Tensor:
        return self.concentration / self.concentration.sum(-1, keepdim=True)

    @property
    def mode(self) -> Tensor:
        above = (self.concentration - 1).clamp(min=0)
        total = above.sum(-1, keepdim=True)
        largest = self.concentration.argmax(-1, keepdim=True)
        corner = above.new_zeros(above.shape).scatter(-1, largest, 1.0)
        flat = (self.concentration < 1).all(-1, keepdim=True)
        return where(flat, corner, above / total)

    @property
    def variance(self) -> Tensor:
        a = self.concentration
        total = a.sum(-1, keepdim=True)
        return a * (total - a) / (total.square() * (total + 1))

    def rsample(self, sample_shape: Iterable[int] = NO_SIZE) -> Tensor:
        shape = self._extended_shape(sample_shape)
        return log_standard_gamma(self.concentration.expand(shape)).softmax(-1)

    def log_prob(self, value: Tensor) -> Tensor:
        self._validate_sample(value)
        a = self.concentration
        return xlogy(a - 1, value).sum(-1) + lgamma(a.sum(-1)) - lgamma(a).sum(-1)

    def entropy(self) -> Tensor:
        a = self.concentration
        total = a.sum(-1)
        log_normalizer = lgamma(a).sum(-1) - lgamma(total)
        slopes = (total - a.shape[-1]) * digamma(total) - ((a - 1) * digamma(a)).sum(-1)
        return log_normalizer + slopes

    @property
    def _natural_params(self) -> tuple[Tensor]:
        return (self.concentration,)

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        (x,) = natural_params
        return lgamma(x).sum(-1) - lgamma(x.sum(-1))
