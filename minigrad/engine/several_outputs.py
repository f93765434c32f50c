"""Operations of several outputs: the cotangents of all of them meet at the one node that made them.

Each output has a node of its own, a `SelectedOutput`, whose only edge leads to that node.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.engine.graph import Node


class Cotangents:
    """The cotangents that there are, by the position of their output; backward adds them up."""

    def __init__(self, parts: dict[int, Any]) -> None:
        self.parts = parts

    def __add__(self, other: "Cotangents") -> "Cotangents":
        both = {i: self.parts[i] + other.parts[i] for i in self.parts.keys() & other.parts.keys()}
        return Cotangents(self.parts | other.parts | both)


def parts_of(cotangent: Any) -> dict[int, Any]:
    """The cotangents by position; that of an only output comes alone."""
    return cotangent.parts if isinstance(cotangent, Cotangents) else {0: cotangent}


class SelectedOutput:
    """One of several outputs: passes its cotangent on, at its position among them."""

    returns_fresh = False
    named_by_inputs = False
    array_vjp: Sequence[Callable[..., Any]] = ()
    add_part: Callable[..., None] | None = None
    name = "selected_output"
    tensors: tuple[str, ...] = ()

    def __init__(self, position: int, node_name: str) -> None:
        self.position = position
        self._node_name = node_name

    def operands(self, node: Node) -> Sequence[int]:
        return (0,)

    def node_name(self, node: Node) -> str:
        return self._node_name

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        return [Cotangents({self.position: g})]
