"""Checks of derivatives, for minigrad's operations and for yours."""

from minigrad.testing.gradcheck import GradientError, gradcheck, gradgradcheck
from minigrad.testing.operations import LAYOUTS, check_operation, differentiable

__all__ = [
    "LAYOUTS",
    "GradientError",
    "check_operation",
    "differentiable",
    "gradcheck",
    "gradgradcheck",
]
