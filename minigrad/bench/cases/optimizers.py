"""One step of an optimizer over the parameters of a network."""

import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from minigrad.bench.case import Array, Case, Draw, Implementation, both

_LAYERS = {
    "32-32-32-2": (32, 32, 32, 2),
    "784-100-10": (784, 100, 10),
    "24 layers of 42": (42,) * 25,  # many small parameters
    "2048-2048": (2048, 2048),
}
SHAPES: dict[str, list[tuple[int, ...]]] = {
    name: [s for a, b in pairwise(widths) for s in ((b, a), (b,))]
    for name, widths in _LAYERS.items()
}


def stepping(kind: str | type[Any], **settings: Any) -> Implementation:
    """A class, or the library's of this name, on inputs that are parameters and then gradients."""

    def prepare(library: Any, *arrays: Any) -> Callable[[], Any]:
        count = len(arrays) // 2
        parameters = [library.nn.Parameter(array) for array in arrays[:count]]
        for parameter, array in zip(parameters, arrays[count:], strict=True):
            parameter.grad = array
        make = getattr(library.optim, kind) if isinstance(kind, str) else kind
        optimizer = make(parameters, **settings)

        def step() -> Any:
            optimizer.step()
            return parameters

        return step

    return prepare


class Rule(NamedTuple):
    """Each library's constructor of an optimizer, and the memory accesses of a step per element."""

    implementations: dict[str, Implementation]
    accesses: int


_ADAM = stepping("Adam")
RULES = {
    "SGD": Rule(both(stepping("SGD", lr=1e-4)), 3),
    "SGD momentum": Rule(both(stepping("SGD", lr=1e-4, momentum=0.9)), 5),
    "Adam": Rule(both(_ADAM), 7),
    "Adam, torch's fused": Rule({"minigrad": _ADAM, "torch": stepping("Adam", fused=True)}, 7),
    "Adam, torch's foreach": Rule({"minigrad": _ADAM, "torch": stepping("Adam", foreach=True)}, 7),
}


def step(title: str, rule: Rule, network: str, shapes: list[tuple[int, ...]]) -> Case:
    """A step of an optimizer, with gradients that stay as they are."""

    def inputs(draw: Draw) -> list[Any]:
        return [draw(*shape) for _ in range(2) for shape in shapes]

    return Case(
        name=f"optimizer {title}",
        sizes={"of ": network},
        inputs=inputs,
        implementations=rule.implementations,
        elements=rule.accesses * float(sum(math.prod(shape) for shape in shapes)),
        calls=3,
        compared=_some,
    )


def _some(parameters: list[Array]) -> Array:
    """The beginning of each parameter: enough to tell a right step from a wrong one."""
    return np.concatenate([p.ravel()[:1000] for p in parameters])


CASES = [
    step(title, rule, network, shapes)
    for title, rule in RULES.items()
    for network, shapes in SHAPES.items()
]
