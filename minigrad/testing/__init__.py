"""Checks of derivatives and of values, for minigrad's operations and for yours."""

from minigrad.autograd.gradcheck.gradcheck import GradcheckError, gradcheck, gradgradcheck
from minigrad.core.public_names import show_public_names
from minigrad.engine.op import arr, sample
from minigrad.testing.assertions import assert_allclose, assert_close
from minigrad.testing.cases import check, gradcheck_cases
from minigrad.testing.creation import make_tensor
from minigrad.testing.modules import check_module
from minigrad.testing.operations import LAYOUTS, check_operation, differentiable

__all__ = [
    "LAYOUTS",
    "GradcheckError",
    "arr",
    "assert_allclose",
    "assert_close",
    "check",
    "check_module",
    "check_operation",
    "differentiable",
    "gradcheck",
    "gradcheck_cases",
    "gradgradcheck",
    "make_tensor",
    "sample",
]

show_public_names(__name__)
