"""Polynomials in double precision, which interpolate functions at Chebyshev points."""

from collections.abc import Callable
from typing import Any

from minigrad.kernels.compiler.kernel import device_function


def _polynomial(*coefficients: float) -> Callable[[float], Any]:
    """The polynomial with these coefficients, highest power first."""
    first, rest = coefficients[0], coefficients[1:]

    def polynomial(x: float) -> Any:
        total = first
        for coefficient in rest:
            total = total * x + coefficient
        return total

    return device_function(polynomial, inlined=True)


# sin(r) / r and cos(r) for |r| <= pi / 4, in powers of r**2, within 5e-15 and 1e-16.
sine = _polynomial(
    -2.47564999842978e-08, 2.7555271077319583e-06, -0.00019841263294474436, 0.008333333323870599,
    -0.16666666666616636, 0.9999999999999957,
)  # fmt: skip
cosine = _polynomial(
    2.063040538544112e-09, -2.755523305360796e-07, 2.4801578533318056e-05, -0.0013888888869963557,
    0.04166666666647211, -0.4999999999999925, 1.0,
)  # fmt: skip
# atan(t) / t for t in [0, 1], in powers of t**2, within 2e-12.
arc_tangent = _polynomial(
    -0.00026660196719267425, 0.002162794422156479, -0.008241899893996813, 0.01993744283625617,
    -0.03526772086942244, 0.050455577528416146, -0.06366092236096826, 0.07614250199003121,
    -0.09076798876650477, 0.11109428364330506, -0.14285592394282529, 0.19999995340385063,
    -0.333333332624797, 0.9999999999981967,
)  # fmt: skip
# asin(t) / t for |t| <= 1 / 2, in powers of t**2, within 7e-14.
arc_sine = _polynomial(
    0.03194399638410843, -0.0028563505336838967, 0.018638508213446328, 0.016472738109361944,
    0.022472629272259407, 0.030375046838709736, 0.044643126897073435, 0.07499999467531561,
    0.16666666670723188, 0.9999999999999493,
)  # fmt: skip
# log((1 + s) / (1 - s)) / (2 s) for |s| <= 0.1716, in powers of s**2, within 2e-16.
half_log_ratio = _polynomial(
    0.0841916258775478, 0.09060940300939462, 0.11111718083652541, 0.1428570799943537,
    0.20000000030938936, 0.3333333333327631, 1.0000000000000002,
)  # fmt: skip
# 2**r for |r| <= 1 / 2, within 2e-14.
power_of_two = _polynomial(
    1.0205905413765595e-07, 1.325964524488711e-06, 1.5252672924850737e-05, 0.0001540343375125101,
    0.0013333558200794592, 0.009618129193934313, 0.05550410866465167, 0.2402265069564034,
    0.6931471805599462, 1.0000000000000135,
)  # fmt: skip
