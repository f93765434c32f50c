"""Incomplete gamma functions and the Hurwitz zeta function (DLMF 8 and 25.11)."""

from collections.abc import Callable
from typing import Any, NoReturn

import numpy as np

from minigrad.core.types import Array
from minigrad.engine.graph import V
from minigrad.engine.op import arr, elementwise, sample
from minigrad.kernels.special import gamma as kernels
from minigrad.ops.elementwise.binary import xlogy
from minigrad.ops.elementwise.elementary import exp
from minigrad.ops.elementwise.special import lgamma

SHAPES = [
    sample(arr.of(3, 4, integers=4), arr.of(3, 4, low=0.3, high=4)),
    sample(arr.of(2, 1, integers=4), arr.of(3, low=0.3, high=4)),
    sample(arr.of(0, 2, integers=4), arr.of(0, 2, low=0.3, high=4)),
]


def _refused(what: str) -> Callable[..., NoReturn]:
    """The rule of an argument for which there is no derivative."""

    def rule(*values: Any) -> NoReturn:
        raise NotImplementedError(f"the derivative for {what!r} is not implemented.")

    return rule


def _require_floats(name: str, a: Array, x: Array) -> None:
    if np.result_type(a, x).kind != "f":
        raise RuntimeError(
            f"{name}() is not implemented for tensors of integers: got {a.dtype} and {x.dtype}, "
            "expected floating ones"
        )


def _density(a: V, x: V) -> V:
    """x**(a - 1) exp(-x) / gamma(a)."""
    return exp(xlogy(a - 1, x) - x - lgamma(a))


@elementwise(
    node="IgammaBackward0",
    vjp=(_refused("igamma: input"), lambda g, out, a, x: g * _density(a, x)),
    samples=SHAPES,
    tensors_at=(0, 1),
)
def gammainc(input: Array, other: Array) -> Array:
    """P(input, other), the regularised lower incomplete gamma function (DLMF 8.2.4).

    nan for negative arguments.  Raises RuntimeError for integers, and NotImplementedError in
    backward if `input` needs a gradient.  PyTorch differs: nan beside 0 or inf gives 0 or 1, and
    it is good to 1e-9 only.
    """
    _require_floats("igamma", input, other)
    return kernels.gammainc(input, other)


@elementwise(
    node="IgammacBackward0",
    vjp=(_refused("igammac: input"), lambda g, out, a, x: -g * _density(a, x)),
    samples=SHAPES,
    tensors_at=(0, 1),
)
def gammaincc(input: Array, other: Array) -> Array:
    """Q(input, other) = 1 - P(input, other), accurate where it is tiny too (DLMF 8.2.4).

    nan for negative arguments.  Raises RuntimeError for integers, and NotImplementedError in
    backward if `input` needs a gradient.  PyTorch differs: nan beside 0 or inf gives 1 or 0, and
    it is good to 1e-9 only.
    """
    _require_floats("igammac", input, other)
    return kernels.gammaincc(input, other)


@elementwise(
    node=lambda node: f"SpecialZetaBackward{2 if node.is_number(1) else int(node.is_number(0))}",
    vjp=(_refused("zeta"), lambda g, out, s, q: g * (-s * zeta(s + 1, q))),
    floats=True,
    samples=[
        sample(3.5, arr.of(3, 4, low=0.5, high=3)),
        sample(2, arr.of(0, 2, low=0.5, high=3)),
    ],
)
def zeta(input: Array, other: Array) -> Array:
    """The sum of (other + k) ** -input over k = 0, 1, ... (DLMF 25.11.1).

    inf where input is 1 and at the poles other = 0, -1, ...; nan for input below 1.
    NotImplementedError is raised in backward if `input` needs a gradient.
    PyTorch differs: nan for infinite `other`, whose limit is 0.
    """
    return kernels.zeta(input, other)
