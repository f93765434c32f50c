"""Optimizers around other optimizers: accumulation, averages of weights, sharpness, noise."""

from minigrad.core.public_names import show_public_names
from minigrad.optim.wrappers.accumulation import MultiSteps, SkipNonfinite
from minigrad.optim.wrappers.averages import Lookahead, WeightEMA, follow_mode
from minigrad.optim.wrappers.noise import GradientDropout, GradientNoise
from minigrad.optim.wrappers.sharpness import SAM
from minigrad.optim.wrappers.wrapper import Wrapper

__all__ = [
    "SAM",
    "GradientDropout",
    "GradientNoise",
    "Lookahead",
    "MultiSteps",
    "SkipNonfinite",
    "WeightEMA",
    "Wrapper",
    "follow_mode",
]

show_public_names(__name__)
