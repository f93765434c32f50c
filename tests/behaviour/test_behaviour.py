"""Every behaviour check holds for PyTorch, and here, unless docs/differences.md lists it."""

import warnings

import pytest
import torch

import minigrad
from tests.support.behaviour import checks, listed_differences

with warnings.catch_warnings(action="ignore"), torch.autograd.forward_ad.dual_level():
    torch.autograd.forward_ad.make_dual(torch.ones(1), torch.ones(1))  # it loads more, and warns

CHECKS = checks()


# What PyTorch says of itself, or of what it is asked.
@pytest.mark.filterwarnings("ignore:__array__ implementation", "ignore:__array_wrap__ must accept")
@pytest.mark.filterwarnings("ignore:TypedStorage is deprecated", "ignore:Creating a tensor from a")
@pytest.mark.filterwarnings("ignore:torch.set_default_tensor_type")
@pytest.mark.parametrize("check", CHECKS, ids=[check.name for check in CHECKS])
def test_behaviour(check):
    check.run(torch)
    if check.difference is None:
        check.run(minigrad)
        return
    assert check.difference in listed_differences()
    with pytest.raises((Exception, pytest.fail.Exception)):  # whatever it ends in here
        check.run(minigrad)
