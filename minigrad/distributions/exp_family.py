"""Exponential families: densities exp(<natural parameters, statistics> - log normaliser)."""

from minigrad.distributions.distribution import Distribution
from minigrad.tensor import Tensor


class ExponentialFamily(Distribution):
    """A family p(x) = h(x) exp(<eta, t(x)> - A(eta)).

    A subclass gives the natural parameters eta as `_natural_params`, and `_log_normalizer`, A of
    them; the divergence of two members follows from these (`kl_divergence`).
    """

    @property
    def _natural_params(self) -> tuple[Tensor, ...]:
        raise NotImplementedError

    def _log_normalizer(self, *natural_params: Tensor) -> Tensor:
        raise NotImplementedError
