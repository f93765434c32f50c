"""Elements chosen by integers and by conditions."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.elementwise import with_numpy
from minigrad.bench.cases.timing_modes import gradient

COUNTS = (10**4, 10**6)
ROW = 100


class Function(NamedTuple):
    """In minigrad's and torch's words, in NumPy's, and what chooses of x (n / ROW, ROW)."""

    call: Callable[..., Any]
    in_numpy: Callable[..., Any]
    places: Callable[[Draw, int], list[Array]]


def _rows(draw: Draw, n: int) -> list[Array]:
    return [draw.integers(n // ROW, n // ROW)]


def _columns(draw: Draw, n: int) -> list[Array]:
    return [draw.integers(ROW, n // ROW, ROW)]


FUNCTIONS = {
    "rows": Function(lambda lib, x, i: x[i], lambda x, i: x[i], _rows),
    "gather": Function(
        lambda lib, x, i: lib.gather(x, 1, i), lambda x, i: np.take_along_axis(x, i, 1), _columns
    ),
    "where": Function(
        lambda lib, x, i: lib.where(i > 0, x, 0.5),
        lambda x, i: np.where(i > 0, x, 0.5),
        lambda draw, n: [draw.integers(2, n // ROW, ROW)],
    ),
}


def choosing(name: str, n: int) -> list[Case]:
    """A function of n elements in rows, and its gradient."""
    call, in_numpy, places = FUNCTIONS[name]

    def inputs(draw: Draw) -> list[Any]:
        return [draw(n // ROW, ROW), *places(draw, n)]

    shared: dict[str, Any] = {"sizes": {"n": n}, "elements": 2.0 * n}
    return [
        Case(
            name=f"indexing: {name} forward",
            inputs=inputs,
            implementations=with_numpy(call, in_numpy),
            reference=in_numpy,
            **shared,
        ),
        Case(
            name=f"indexing: {name} gradient",
            inputs=lambda draw: [*inputs(draw), draw(n // ROW, ROW)],
            implementations=both(gradient(call, 0)),
            **shared,
        ),
    ]


CASES = [case for name in FUNCTIONS for n in COUNTS for case in choosing(name, n)]
