"""The same optimizer of both libraries, with the same parameters and gradients."""

import numpy as np
import torch

from minigrad import optim
from tests.support.optim.table import numbers, set_gradients

PAIRS = {"SGD": (optim.SGD, torch.optim.SGD), "Adam": (optim.Adam, torch.optim.Adam)}


def set_both_gradients(mine, theirs, gradients):
    set_gradients(mine, gradients)
    set_gradients(theirs, gradients)


def assert_close(mine, theirs, tolerance, scale=1.0):
    for a, b in zip(numbers(mine), numbers(theirs), strict=True):
        np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)
