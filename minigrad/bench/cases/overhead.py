"""The overhead of an operation: its cost apart from its arithmetic."""

from typing import Any

from minigrad.bench.case import Case, both
from minigrad.bench.cases.timing_modes import forward, round_trip

LENGTH = 40


def _chain(library: Any, x: Any, y: Any) -> Any:
    """LENGTH small operations, one after the other."""
    for _ in range(LENGTH // 4):
        x = library.tanh(library.relu(x * y + y))
    return x


CASES = [
    Case(
        name=f"chain of {LENGTH} ops {what}",
        sizes={"n": 32},
        inputs=lambda draw: [draw(32) for _ in range(3)],
        implementations=both(implementation),
    )
    for what, implementation in (
        ("forward", forward(lambda library, x, y, _: _chain(library, x, y))),
        ("forward and gradient", round_trip(_chain, 0)),
    )
]
