"""Expressions drawn at random: smooth functions of one or two arrays, put into each other."""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.false_alarms.subjects import Subject
from minigrad.testing import arr, check

# Smooth everywhere, also at zero, which a - a is, and of moderate size for moderate arguments.
ONE: dict[str, Callable[[Any], Any]] = {
    "sin": lambda x: x.sin(), "cos": lambda x: x.cos(), "tanh": lambda x: x.tanh(),
    "sigmoid": lambda x: x.sigmoid(), "atan": lambda x: x.atan(),
    "softmax": lambda x: x.softmax(-1),
    "log(1 + x x)": lambda x: (1 + x * x).log(), "sqrt(1 + x x)": lambda x: (1 + x * x).sqrt(),
    "1 / (1 + x x)": lambda x: 1 / (1 + x * x), "erf": lambda x: x.erf(),
    "x - mean": lambda x: x - x.mean(),
    "x[::-1]": lambda x: x.flip(0), "transposed": lambda x: x.mT, "cumsum": lambda x: x.cumsum(-1),
    "logsumexp": lambda x: x - x.logsumexp(-1, keepdim=True), "square": lambda x: x * x / 4,
    "roll": lambda x: x.roll(1, 0), "normalised": lambda x: x / (1 + (x * x).sum()).sqrt(),
}  # fmt: skip
TWO: dict[str, Callable[[Any, Any], Any]] = {
    "a + b": lambda a, b: a + b, "a - b": lambda a, b: a - b, "a b": lambda a, b: a * b,
    "a @ b": lambda a, b: a @ b / 3, "a / (2 + b b)": lambda a, b: a / (2 + b * b),
    "hypot": lambda a, b: (1 + a * a + b * b).sqrt(), "a row of b": lambda a, b: a + b[:1],
}  # fmt: skip
DEPTH = 4


def drawn(count: int, seed: int) -> Iterator[Subject]:
    """So many expressions, the same for a seed in every run."""
    rng = np.random.default_rng(3 + seed)
    for _ in range(count):
        name, call = _expression(rng, DEPTH)
        inputs = arr.of(3, 3), arr.of(3, 3)

        def run(seed: int, call: Any = call, inputs: Any = inputs) -> object:
            return check(call, *inputs, seed=seed, framework="minigrad")

        yield Subject("drawn expressions", name, run)


def _expression(rng: np.random.Generator, depth: int) -> tuple[str, Callable[[Any, Any], Any]]:
    if depth == 0:
        return ("a", lambda a, b: a) if rng.random() < 0.5 else ("b", lambda a, b: b)
    if rng.random() < 0.5:
        name = str(rng.choice(list(ONE)))
        inside, given = _expression(rng, depth - 1)
        outer = ONE[name]
        return f"{name} of {inside}", lambda a, b: outer(given(a, b))
    name = str(rng.choice(list(TWO)))
    (left, first), (right, second) = _expression(rng, depth - 1), _expression(rng, depth - 1)
    both = TWO[name]
    return f"({left}), ({right}) in {name}", lambda a, b: both(first(a, b), second(a, b))
