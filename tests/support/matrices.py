"""Matrices that linear algebra is tested on."""

import numpy as np


def numbers(shape, seed=0):
    return np.random.default_rng(seed).uniform(-2, 2, shape)


def regular(shape, seed=0):
    """Square matrices far from singular."""
    return numbers(shape, seed) / 2 + 4 * np.eye(shape[-1])


def definite(m, x):
    """A symmetric positive definite matrix of any square one."""
    return x @ x.mT + m.eye(x.shape[-1], dtype=x.dtype)


def symmetric(m, x):
    return x + x.mT


def transposed_in_memory(x):
    """The same matrices, with the strides of a transposed copy."""
    return x.mT.contiguous().mT
