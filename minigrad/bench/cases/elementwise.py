"""Functions of every element."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.bench.case import Case, Draw, Implementation, both
from minigrad.bench.cases.timing_modes import forward, gradient

COUNTS = (10**3, 10**4, 10**5, 10**6, 10**7)


class Function(NamedTuple):
    """A function in minigrad's and torch's words, in NumPy's if it has it, and its arguments."""

    call: Callable[..., Any]
    in_numpy: Callable[..., Any] | None = None
    arguments: int = 1


FUNCTIONS = {
    "relu": Function(lambda lib, x: lib.relu(x), lambda x: np.maximum(x, 0)),
    "gelu": Function(lambda lib, x: lib.nn.functional.gelu(x)),
    "tanh": Function(lambda lib, x: lib.tanh(x), np.tanh),
    "sigmoid": Function(lambda lib, x: lib.sigmoid(x), lambda x: 1 / (1 + np.exp(-x))),
    "exp": Function(lambda lib, x: lib.exp(x), np.exp),
    "add": Function(lambda lib, x, y: x + y, np.add, arguments=2),
}


def with_numpy(call: Callable[..., Any], in_numpy: Any) -> dict[str, Implementation]:
    """A function's forward implementations, NumPy's among them if it has the function."""
    found = both(forward(call))
    return found if in_numpy is None else found | {"numpy": forward(lambda _, *a: in_numpy(*a))}


def elementwise(name: str, n: int) -> list[Case]:
    """A function of n elements, and its gradient for the first argument."""
    call, in_numpy, arguments = FUNCTIONS[name]

    def inputs(draw: Draw) -> list[Any]:
        return [draw(n) for _ in range(arguments)]

    return [
        Case(
            name=f"{name} forward",
            sizes={"n": n},
            inputs=inputs,
            implementations=with_numpy(call, in_numpy),
            reference=in_numpy,
            flops=n,
            elements=n * (arguments + 1),
        ),
        Case(
            name=f"{name} gradient",
            sizes={"n": n},
            inputs=lambda draw: [*inputs(draw), draw(n)],
            implementations=both(gradient(call, 0)),
            flops=n,
            elements=3 * n,
        ),
    ]


def dropout(n: int) -> list[Case]:
    """Dropout of n ones with probability 0.5, and its gradient; what stays is doubled."""

    def call(library: Any, x: Any) -> Any:
        return library.nn.functional.dropout(x, 0.5)

    def drawn_well(arrays: list[Any]) -> list[float]:
        (out,) = arrays
        return [abs((out == 0).mean() - 0.5) < 0.1, *np.unique(out)]

    return [
        Case(
            name=f"dropout {what}",
            sizes={"n": n},
            inputs=inputs,
            implementations=both(implementation),
            reference=lambda x, *_: np.append(np.zeros(x.size // 2), 2 * x[x.size // 2 :]),
            compared=drawn_well,
            flops=n,
            elements=elements * n,
        )
        for what, inputs, implementation, elements in (
            ("forward", lambda draw: [draw.ones(n)], forward(call), 2),
            ("gradient", lambda draw: [draw.ones(n), draw.ones(n)], gradient(call, 0), 3),
        )
    ]


CASES = [
    *(case for name in FUNCTIONS for n in COUNTS for case in elementwise(name, n)),
    *(case for n in COUNTS for case in dropout(n)),
]
