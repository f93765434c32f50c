"""Functions of other frameworks as a user writes them, right ones and wrong ones."""

import jax.numpy as jnp
import numba
import numpy as np
import torch
from jax import Array

from minigrad.testing import arr, gradcheck_cases


class WrongExp(torch.autograd.Function):
    """exp in torch, with a forgotten factor."""

    @staticmethod
    def forward(ctx, x):
        y = x.exp()
        ctx.save_for_backward(y)
        return y

    @staticmethod
    def backward(ctx, g):
        (y,) = ctx.saved_tensors
        return g * y / 2


def gate(x: Array, y: Array) -> Array:
    """A function of JAX."""
    return jnp.tanh(x) * jnp.exp(-y)


@gradcheck_cases(arr.of(3, 4), vjp=lambda g, x: g * np.cos(x))
def sine(x):
    """A NumPy function and its gradient."""
    return np.sin(x)


@numba.njit
def _decay(x, rate, out):
    kept = 0.0
    for i in range(x.size):
        kept = rate * kept + x[i]
        out[i] = kept


def decay_adjoint(g, x, rate=0.5):
    """The recursion backwards in time."""
    out = np.empty_like(g)
    _decay(g[::-1].copy(), rate, out)
    return out[::-1]


@gradcheck_cases(arr.of(10), vjp=decay_adjoint)
def decay(x, rate=0.5):
    """A kernel of Numba with its adjoint."""
    out = np.empty_like(x)
    _decay(x, rate, out)
    return out
