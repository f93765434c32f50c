"""Runs of optimizers over problems, at several learning rates."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.optim.optimizer import Optimizer
from minigrad.tensor import Tensor
from minigrad.testing.optimizers.problems import PROBLEMS, Problem

RATES = (1e-3, 1e-2, 1e-1, 1.0)
"""The learning rates that are tried, and the optimizer's default."""


class Outcome(NamedTuple):
    """The best run of an optimizer on a problem: at its best rate.

    `steps` is the number of steps to the target, None if it was not reached; `losses` are those
    before each step, for all rates.
    """

    optimizer: str
    problem: str
    rate: float
    loss: float
    steps: int | None
    losses: dict[float, list[float]]


Maker = Callable[..., Optimizer]


def diagnose(
    optimizers: dict[str, Maker],
    problems: Sequence[str] = tuple(PROBLEMS),
    rates: Sequence[float] = RATES,
) -> Iterator[Outcome]:
    """The outcome of each optimizer on each problem.

    `optimizers` maps names to functions of parameters and `lr`.  Of the rates the one that
    reaches the target first counts, or has the smallest loss in the end.  A run whose loss is no
    number ends there.
    """
    for name, make in optimizers.items():
        for problem in problems:
            runs = {rate: _run(make, PROBLEMS[problem], rate) for rate in rates}
            target = PROBLEMS[problem].target
            ranked = sorted((_rank(losses, target), rate) for rate, losses in runs.items())
            (missed, loss), rate = ranked[0]
            steps = None if np.isinf(missed) else int(missed)
            yield Outcome(name, problem, rate, loss, steps, runs)


def _rank(losses: list[float], target: float) -> tuple[float, float]:
    """Steps to the target, infinite if it was not reached, and the loss in the end."""
    smooth = [float(np.mean(losses[max(0, k - 4) : k + 1])) for k in range(len(losses))]
    reached = [k for k, loss in enumerate(smooth) if loss <= target]
    last = smooth[-1] if smooth and np.isfinite(smooth[-1]) else float("inf")
    return (float(reached[0]) if reached else float("inf")), last


def _run(make: Maker, problem: Problem, rate: float) -> list[float]:
    """The losses before each step, and after the last; it ends where the target is reached."""
    params, loss_of = problem.make()
    optimizer = make(params, lr=rate)
    losses: list[float] = []
    with np.errstate(all="ignore"):
        for step in range(problem.steps):

            def closure(step: int = step) -> Tensor:
                optimizer.zero_grad()
                loss = loss_of(step)
                loss.backward()
                return loss

            result: Any = optimizer.step(closure)
            losses.append(float(result))
            if not np.isfinite(losses[-1]):
                return [*losses[:-1], float("inf")]
            if np.mean(losses[-5:]) <= problem.target:
                return losses
        losses.append(float(loss_of(problem.steps - 1)))
    return losses if np.isfinite(losses[-1]) else [*losses[:-1], float("inf")]
