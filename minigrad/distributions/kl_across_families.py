"""KL(p || q) of two families: -H(p) - E_p[log q], from moments of p; inf where q excludes p."""

import math

from minigrad.distributions.bernoulli import Bernoulli
from minigrad.distributions.beta import Beta
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.continuous_bernoulli import ContinuousBernoulli
from minigrad.distributions.distribution import Distribution
from minigrad.distributions.exponential import Exponential
from minigrad.distributions.gamma import Gamma
from minigrad.distributions.gumbel import EULER, Gumbel
from minigrad.distributions.kl import register_kl
from minigrad.distributions.laplace import Laplace
from minigrad.distributions.normal import Normal
from minigrad.distributions.pareto import Pareto
from minigrad.distributions.poisson import Poisson
from minigrad.distributions.uniform import Uniform
from minigrad.ops import digamma, erf, lgamma, where, xlogy
from minigrad.tensor import Tensor

INF = math.inf


def _mean_log(p: Distribution) -> Tensor:
    """E[log x] of a positive variable."""
    if isinstance(p, Beta):
        return digamma(p.concentration1) - digamma(p.concentration1 + p.concentration0)
    if isinstance(p, Exponential):
        return -EULER - p.rate.log()
    if isinstance(p, Gamma):
        return digamma(p.concentration) - p.rate.log()
    if isinstance(p, Pareto):
        return p.scale.log() + p.alpha.reciprocal()
    assert isinstance(p, Uniform)
    return (xlogy(p.high, p.high) - xlogy(p.low, p.low)) / (p.high - p.low) - 1


def _mean_exp(p: Distribution, t: Tensor) -> Tensor:
    """E[exp(-t x)], for t > 0."""
    if isinstance(p, Exponential):
        return p.rate / (p.rate + t)
    if isinstance(p, Gamma):
        return (1 + t / p.rate).pow(-p.concentration)
    if isinstance(p, Normal):
        return (-t * p.loc + (t * p.scale).square() / 2).exp()
    assert isinstance(p, Uniform)
    return ((-t * p.low).exp() - (-t * p.high).exp()) / (t * (p.high - p.low))


def _nonnegative(p: Distribution, divergence: Tensor) -> Tensor:
    """inf where a uniform variable may be negative."""
    return where(p.low < 0, INF, divergence) if isinstance(p, Uniform) else divergence


def _to_normal(p: Distribution, q: Normal) -> Tensor:
    square = (p.mean - q.loc).square() + p.variance
    return 0.5 * math.log(2 * math.pi) + q.scale.log() + square / (2 * q.variance) - p.entropy()


def _to_exponential(p: Distribution, q: Exponential) -> Tensor:
    return _nonnegative(p, q.rate * p.mean - q.rate.log() - p.entropy())


def _to_gamma(p: Distribution, q: Gamma) -> Tensor:
    a, rate = q.concentration, q.rate
    log_q = a * rate.log() - lgamma(a) + (a - 1) * _mean_log(p) - rate * p.mean
    return _nonnegative(p, -log_q - p.entropy())


def _to_gumbel(p: Distribution, q: Gumbel) -> Tensor:
    tail = (q.loc / q.scale).exp() * _mean_exp(p, q.scale.reciprocal())
    return q.scale.log() + (p.mean - q.loc) / q.scale + tail - p.entropy()


def _to_uniform(p: Distribution, q: Uniform) -> Tensor:
    """Of a variable on [0, 1]."""
    return where((q.low > 0) | (q.high < 1), INF, (q.high - q.low).log() - p.entropy())


_family: type[Distribution]
for _family in (Beta, ContinuousBernoulli, Exponential, Gamma, Gumbel, Laplace, Pareto, Uniform):
    register_kl(_family, Normal)(_to_normal)
for _family in (Beta, ContinuousBernoulli, Gamma, Pareto, Uniform):
    register_kl(_family, Exponential)(_to_exponential)
for _family in (Beta, Exponential, Pareto, Uniform):
    register_kl(_family, Gamma)(_to_gamma)
for _family in (Exponential, Gamma, Normal, Uniform):
    register_kl(_family, Gumbel)(_to_gumbel)
for _family in (Beta, ContinuousBernoulli):
    register_kl(_family, Uniform)(_to_uniform)


@register_kl(Bernoulli, Poisson)
def _bernoulli_to_poisson(p: Bernoulli, q: Poisson) -> Tensor:
    return q.rate - xlogy(p.probs, q.rate) - p.entropy()


@register_kl(Beta, ContinuousBernoulli)
def _beta_to_continuous_bernoulli(p: Beta, q: ContinuousBernoulli) -> Tensor:
    log_q = p.mean * q.logits + (-q.probs).log1p() + q._log_constant()
    return -log_q - p.entropy()


@register_kl(Normal, Laplace)
def _normal_to_laplace(p: Normal, q: Laplace) -> Tensor:
    """With E|x - m| of the folded normal distribution."""
    d = p.loc - q.loc
    folded = p.scale * math.sqrt(2 / math.pi) * (-0.5 * (d / p.scale).square()).exp()
    folded = folded + d * erf(d / (p.scale * math.sqrt(2)))
    return (2 * q.scale).log() + folded / q.scale - p.entropy()


@register_kl(Uniform, Beta)
def _uniform_to_beta(p: Uniform, q: Beta) -> Tensor:
    a, b = q.concentration1, q.concentration0
    rest = Uniform(1 - p.high, 1 - p.low, validate_args=False)
    log_q = (
        (a - 1) * _mean_log(p) + (b - 1) * _mean_log(rest) - lgamma(a) - lgamma(b) + lgamma(a + b)
    )
    return where((p.low < 0) | (p.high > 1), INF, -log_q - p.entropy())


@register_kl(Uniform, ContinuousBernoulli)
def _uniform_to_continuous_bernoulli(p: Uniform, q: ContinuousBernoulli) -> Tensor:
    log_q = p.mean * q.logits + (-q.probs).log1p() + q._log_constant()
    return where((p.low < 0) | (p.high > 1), INF, -log_q - p.entropy())


@register_kl(Uniform, Pareto)
def _uniform_to_pareto(p: Uniform, q: Pareto) -> Tensor:
    log_q = q.alpha.log() + q.alpha * q.scale.log() - (q.alpha + 1) * _mean_log(p)
    return where(p.low < q.scale, INF, -log_q - p.entropy())


def _infinite(p: Distribution, q: Distribution) -> Tensor:
    """p has points that q has not."""
    return p.mean.new_full(p.batch_shape, INF) + q.mean.new_zeros(q.batch_shape)


_BOUNDED = (Beta, ContinuousBernoulli, Pareto, Uniform)
for _from, _tos in {
    Beta: (Pareto,),
    ContinuousBernoulli: (Pareto,),
    Exponential: _BOUNDED,
    Gamma: _BOUNDED,
    Gumbel: (*_BOUNDED, Exponential, Gamma),
    Laplace: (*_BOUNDED, Exponential, Gamma),
    Normal: (*_BOUNDED, Exponential, Gamma),
    Pareto: (Beta, ContinuousBernoulli, Uniform),
    Poisson: (Bernoulli, Binomial),
}.items():
    for _to in _tos:
        register_kl(_from, _to)(_infinite)
