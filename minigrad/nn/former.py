"""Modules that torch keeps for old programs."""

from typing import Any

from minigrad.core.warn import warn_caller
from minigrad.nn.loss import NLLLoss
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class Container(Module):
    """A module of the modules that are given by name, without a forward; Sequential came after."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__()
        warn_caller(
            "`nn.Container` is deprecated. All of its functionality is now implemented in "
            "`nn.Module`. Subclass that instead.",
            FutureWarning,
        )
        for name, module in kwargs.items():
            self.add_module(name, module)


class NLLLoss2d(NLLLoss):
    """`NLLLoss`, which takes images, too."""

    def __init__(
        self, weight: Tensor | None = None, *, ignore_index: int = -100, reduction: str = "mean"
    ) -> None:
        warn_caller(
            "`NLLLoss2d` has been deprecated. Please use `NLLLoss` instead as a drop-in "
            "replacement",
            FutureWarning,
        )
        super().__init__(weight, ignore_index=ignore_index, reduction=reduction)
