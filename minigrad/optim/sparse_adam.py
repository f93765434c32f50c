"""SparseAdam, which has no support here."""

from typing import Any

from minigrad.optim.optimizer import Optimizer


class SparseAdam(Optimizer):
    """Not supported: it is for sparse gradients, and there are no sparse tensors here."""

    def __init__(self, *_: Any, **__: Any) -> None:
        """Raises NotImplementedError."""
        raise NotImplementedError(
            "SparseAdam is for sparse gradients, and minigrad has no sparse tensors; "
            "take Adam, whose gradients are dense"
        )
