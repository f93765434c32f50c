"""Timing statements, under the names of torch.utils.benchmark."""

from minigrad.core.public_names import show_public_names
from minigrad.utils.benchmark.common import (
    Measurement,
    TaskSpec,
    ordered_unique,
    select_unit,
    trim_sigfig,
    unit_to_english,
)
from minigrad.utils.benchmark.compare import Colorize, Compare
from minigrad.utils.benchmark.timer import Timer

__all__ = [
    "Colorize",
    "Compare",
    "Measurement",
    "TaskSpec",
    "Timer",
    "ordered_unique",
    "select_unit",
    "trim_sigfig",
    "unit_to_english",
]

show_public_names(__name__)
