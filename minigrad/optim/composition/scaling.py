"""Transformations that remember: momentum, Adam's and Lion's means; decay; schedules; noise."""

# mypy: allow-untyped-defs

from numpy import sign as sign_of
from numpy import sqrt

from minigrad.optim.composition.declaration import Ratio, transformation
from minigrad.optim.fused.draws import normal_like


@transformation(
    paper="Sutskever et al. 2013, On the importance of initialization and momentum",
    state={"b": "momentum_buffer"},
    legal={"momentum": "[0, inf]"},
)
def trace(u, b=None, *, momentum=0.9, dampening=0, nesterov=False):
    """Momentum: the sum of earlier updates, each step less; it starts as the first update."""
    b = u if b is None else momentum * b + (1 - dampening) * u
    return u + momentum * b if nesterov else b, b


@transformation(
    paper="Kingma & Ba 2015, Algorithm 1, arXiv:1412.6980",
    state={"m": "exp_avg", "v": "exp_avg_sq"},
    legal={"betas": "[0, 1)", "eps": "[0, inf]"},
)
def scale_by_adam(u, m, v, t, *, betas=(0.9, 0.999), eps=1e-8):
    """The running mean of updates over the root of that of their squares, both corrected."""
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * u
    v = beta2 * v + (1 - beta2) * u * u
    root = sqrt(v) / (1 - beta2**t) ** 0.5
    return Ratio(m, root + eps, 1 - beta1**t), m, v


@transformation(
    paper="Tieleman & Hinton 2012, Lecture 6.5",
    state={"v": "square_avg"},
    legal={"alpha": "[0, 1]", "eps": "[0, inf]"},
)
def scale_by_rms(u, v, *, alpha=0.99, eps=1e-8):
    """Updates over the root of the running mean of their squares."""
    v = alpha * v + (1 - alpha) * u * u
    return Ratio(u, sqrt(v) + eps, 1), v


@transformation(
    paper="Chen et al. 2023, Algorithm 2, arXiv:2302.06675",
    state={"m": "exp_avg"},
    legal={"betas": "[0, 1]"},
)
def scale_by_lion(u, m, *, betas=(0.9, 0.99)):
    """The sign of a momentum."""
    beta1, beta2 = betas
    return sign_of(beta1 * m + (1 - beta1) * u), beta2 * m + (1 - beta2) * u


@transformation(legal={"weight_decay": "[0, inf]"})
def add_decayed_weights(u, theta, *, weight_decay=0.0):
    """An L2 penalty: first in a chain it is part of the gradient, later it is apart from it."""
    return u + weight_decay * theta


@transformation(
    paper="Loshchilov & Hutter 2019, arXiv:1711.05101", legal={"weight_decay": "[0, inf]"}
)
def decoupled_weight_decay(theta, lr, *, weight_decay=0.01):
    """Parameters shrink by `lr * weight_decay` of themselves; the update does not change."""
    return theta * (1 - lr * weight_decay)


@transformation()
def scale(u, *, factor=1.0):
    """The update times a number."""
    return factor * u


@transformation(fixed=["schedule"])
def scale_by_schedule(u, t, *, schedule=None):
    """The update times `schedule(t)`, where t is 1 in the first step.

    Arithmetic and NumPy's functions of `t` are computed for many steps at once; anything else is
    computed step by step.
    """
    return schedule(t) * u


@transformation(
    paper="Neelakantan et al. 2015, arXiv:1511.06807",
    legal={"eta": "[0, inf]", "gamma": "[0, inf]", "seed": "[0, 9007199254740992]"},
)
def add_noise(u, t, *, eta=0.01, gamma=0.55, seed=0):
    """The update plus normal noise of the variance `eta / t**gamma`.

    A run that is repeated or resumed draws the same noise, on any number of threads.
    """
    return u + (eta / t**gamma) ** 0.5 * normal_like(u, seed, t)
