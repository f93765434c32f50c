"""Subclasses of Tensor: what functions give for them is of the subclass, too."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minigrad.engine.graph import Value
from minigrad.engine.overrides import (
    DisableTorchFunctionSubclass,
    make_overridable,
    overrides_functions,
    refuse_foreign,
)
from minigrad.tensor.methods.array import ArrayValue


class SubclassProtocol(ArrayValue):
    """The protocol by which a subclass decides what functions give for its objects."""

    def __init_subclass__(cls, **settings: Any) -> None:
        super().__init_subclass__(**settings)
        if hasattr(Value, "kind") and overrides_functions(cls):
            make_overridable(cls)

    @classmethod
    def __torch_function__(
        cls,
        func: Callable[..., Any],
        types: Iterable[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """`func(*args, **kwargs)`, with tensors in its result made tensors of this class.

        A subclass overrides it, and calls this one by `super()`.  Gives NotImplemented if an
        argument's class is not a base of this one.
        """
        refuse_foreign(func)
        if not all(issubclass(cls, kind) for kind in types):
            return NotImplemented
        with DisableTorchFunctionSubclass():
            result = func(*args, **(kwargs or {}))
        return result if func == _grad_getter() else _converted(result, cls)


def _grad_getter() -> Any:
    """The function whose result stays as it is: a gradient has a class of its own."""
    return Value.grad.__get__


def _converted(result: Any, cls: type[Any]) -> Any:
    if isinstance(result, ArrayValue):
        return result if isinstance(result, cls) else result.as_subclass(cls)  # type: ignore[attr-defined]
    if isinstance(result, tuple | list):
        items = [_converted(item, cls) for item in result]
        make = getattr(result, "_make", type(result))
        return make(items)
    return result
