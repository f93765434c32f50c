"""Small cases of many kinds, the work of each repeated."""

from collections.abc import Callable
from functools import partial
from typing import Any

from minigrad.bench import Case, Draw
from minigrad.bench.case import Array

OPERATIONS: dict[str, Callable[[Any], Any]] = {
    "exp": lambda x: x.exp(),
    "tanh": lambda x: x.tanh(),
    "relu": lambda x: x.relu(),
    "sum": lambda x: x.sum(),
    "mean over rows": lambda x: x.mean(0),
    "softmax": lambda x: x.softmax(1),
    "transposed copy": lambda x: x.mT.contiguous(),
    "product": lambda x: x @ x.mT,
    "square": lambda x: x * x,
    "sorted": lambda x: x.sort(1),
}
SIZES = tuple(range(8, 33, 2))


def cases(repeats: int) -> list[Case]:
    """130 cases: ten operations on matrices of 13 sizes."""
    return [
        Case(
            name=name,
            sizes={"n": size},
            inputs=partial(_square, size),
            implementations={"minigrad": partial(_repeated, operation, repeats)},
        )
        for name, operation in OPERATIONS.items()
        for size in SIZES
    ]


def _square(size: int, draw: Draw) -> list[Array]:
    return [draw(size, size)]


def _repeated(
    operation: Callable[[Any], Any], repeats: int, library: Any, x: Any
) -> Callable[[], Any]:
    def run() -> Any:
        for _ in range(repeats - 1):
            operation(x)
        result = operation(x)
        return result[0] if isinstance(result, tuple) else result

    return run
