"""The table of translations: from operations to the nodes of ONNX that compute the same."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minigrad.engine.operation import Op
from minigrad.onnx.call import Call

# The name of the result, or a name for each of the first results.
Translate = Callable[[Call], Any]


class Translation(NamedTuple):
    """How an operation is written, and which of its arguments it changes in place."""

    translate: Translate
    operation: Op | None = None
    writes: int | None = None

    def writes_in(self, args: Sequence[Any]) -> bool:
        """True if a call with these arguments changes one of them."""
        return self.writes is not None and self.writes < len(args)


TABLE: dict[Any, Translation] = {}
"""By function of arrays: the forward of an operation, or a function that is called beside them."""


def translates(
    *functions: Callable[..., Any], writes: int | None = None
) -> Callable[[Translate], Translate]:
    """Decorate the translation of declared operations, or of functions of arrays.

    writes: the position of the argument that the function changes in place; the translation then
        gives the name of what is in it afterwards.
    """

    def add(translate: Translate) -> Translate:
        for function in functions:
            operation: Op | None = getattr(function, "op", None)
            key = function if operation is None else operation.forward
            is_ours = (function.__module__ or "").startswith("minigrad.") and operation is None
            if is_ours and hasattr(function, "__wrapped__"):
                raise TypeError(f"{function.__name__} is composed of operations: translate these")
            TABLE[key] = Translation(translate, operation, writes)
        return translate

    return add


def translates_to(pairs: dict[str, Callable[..., Any]]) -> None:
    """Declare operations that are one node of ONNX, with the same inputs and no settings."""
    for kind, function in pairs.items():
        translates(function)(_one_node(kind))


def _one_node(kind: str) -> Translate:
    def translate(c: Call) -> str:
        return c.node(kind, *(c.input(i) for i in range(len(c.args))))

    return translate
