"""What a step returned: how two recordings are compared in it, and the source that makes it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.source import Writer
from minigrad.compiler.tape import ReadFloat, ReadInt, Tape
from minigrad.compiler.trace import Trace
from minigrad.engine.graph import Node, Value


class Results:
    """The structure that a step returned, with names for its tensors."""

    def __init__(
        self, returned: Any, trace: Trace, tape: Tape, tensors: Sequence[Any], known: dict[int, Any]
    ) -> None:
        self.returned = returned
        self.trace = trace
        self._given = {id(tensor): number for number, tensor in enumerate(tensors)}
        self._known = known  # by id: tensors that were there before
        self._reads = {id(e.result): e.args[0] for e in tape.entries if e.kind == "read"}
        self._grads = {
            id(leaf._grad): leaf for leaf, _ in tape.first_grads.values() if leaf._grad is not None
        }
        self.symbols = self._symbols(returned)

    def _symbols(self, given: Any) -> Any:
        if isinstance(given, Value):
            return self._tensor(given)
        if isinstance(given, tuple | list):
            return type(given), tuple(map(self._symbols, given))
        if isinstance(given, dict):
            return type(given), tuple((key, self._symbols(each)) for key, each in given.items())
        if isinstance(given, ReadFloat | ReadInt):
            return "read", self.trace.name_of(self._reads[id(given)])
        if isinstance(given, np.ndarray):
            raise GraphBreak("it returns a NumPy array")
        if isinstance(given, float | int | str | bool | None | complex):
            return type(given), repr(given)
        return "object", id(given)

    def _tensor(self, tensor: Value) -> Any:
        if id(tensor) in self._given:
            return "argument", self._given[id(tensor)]
        if id(tensor) in self._known:
            return "known", id(tensor)
        if id(tensor) in self._grads:
            return "gradient", self.trace.leaf_name(self._grads[id(tensor)])
        if tensor._tangents is not None:
            raise GraphBreak("it returns a tensor with tangents")
        if tensor._base is not None and tensor._requires_grad:
            raise GraphBreak("it returns a view that requires gradients")
        name = self.trace.name_of(tensor.array)
        return "tensor", name, type(tensor), tensor._requires_grad, tensor._is_inference

    # --- source ---

    def write(self, writer: Writer) -> str:
        """Write the lines that make the tensors; the expression for what is returned."""
        self._written: dict[int, str] = {}
        return self._expression(self.returned, writer)

    def written(self, tensor: Value) -> str:
        """The variable that holds a tensor of the results."""
        return self._written[id(tensor)]

    def _expression(self, given: Any, writer: Writer) -> str:  # noqa: PLR0911
        if isinstance(given, Value):
            if id(given) not in self._written:
                self._written[id(given)] = self._tensor_expression(given, writer)
            return str(self._written[id(given)])
        if isinstance(given, tuple | list):
            items = "".join(f"{self._expression(each, writer)}, " for each in given)
            kind = type(given)
            if kind is list:
                return f"[{items}]"
            if kind is tuple:
                return f"({items})"
            how = "{}({})" if hasattr(kind, "_fields") else "{}(({}))"
            return how.format(writer.object(kind), items)
        if type(given) is dict:
            pairs = (
                f"{writer.object(key)}: {self._expression(each, writer)}"
                for key, each in given.items()
            )
            return f"{{{', '.join(pairs)}}}"
        if isinstance(given, dict):
            raise GraphBreak(f"it returns a {type(given).__name__}")
        if isinstance(given, ReadFloat | ReadInt):
            return f"{writer.array(self.trace.name_of(self._reads[id(given)]))}.item()"
        return writer.object(given)

    def _tensor_expression(self, tensor: Value, writer: Writer) -> str:
        kind, *rest = self._tensor(tensor)
        if kind == "argument":
            return f"tensors[{rest[0]}]"
        if kind == "known":
            return writer.object(tensor)
        if kind == "gradient":
            return f"{writer.leaf(rest[0])}._grad"
        variable = f"o{len(self._written)}"
        writer.write(f"{variable} = new({writer.object(type(tensor))})")
        writer.write(f"{variable}.array = {self._fresh(tensor, writer)}")
        if tensor._is_complex:
            writer.write(f"{variable}.mark_complex()")
        if tensor._is_inference:
            writer.write(f"{variable}.mark_inference()")
        if tensor._requires_grad:
            writer.write(f"{variable}._requires_grad = True")
            if tensor.node is not None and is_spent(tensor):
                writer.write(f"{variable}.node = {writer.object(_spent(tensor.node))}")
        return variable

    def _fresh(self, tensor: Value, writer: Writer) -> str:
        """An expression for the array, a copy of what the replay itself keeps."""
        name = self.trace.name_of(tensor.array)
        copies = name[0] == "constant"
        array = writer.array(name)
        return f"{array}.copy()" if copies else array


def _spent(node: Node) -> Node:
    """A node of a graph that backward has gone through: it says so if it is gone through again."""
    spent = Node(node.op, (), (), (), {})
    spent.label = node.named().name()
    spent.keeps_values = spent.freed = True
    return spent


def plain_numbers(given: Any) -> Any:
    """The same structure with plain floats for the numbers that Python has read."""
    if isinstance(given, ReadFloat | ReadInt):
        return float(given) if isinstance(given, float) else int(given)
    if type(given) in (tuple, list):
        return type(given)(map(plain_numbers, given))
    if type(given) is dict:
        return {key: plain_numbers(each) for key, each in given.items()}
    return given


def tensors_in(given: Any) -> list[Value]:
    """The tensors of a structure."""
    if isinstance(given, Value):
        return [given]
    if isinstance(given, tuple | list):
        return [tensor for each in given for tensor in tensors_in(each)]
    if isinstance(given, dict):
        return tensors_in(list(given.values()))
    return []


def is_spent(tensor: Value) -> bool:
    """True unless backward can still go through the graph of a tensor."""
    if not tensor._requires_grad:
        return True
    if tensor.node is None:
        return False
    seen, stack = {tensor.node}, [tensor.node]
    while stack:
        node = stack.pop()
        if node.freed:
            return True
        for edge in node.edges:
            if isinstance(edge, Node) and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return False
