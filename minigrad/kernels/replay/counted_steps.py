"""Tasks around an optimizer's kernel: which step it is, and the numbers that follow from that."""

from typing import Any

import numpy as np

from minigrad.kernels.compiler.kernel import kernel

Array = np.ndarray[Any, Any]


@kernel
def begin_step(scalars: Array, steps: Array, window: Array, table: Array) -> int:
    """Copy the scalars of the next step: a row of a table.

    `steps` are the steps that each parameter has taken.  `window` is the step that the table begins
    with, and how many rows are known.  Returns 1 if the steps differ, or if the table has no such
    row; else 0.
    """
    for k in range(1, steps.size):
        if steps[k] != steps[0]:
            return 1
    row = int(steps[0]) + 1 - window[0]
    if row < 0 or row >= window[1]:
        return 1
    for k in range(scalars.size):
        scalars[k] = table[row, k]
    return 0


@kernel
def end_step(steps: Array) -> None:
    """Count a step of each parameter."""
    for k in range(steps.size):
        steps[k] += 1
