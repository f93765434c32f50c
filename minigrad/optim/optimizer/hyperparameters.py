"""Hyper-parameters as plain numbers, and the intervals of their legal values."""

import math
import re
from typing import Any

import numpy as np

from minigrad.tensor import Tensor


class Interval:
    """A range of real numbers, written as in mathematics: `Interval("[0, 1)")`."""

    def __init__(self, notation: str) -> None:
        match = re.fullmatch(r"[\[(]([^,]+),([^,]+)[\])]", notation)
        if match is None:
            raise ValueError(f"an interval is written like '[0, 1)', got {notation!r}")
        self.notation = notation
        self.low, self.high = map(float, match.groups())
        self.open_low, self.open_high = notation[0] == "(", notation[-1] == ")"

    def __contains__(self, x: float) -> bool:
        above = self.low < x if self.open_low else self.low <= x
        below = x < self.high if self.open_high else x <= self.high
        return above and below

    def __repr__(self) -> str:
        return self.notation


def plain(value: Any) -> Any:
    """A setting as Python's numbers: tensors of one element and NumPy's scalars are unpacked."""
    if type(value) in (float, int, bool):
        return value
    if isinstance(value, list | tuple):
        return tuple(map(plain, value))
    if isinstance(value, Tensor | np.ndarray | np.generic):
        if math.prod(value.shape) != 1:
            raise ValueError(f"a setting must be one number, got a tensor of shape {value.shape}")
        return value.item()
    return value


# What torch calls a setting in the message "Invalid ...", where that is not "<name> value".
_TITLES = {"lr": "learning rate", "eps": "epsilon value", "betas": "beta parameter at index {}"}


def check_setting(title: str, value: Any, default: Any, legal: Interval | None) -> None:
    """Raise TypeError if a plain setting is not of its default's type, ValueError if not legal.

    `title` names the setting in the error.  None is legal where it is the default.  A default
    that is neither a number, a bool nor a tuple puts no condition on the value.
    """
    if isinstance(default, tuple):
        if not isinstance(value, tuple) or len(value) != len(default):
            raise ValueError(f"{title} must be {len(default)} numbers, got {value!r}")
        numbers = [pair for pair in zip(value, default, strict=True) if pair != (None, None)]
    elif isinstance(default, bool):
        if not isinstance(value, bool):
            raise TypeError(f"{title} must be True or False, got {value!r}")
        return
    elif isinstance(default, int | float) or (legal is not None and value is not None):
        numbers = [(value, default)]
    else:
        return
    name = title.rpartition(": ")[2]
    for index, (number, _) in enumerate(numbers):
        if not isinstance(number, int | float):
            raise TypeError(f"{title} must be a number, got {value!r}")
        if math.isnan(number) or (legal is not None and number not in legal):
            raise ValueError(
                f"Invalid {_TITLES.get(name, f'{name} value').format(index)}: {number} "
                f"({title} must be in {legal or '(-inf, inf)'}, got {value})"
            )
