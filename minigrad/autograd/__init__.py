"""Derivatives of functions, under the names of torch.autograd, and the transforms of torch.func."""

from typing import TYPE_CHECKING

from minigrad.autograd import forward_ad, functional, graph
from minigrad.autograd.differentiate import backward, grad
from minigrad.autograd.function import Function, once_differentiable
from minigrad.autograd.gradcheck.gradcheck import GradcheckError, gradcheck, gradgradcheck
from minigrad.autograd.variable import Variable
from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import (
    detect_anomaly,
    enable_grad,
    inference_mode,
    no_grad,
    set_detect_anomaly,
    set_grad_enabled,
    set_multithreading_enabled,
)

if TYPE_CHECKING:  # imported when it is first read
    from minigrad.autograd import profiler

__all__ = [
    "Function",
    "GradcheckError",
    "Variable",
    "backward",
    "detect_anomaly",
    "enable_grad",
    "forward_ad",
    "functional",
    "grad",
    "gradcheck",
    "gradgradcheck",
    "graph",
    "inference_mode",
    "no_grad",
    "once_differentiable",
    "profiler",
    "set_detect_anomaly",
    "set_grad_enabled",
    "set_multithreading_enabled",
]

show_public_names(__name__, lazy=("profiler",))
