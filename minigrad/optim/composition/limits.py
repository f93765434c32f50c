"""Transformations without memory: limits, signs, masks and ratios of norms."""

# mypy: allow-untyped-defs, allow-untyped-calls

from numpy import clip, inf, maximum, mean, minimum, where
from numpy import sign as sign_of
from numpy.linalg import norm

from minigrad.kernels.centralization.rows import CentralizedRows
from minigrad.optim.composition.declaration import transformation
from minigrad.optim.fused.global_sums import global_norm
from minigrad.optim.fused.gradient_changes import GradientChange


@transformation(paper="Pascanu et al. 2013, arXiv:1211.5063", legal={"max_norm": "[0, inf]"})
def clip_by_norm(u, *, max_norm=1.0):
    """Updates of all parameters, scaled to `max_norm` if their norm together exceeds it.

    At the start of a chain this is `nn.utils.clip_grad_norm_`, without a pass of its own that
    writes gradients.
    """
    return u * minimum(max_norm / (global_norm(u) + 1e-6), 1.0)


@transformation(legal={"max_value": "[0, inf]"})
def clip_by_value(u, *, max_value=1.0):
    """Each element between `-max_value` and `max_value`."""
    return clip(u, -max_value, max_value)


@transformation()
def bounds(new, *, low=-inf, high=inf):
    """The new parameter, each element between `low` and `high`.  It stands last in a chain.

    Steps that would leave the bounds end at them: projected gradient descent, if nothing else is in
    the chain.
    """
    return clip(new, low, high)


@transformation(paper="Bernstein et al. 2018, arXiv:1802.04434")
def sign(u):
    """The sign of each element."""
    return sign_of(u)


@transformation(paper="Liang et al. 2024, arXiv:2411.16085", legal={"eps": "[0, inf]"})
def cautious(u, g, *, eps=1e-3):
    """Zero where the update and the gradient disagree in sign; the rest is larger to make up."""
    agree = where(u * g > 0, 1.0, 0.0)
    return u * agree * (1 / maximum(mean(agree), eps))


@transformation(paper="You et al. 2020, Algorithm 2, arXiv:1904.00962")
def trust_ratio(u, theta):
    """The update of each parameter, scaled to the parameter's norm, if neither norm is zero."""
    size, length = norm(theta), norm(u)
    return u * where((size > 0) & (length > 0), size / length, 1.0)


@transformation(legal={"eps": "[0, inf]"})
def normalize(u, *, eps=1e-8):
    """The update of each parameter over its norm."""
    return u / (norm(u) + eps)


def centralized(g, hyper=None):
    """A gradient less its mean over each output; vectors stay."""
    return g - g.mean(axis=tuple(range(1, g.ndim)), keepdims=True) if g.ndim > 1 else g


CENTRALIZED = GradientChange(centralized, CentralizedRows)


@transformation(paper="Yong et al. 2020, arXiv:2004.01461", whole=True, of_many=CentralizedRows)
def centralize(u):
    """The gradient less its mean over each output; vectors stay.  It stands first in a chain."""
    return centralized(u)
