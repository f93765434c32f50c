"""Normal numbers that follow from a counter: the same ones whatever thread draws them, and when.

The functions run on NumPy's arrays of uint64, and compiled on numbers.
Paper: Salmon et al. 2011, Parallel random numbers: as easy as 1, 2, 3 (Philox4x32-10).
"""

from typing import Any

import numpy as np
from numba.extending import register_jitable

_U = np.uint64
_WORD = _U(0xFFFFFFFF)
_HALF = _U(32)
_FACTORS = _U(0xD2511F53), _U(0xCD9E8D57)
_STEPS = _U(0x9E3779B9), _U(0xBB67AE85)
_DIGITS, _ONE = _U(11), _U(1)
_CALLS = _U(16)  # bits of the second word that are left for the position of an element
_UNIT = 1 / 9007199254740992.0  # of numbers of 53 bits
ROUNDS = 10


@register_jitable
def philox(a: Any, b: Any, c: Any, d: Any, key: Any, other_key: Any) -> Any:
    """Four random words from the four words of a counter and the two of a key."""
    for _ in range(ROUNDS):
        first, second = a * _FACTORS[0], c * _FACTORS[1]
        a, b = (second >> _HALF) ^ b ^ key, second & _WORD
        c, d = (first >> _HALF) ^ d ^ other_key, first & _WORD
        key, other_key = (key + _STEPS[0]) & _WORD, (other_key + _STEPS[1]) & _WORD
    return a, b, c, d


@register_jitable
def normal(seed: Any, step: Any, parameter: Any, draw: Any, element: Any) -> Any:
    """A standard normal number of an element of a parameter in a step; `draw` counts the draws."""
    low, high = element & _WORD, (element >> _HALF) | (draw << _CALLS)
    a, b, c, d = philox(low, high, parameter, step, seed & _WORD, seed >> _HALF)
    length = (((a << _HALF | b) >> _DIGITS) + _ONE) * _UNIT  # in (0, 1]
    angle = ((c << _HALF | d) >> _DIGITS) * _UNIT
    return np.sqrt(-2 * np.log(length)) * np.cos(2 * np.pi * angle)
