"""How strict a check is: tolerances by dtype, and the checks that are optional."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from minigrad.autograd.gradcheck.numeric import ROUNDINGS, Estimate, rounding_of, step_of

# rtol and atol by the bytes of an element: what differences of values of that dtype can show.
TOLERANCES = {8: (1e-6, 1e-8), 4: (1e-3, 1e-4), 2: (3e-2, 1e-2)}
# A gradient that is zero may come out as so many roundings of the function's values.
CANCELLATION = 1e3

# Called with the argument's name, how many of its entries were compared, and how many will be.
Progress = Callable[[str, int, int], object]


class Strictness(NamedTuple):
    """Tolerances, and the optional checks; what is None follows from the dtype of the inputs.

    atol is relative to the terms that a derivative is the sum of; where it is given, it is allowed
    as it stands as well.
    """

    rtol: float | None = None
    atol: float | None = None
    step: float | None = None
    nondet_tol: float = 0.0
    linear: bool = False
    entrywise: bool = False
    undefined: bool = True
    dtypes: bool = True
    batched: bool = False
    backward: bool = True
    forward: bool = False
    batched_forward: bool = False
    budget: float | None = None
    progress: Progress | None = None

    def bounds(self, dtype: np.dtype[Any]) -> "Bounds":
        """The tolerances for inputs of this dtype."""
        rtol, atol = TOLERANCES[dtype.itemsize]
        return Bounds(
            rtol if self.rtol is None else self.rtol,
            atol if self.atol is None else self.atol,
            0.0 if self.atol is None else self.atol,
            step_of(dtype) if self.step is None else self.step,
            rounding_of(dtype),
        )


class Bounds(NamedTuple):
    """Tolerances, step and rounding of one check.

    >>> import numpy as np
    >>> from minigrad.autograd.gradcheck.strictness import Strictness
    >>> Strictness().bounds(np.dtype("float32")).rtol
    0.001
    """

    rtol: float
    atol: float
    absolute: float
    step: float
    rounding: float

    def tolerance(self, numeric: float, scale: float, size: float) -> float:
        """The tolerance of a derivative: the sum of terms of total size `scale`.

        size: of the function's values.
        """
        # Values that cancel in a sum are as far off as they are large, whatever is left of them.
        lost = max(CANCELLATION, 2 * ROUNDINGS / self.step) * self.rounding
        least = self.absolute + min(lost, self.atol) * size
        return self.rtol * abs(numeric) + self.atol * scale + least

    def enough(self, estimate: Estimate, scale: float, size: float) -> bool:
        """True if an estimate is as good as its dtype allows, or as the tolerance asks."""
        tolerance = self.tolerance(float(estimate.value), scale, size)
        return bool(estimate.curvature <= tolerance + estimate.rounding)
