"""Methods that call a Python function for each element."""

from collections.abc import Callable
from typing import Any, Self

import numpy as np

from minigrad.core.types import Number
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.inplace import InPlaceMethods


class ElementCallMethods(InPlaceMethods):
    """In place, one element after the other."""

    def apply_(self, function: Callable[[Any], Number]) -> Self:
        """Replace every element by `function(element)`, called from Python one by one.

        Raises RuntimeError for a tensor that requires gradients.
        """
        if self._requires_grad:
            raise RuntimeError("apply_() on a tensor that requires grad: use x.detach().apply_()")
        results = [function(element) for element in self.array.ravel().tolist()]
        return self.copy_(self.new_tensor(np.reshape(results, self.shape)))

    def map_(self, tensor: ArrayValue, function: Callable[[Any, Any], Number]) -> Self:
        """Replace every element by `function(element, other)`; the other tensor broadcasts."""
        return self._mapped("map_", function, tensor)

    def map2_(
        self, x: ArrayValue, y: ArrayValue, function: Callable[[Any, Any, Any], Number]
    ) -> Self:
        """Replace every element by `function(element, of x, of y)`."""
        return self._mapped("map2_", function, x, y)

    def _mapped(self, name: str, function: Callable[..., Number], *others: ArrayValue) -> Self:
        if self._requires_grad or any(other._requires_grad for other in others):
            raise RuntimeError(
                f"Can't call {name}() on Variable that requires grad. Use var.detach().{name}() "
                f"instead."
            )
        given = [np.broadcast_to(each.array, self.shape).ravel().tolist() for each in others]
        results = [
            function(*each) for each in zip(self.array.ravel().tolist(), *given, strict=True)
        ]
        return self.copy_(self.new_tensor(np.reshape(results, self.shape)))
