"""Gradient checks: derivatives compared with differences of function values."""

from minigrad.autograd.gradcheck.diagnosis import GradcheckError, NotSmoothError
from minigrad.autograd.gradcheck.gradcheck import gradcheck, gradgradcheck
