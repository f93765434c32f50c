"""Steps of several gradients, and steps that are left out."""

import numpy as np

from minigrad.engine.graph import wrap
from minigrad.optim.optimizer import Optimizer
from minigrad.optim.wrappers.wrapper import Wrapper
from minigrad.tensor import Tensor


class MultiSteps(Wrapper):
    """A step of `inner` after every `every` calls of `step`, of the mean of their gradients.

    With losses that are means over batches of one size, this is the step of the large batch.
    Call `zero_grad` after each `step`, as always.  `last_was_step` says whether the last call
    was a step.  Raises ValueError unless `every` is 1 or more.

    >>> import minigrad as mg
    >>> w = mg.tensor([1.0], requires_grad=True)
    >>> optimizer = mg.optim.MultiSteps(mg.optim.SGD([w], lr=1.0), every=2)
    >>> for slope in (1.0, 3.0):
    ...     w.grad = mg.tensor([slope])
    ...     optimizer.step()
    >>> w
    tensor([-1.], requires_grad=True)
    """

    numbers = ("every", "taken", "last_was_step")
    arrays = ("sum",)

    def __init__(self, inner: Optimizer, every: int) -> None:
        super().__init__(inner)
        if not isinstance(every, int) or every < 1:
            raise ValueError(f"MultiSteps: every must be a whole number from 1 on, got {every!r}")
        self.every, self.taken, self.last_was_step = every, 0, False

    def _update(self) -> None:
        self.taken += 1
        for p, g in self._with_gradients():
            total = self._array("sum", p)
            total += g
        self.last_was_step = self.taken == self.every
        if not self.last_was_step:
            return
        kept = self._kept["sum"]
        before = {p: p.grad for p in kept}
        for p, total in kept.items():
            p.grad = wrap(Tensor, total / total.dtype.type(self.every))
        try:
            self.inner.step()
        finally:
            for p, grad in before.items():
                p.grad = grad
        kept.clear()
        self.taken = 0


class SkipNonfinite(Wrapper):
    """Steps of `inner`, but for those whose gradients hold infinity or nan.

    `skipped` counts them.  After `give_up_after` in a row `step` raises RuntimeError, which names
    the parameter: training that has diverged does not come back.
    """

    numbers = ("give_up_after", "skipped", "in_a_row")

    def __init__(self, inner: Optimizer, give_up_after: int = 10) -> None:
        super().__init__(inner)
        if not isinstance(give_up_after, int) or give_up_after < 1:
            raise ValueError(
                f"SkipNonfinite: give_up_after must be a whole number from 1 on, got "
                f"{give_up_after!r}"
            )
        self.give_up_after, self.skipped, self.in_a_row = give_up_after, 0, 0

    def _update(self) -> None:
        for k, p in enumerate(self._params()):
            if p.grad is not None and not np.isfinite(p.grad.array).all():
                self.skipped += 1
                self.in_a_row += 1
                if self.in_a_row >= self.give_up_after:
                    raise RuntimeError(
                        f"{self.in_a_row} steps in a row had infinite or nan gradients, the last "
                        f"in parameter {k} of shape {p.shape}"
                    )
                return
        self.in_a_row = 0
        self.inner.step()
