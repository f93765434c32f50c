"""The methods of pruning that come with torch: by size, by chance, or by a mask that is given."""

import math
import numbers
from typing import Any

from minigrad.nn.module import Module
from minigrad.nn.utils.prune.method import BasePruningMethod
from minigrad.random import rand, rand_like
from minigrad.tensor import Tensor
from minigrad.tensor.creation import zeros_like

Amount = int | float
"""How much to prune: a number of elements or channels, or a fraction of them."""


class Identity(BasePruningMethod):
    """Prunes nothing: the mask has ones wherever nothing was pruned before."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        return default_mask

    @classmethod
    def apply(cls, module: Module, name: str) -> BasePruningMethod:  # type: ignore[override]
        """Give the parameter a mask of ones."""
        return super().apply(module, name)


class _ByAmount(BasePruningMethod):
    """A method that prunes an amount.

    Raises TypeError for an amount that is no number, ValueError for a negative one or a fraction
    above 1.
    """

    def __init__(self, amount: Amount) -> None:
        _require_amount(amount)
        self.amount = amount
        self.is_count = isinstance(amount, numbers.Integral)

    def _count(self, size: int) -> int:
        """How many of `size` to prune.  Raises ValueError for more than there are."""
        if not self.is_count:
            return round(self.amount * size)
        if self.amount > size:
            raise ValueError(
                f"amount={self.amount} should be smaller than the number of parameters to "
                f"prune={size}"
            )
        return int(self.amount)


def _require_amount(amount: Any) -> None:
    """Raise TypeError or ValueError for what is neither a number of things nor a fraction."""
    if not isinstance(amount, numbers.Real):
        raise TypeError(f"Invalid type for amount: {amount}. Must be int or float.")
    most = math.inf if isinstance(amount, numbers.Integral) else 1.0
    if not 0.0 <= float(amount) <= most:
        raise ValueError(
            f"amount={amount} should either be a float in the range [0, 1] or a non-negative "
            f"integer"
        )


def _without(mask: Tensor, pruned: Tensor) -> Tensor:
    """A copy of a mask that is zero at the flat indices."""
    flat: Tensor = mask.reshape(-1).clone()
    flat[pruned] = 0
    return flat.reshape(mask.shape)


class RandomUnstructured(_ByAmount):
    """Prunes elements by chance: `amount`, a number or a fraction of those not pruned yet."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        return _without(default_mask, rand_like(t).reshape(-1).topk(count).indices)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: Amount
    ) -> BasePruningMethod:
        """Prune an amount of a parameter's elements by chance."""
        return super().apply(module, name, amount=amount)


class L1Unstructured(_ByAmount):
    """Prunes the elements nearest to zero: `amount`, a number or a fraction."""

    PRUNING_TYPE = "unstructured"

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        count = self._count(t.numel())
        sizes = t.detach().abs().reshape(-1)
        return _without(default_mask, sizes.topk(count, largest=False).indices)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: Amount, importance_scores: Tensor | None = None
    ) -> BasePruningMethod:
        """Prune the elements of a parameter with the smallest size, or the smallest scores."""
        return super().apply(module, name, amount=amount, importance_scores=importance_scores)


class _OfChannels(_ByAmount):
    """A method that prunes channels: all that has one index in the dimension `dim`."""

    PRUNING_TYPE = "structured"

    def __init__(self, amount: Amount, dim: int = -1) -> None:
        super().__init__(amount)
        self.dim = dim

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        """The indices of the channels that stay, of `size`, of which `count` go."""
        raise NotImplementedError(f"{type(self).__name__} does not define _kept()")

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if t.dim() <= 1:
            raise ValueError(
                f"Structured pruning can only be applied to multidimensional tensors. Found tensor "
                f"of shape {t.shape} with {t.dim()} dims"
            )
        if not -t.dim() <= self.dim < t.dim():
            raise IndexError(f"Invalid index {self.dim} for tensor of size {t.shape}")
        size = t.shape[self.dim]
        count = self._count(size)
        if count == 0:
            return default_mask
        index: list[Any] = [slice(None)] * t.dim()
        index[self.dim] = self._kept(t.detach(), size, count)
        mask: Tensor = zeros_like(t)
        mask[tuple(index)] = 1
        return mask * default_mask.to(dtype=mask.dtype)


class RandomStructured(_OfChannels):
    """Prunes channels of the dimension `dim` by chance: `amount`, a number or a fraction."""

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        return rand(size).topk(size - count).indices

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: Amount, dim: int = -1
    ) -> BasePruningMethod:
        """Prune an amount of a parameter's channels by chance."""
        return super().apply(module, name, amount=amount, dim=dim)


class LnStructured(_OfChannels):
    """Prunes the channels of the dimension `dim` with the smallest norm of order `n`."""

    def __init__(self, amount: Amount, n: float | str, dim: int = -1) -> None:
        super().__init__(amount, dim)
        self.n = n

    def _kept(self, t: Tensor, size: int, count: int) -> Tensor:
        others = [dim for dim in range(t.dim()) if dim != self.dim % t.dim()]
        return t.norm(p=self.n, dim=others).topk(size - count).indices

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, amount: Amount, n: float | str, dim: int,
        importance_scores: Tensor | None = None,
    ) -> BasePruningMethod:  # fmt: skip
        """Prune the channels of a parameter with the smallest norm, or that of the scores."""
        return super().apply(
            module, name, amount=amount, n=n, dim=dim, importance_scores=importance_scores
        )


class CustomFromMask(BasePruningMethod):
    """Prunes what is zero in a mask."""

    PRUNING_TYPE = "global"

    def __init__(self, mask: Tensor) -> None:
        self.mask = mask

    def compute_mask(self, t: Tensor, default_mask: Tensor) -> Tensor:
        if default_mask.shape != self.mask.shape:
            raise AssertionError(
                f"mask should have the shape of the parameter, got {self.mask.shape} vs "
                f"{default_mask.shape}"
            )
        return default_mask * self.mask.to(dtype=default_mask.dtype)

    @classmethod
    def apply(  # type: ignore[override]
        cls, module: Module, name: str, mask: Tensor
    ) -> BasePruningMethod:
        """Prune the elements of a parameter that are zero in the mask."""
        return super().apply(module, name, mask=mask)
