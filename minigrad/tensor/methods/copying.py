"""Copies of tensors by `copy.deepcopy` and `pickle`, which leave the graph behind."""

from copy import deepcopy
from typing import Any, Self

from minigrad.core.types import Array
from minigrad.engine.graph import Value, wrap
from minigrad.tensor.memory import Place, owner_of, place_in, view_of
from minigrad.tensor.methods.array import ArrayValue


class CopyMethods(ArrayValue):
    """The protocols of `copy` and `pickle`.  Tensors that share memory share it as copies, too."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        self._require_leaf()
        new: Self = wrap(type(self), _copied(self.array, memo))
        memo[id(self)] = new
        new._requires_grad = self._requires_grad
        if self._grad is not None:
            new._grad = deepcopy(self._grad, memo)
        vars(new).update(deepcopy(attributes(self), memo))
        return new

    def __reduce_ex__(self, protocol: Any) -> tuple[Any, ...]:
        """Pickle elements, requires_grad and attributes, without the graph and hooks."""
        owner = owner_of(self.array)
        place = None if owner is self.array else place_in(owner, self.array)
        state = attributes(self)
        return _rebuild, (type(self), owner, place, self._requires_grad), state or None

    def _require_leaf(self) -> None:
        if self.node is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment; detach() this one first"
            )


def attributes(value: Value) -> dict[str, Any]:
    """What users have set on a tensor, without what the engine keeps there."""
    return {
        name: given
        for name, given in vars(value).items()
        if name != "array" and not hasattr(Value, name) and name not in Value.__annotations__
    }


def _copied(array: Array, memo: dict[int, Any]) -> Array:
    """A copy that lies in the copy of its owner as the array does in the owner."""
    owner = owner_of(array)
    copy = memo.get(id(owner))
    if copy is None:
        copy = memo[id(owner)] = owner.copy(order="K")
        memo.setdefault(id(memo), []).append(owner)  # so that its id is not given to another
    if owner is array:
        return copy
    return view_of(copy, place_in(owner, array))


def _rebuild(kind: type[Any], owner: Array, place: Place | None, requires_grad: bool) -> Any:
    new = wrap(kind, owner if place is None else view_of(owner, place))
    if requires_grad:
        new.requires_grad = True
    return new
