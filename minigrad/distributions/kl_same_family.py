"""KL(p || q) of two members of one family."""

from minigrad.autograd import grad
from minigrad.distributions.bernoulli import Bernoulli
from minigrad.distributions.binomial import Binomial
from minigrad.distributions.categorical import Categorical
from minigrad.distributions.cauchy import Cauchy
from minigrad.distributions.covariance import half_log_det
from minigrad.distributions.exp_family import ExponentialFamily
from minigrad.distributions.geometric import Geometric
from minigrad.distributions.gumbel import EULER, Gumbel
from minigrad.distributions.half_normal import HalfNormal
from minigrad.distributions.independent import Independent
from minigrad.distributions.kl import kl_divergence, register_kl
from minigrad.distributions.laplace import Laplace
from minigrad.distributions.lowrank_multivariate_normal import LowRankMultivariateNormal
from minigrad.distributions.multivariate_normal import (
    MultivariateNormal,
    batch_mahalanobis,
)
from minigrad.distributions.normal import Normal
from minigrad.distributions.one_hot_categorical import OneHotCategorical
from minigrad.distributions.pareto import Pareto
from minigrad.distributions.poisson import Poisson
from minigrad.distributions.transformed_distribution import TransformedDistribution
from minigrad.distributions.uniform import Uniform
from minigrad.distributions.utils import sum_rightmost
from minigrad.engine.grad_mode import enable_grad
from minigrad.linalg import solve_triangular
from minigrad.ops import lgamma, where, xlogy
from minigrad.tensor import Tensor

INF = float("inf")


@register_kl(ExponentialFamily, ExponentialFamily)
def _exponential_family(p: ExponentialFamily, q: ExponentialFamily) -> Tensor:
    """A(q) - A(p) - <q - p, grad A(p)> of the natural parameters: a Bregman divergence."""
    if not (isinstance(p, type(q)) or isinstance(q, type(p))):
        raise NotImplementedError(
            f"The cross KL-divergence between different exponential families cannot be computed "
            f"from their normalizers: {type(p).__name__} and {type(q).__name__}"
        )
    with enable_grad():  # a copy that requires gradients, with the graph of the parameters behind
        eta = [x if x.requires_grad else x.detach().requires_grad_() for x in p._natural_params]
        normalizer = p._log_normalizer(*eta)
        slopes = grad(normalizer.sum(), eta, create_graph=True)
    total = q._log_normalizer(*q._natural_params) - normalizer
    for eta_p, eta_q, slope in zip(eta, q._natural_params, slopes, strict=True):
        term = (eta_q - eta_p) * slope
        total = total - sum_rightmost(term, term.ndim - len(p.batch_shape))
    return total


@register_kl(Bernoulli, Bernoulli)
def _bernoulli(p: Bernoulli, q: Bernoulli) -> Tensor:
    success = xlogy(p.probs, p.probs) - xlogy(p.probs, q.probs)
    failure = xlogy(1 - p.probs, 1 - p.probs) - xlogy(1 - p.probs, 1 - q.probs)
    return success + failure


@register_kl(Binomial, Binomial)
def _binomial(p: Binomial, q: Binomial) -> Tensor:
    if (p.total_count < q.total_count).any():
        raise NotImplementedError(
            "KL between Binomials where q.total_count > p.total_count is not implemented"
        )
    each = xlogy(p.probs, p.probs) - xlogy(p.probs, q.probs)
    each = each + xlogy(1 - p.probs, 1 - p.probs) - xlogy(1 - p.probs, 1 - q.probs)
    return where(p.total_count > q.total_count, INF, p.total_count * each)


@register_kl(Categorical, Categorical)
def _categorical(p: Categorical, q: Categorical) -> Tensor:
    terms = p.probs * (p.logits - q.logits)
    terms = where(q.probs == 0, INF, terms)
    return where(p.probs == 0, 0.0, terms).sum(-1)


@register_kl(OneHotCategorical, OneHotCategorical)
def _one_hot(p: OneHotCategorical, q: OneHotCategorical) -> Tensor:
    return _categorical(p._categorical, q._categorical)


@register_kl(Cauchy, Cauchy)
def _cauchy(p: Cauchy, q: Cauchy) -> Tensor:
    """Chyzak & Nielsen 2019, arXiv:1905.10965."""
    squares = (p.scale + q.scale).square() + (p.loc - q.loc).square()
    return squares.log() - (4 * p.scale * q.scale).log()


@register_kl(Geometric, Geometric)
def _geometric(p: Geometric, q: Geometric) -> Tensor:
    return -p.entropy() - (-q.probs).log1p() / p.probs - q.logits


@register_kl(Gumbel, Gumbel)
def _gumbel(p: Gumbel, q: Gumbel) -> Tensor:
    ratio = p.scale / q.scale
    shift = (p.loc - q.loc) / q.scale
    return shift - ratio.log() + ratio * EULER + (lgamma(1 + ratio) - shift).exp() - (1 + EULER)


@register_kl(HalfNormal, HalfNormal)
def _half_normal(p: HalfNormal, q: HalfNormal) -> Tensor:
    return kl_divergence(p.base_dist, q.base_dist)


@register_kl(Laplace, Laplace)
def _laplace(p: Laplace, q: Laplace) -> Tensor:
    distance = (p.loc - q.loc).abs()
    ratio = p.scale / q.scale
    return distance / q.scale - ratio.log() + ratio * (-distance / p.scale).exp() - 1


@register_kl(Normal, Normal)
def _normal(p: Normal, q: Normal) -> Tensor:
    ratio = (p.scale / q.scale).square()
    return 0.5 * (ratio + ((p.loc - q.loc) / q.scale).square() - 1 - ratio.log())


@register_kl(Pareto, Pareto)
def _pareto(p: Pareto, q: Pareto) -> Tensor:
    ratio = q.alpha / p.alpha
    found = q.alpha * (p.scale / q.scale).log() - ratio.log() + ratio - 1
    return where(p.scale < q.scale, INF, found)


@register_kl(Poisson, Poisson)
def _poisson(p: Poisson, q: Poisson) -> Tensor:
    return xlogy(p.rate, p.rate) - xlogy(p.rate, q.rate) - (p.rate - q.rate)


@register_kl(Uniform, Uniform)
def _uniform(p: Uniform, q: Uniform) -> Tensor:
    found = ((q.high - q.low) / (p.high - p.low)).log()
    return where((q.low > p.low) | (q.high < p.high), INF, found)


Gaussian = MultivariateNormal | LowRankMultivariateNormal


def _gaussian(p: Gaussian, q: Gaussian) -> Tensor:
    """(log |Q| / |P| + tr(Q^-1 P) + d^T Q^-1 d - n) / 2, from Cholesky factors."""
    if p.event_shape != q.event_shape:
        raise ValueError(
            f"KL-divergence between two (Low Rank) Multivariate Normals with different event "
            f"shapes cannot be computed: {tuple(p.event_shape)} and {tuple(q.event_shape)}"
        )
    factor_p, factor_q = p.scale_tril, q.scale_tril
    trace = solve_triangular(factor_q, factor_p, upper=False).square().sum((-2, -1))
    distance = batch_mahalanobis(factor_q, p.loc - q.loc)
    log_ratio = half_log_det(factor_q) - half_log_det(factor_p)
    return log_ratio + 0.5 * (trace + distance - p.event_shape[0])


for _p in (MultivariateNormal, LowRankMultivariateNormal):
    for _q in (MultivariateNormal, LowRankMultivariateNormal):
        register_kl(_p, _q)(_gaussian)


@register_kl(Independent, Independent)
def _independent(p: Independent, q: Independent) -> Tensor:
    if p.reinterpreted_batch_ndims != q.reinterpreted_batch_ndims:
        raise NotImplementedError(
            f"KL of Independent distributions that take {p.reinterpreted_batch_ndims} and "
            f"{q.reinterpreted_batch_ndims} dimensions"
        )
    each = kl_divergence(p.base_dist, q.base_dist)
    return sum_rightmost(each, p.reinterpreted_batch_ndims)


@register_kl(TransformedDistribution, TransformedDistribution)
def _transformed(p: TransformedDistribution, q: TransformedDistribution) -> Tensor:
    """A bijection changes no divergence."""
    if p.transforms != q.transforms or p.event_shape != q.event_shape:
        raise NotImplementedError("KL of distributions under different transforms")
    return kl_divergence(p.base_dist, q.base_dist)
