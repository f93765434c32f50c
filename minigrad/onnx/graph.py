"""The graph of an ONNX file while it is built: nodes, and arrays that it holds."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import Expression, Source, Varying, expression_of, varies

# Equal constants of at most so many bytes are held once.
SMALL = 4096


@dataclass
class Node:
    """One operation of the file."""

    kind: str
    inputs: list[str]
    outputs: list[str]
    attributes: dict[str, Any]
    domain: str = ""
    where: str = ""


@dataclass
class Tensor:
    """An input or output of the file: its name, element type and sizes, or names of sizes."""

    name: str
    dtype: np.dtype[Any]
    shape: list[int | str]


@dataclass
class Graph:
    """Nodes in the order in which they run, and the arrays that they read."""

    opset: int
    nodes: list[Node] = field(default_factory=list)
    initializers: dict[str, np.ndarray] = field(default_factory=dict)
    inputs: list[Tensor] = field(default_factory=list)
    outputs: list[Tensor] = field(default_factory=list)
    domains: set[str] = field(default_factory=set)
    weights: set[str] = field(default_factory=set)  # initializers that are the model's own

    def __post_init__(self) -> None:
        self.where = ""  # the line of the user's program that is being translated
        self.sources: list[Source] = []  # the sizes of the inputs that are dynamic
        self._names: set[str] = set()
        self._renamed: dict[str, str] = {}  # nodes that have got the name of an output
        self._known: dict[Any, str] = {}  # small constants, and sizes that have been read

    # --- names ---

    def fresh(self, hint: str) -> str:
        """A name that nothing has yet."""
        name, count = hint, 0
        while name in self._names:
            count += 1
            name = f"{hint}_{count}"
        self._names.add(name)
        return name

    # --- what translations write ---

    def node(self, kind: str, *inputs: Any, domain: str = "", **attributes: Any) -> str:
        """Add a node of one output, whose name is returned.

        An input is a name, an array or None; attributes that are None are left out.
        """
        return self.nodes_of(1, kind, *inputs, domain=domain, **attributes)[0]

    def nodes_of(
        self, count: int, kind: str, *inputs: Any, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node of `count` outputs, whose names are returned."""
        given = {key: value for key, value in attributes.items() if value is not None}
        for key, value in given.items():
            if varies(value):
                raise OnnxExporterError(
                    f"its setting {key!r} is another one for other inputs, and in ONNX {kind} "
                    f"takes a constant"
                )
        names = [self._input(each) for each in inputs]
        while names and not names[-1]:
            names.pop()
        outputs = [self.fresh(kind.lower()) for _ in range(count)]
        self.nodes.append(Node(kind, names, outputs, given, domain, self.where))
        self.domains.add(domain)
        return outputs

    def _input(self, given: Any) -> str:
        if given is None:
            return ""
        return given if isinstance(given, str) else self.constant(given)

    def constant(self, array: Any, hint: str = "constant") -> str:
        """The name of a constant."""
        array = np.asarray(array)
        if array.nbytes > SMALL:
            return self.initializer(array, hint)
        key = array.dtype.str, array.shape, array.tobytes()
        if key not in self._known:
            self._known[key] = self.initializer(array, hint)
        return self._known[key]

    def initializer(self, array: np.ndarray, hint: str) -> str:
        """The name of an array that the file holds from now on."""
        name = self.fresh(hint)
        self.initializers[name] = array
        return name

    # --- sizes ---

    def ints(self, given: Iterable[Any], sources: Iterable[Source] = ()) -> str:
        """A vector of int64, of which some numbers may follow from sizes of dynamic axes."""
        numbers = list(given)
        if not varies(numbers):
            return self.constant(np.array(numbers, np.int64))
        parts = [self.size(each, sources) for each in numbers]
        return parts[0] if len(parts) == 1 else self.node("Concat", *parts, axis=0)

    def size(self, given: Any, sources: Iterable[Source] = ()) -> str:
        """A vector of one int64."""
        if not isinstance(given, Varying):
            return self.constant(np.array([given], np.int64))
        if not self.sources or not all(isinstance(each, int) for each in given.values):
            raise OnnxExporterError(
                f"it takes the number {given.values[0]!r}, which is another one for other inputs"
            )
        found = expression_of(given.values, [*sources, *self.sources])
        if found is None:
            raise OnnxExporterError(
                f"it takes the size {given.values[0]}, of which no formula is found: for other "
                f"sizes of the dynamic axes it is {' and '.join(map(str, given.values[1:]))}"
            )
        return self._computed(found)

    def _computed(self, expression: Expression) -> str:
        name = ""
        for factor in expression.factors:
            read = self._size_of(factor)
            name = self.node("Mul", name, read) if name else read
        for kind, operand, neutral in (
            ("Mul", expression.times, 1), ("Div", expression.over, 1), ("Add", expression.plus, 0),
        ):  # fmt: skip
            if operand != neutral:
                name = self.node(kind, name, np.array([operand], np.int64))
        return name

    def _size_of(self, source: Source) -> str:
        key = "size", source.tensor, source.axis
        if key not in self._known:
            shape = self.node("Shape", source.tensor)
            self._known[key] = self.node("Gather", shape, np.array([source.axis], np.int64), axis=0)
        return self._known[key]

    # --- the end ---

    def rename(self, name: str, to: str) -> None:
        """Give what a node makes the name of an output; of a second output it is a copy."""
        name = self._renamed.get(name, name)
        if name in self._renamed.values() or not any(name in node.outputs for node in self.nodes):
            self.nodes.append(Node("Identity", [name], [to], {}, where=self.where))
            self.domains.add("")
            return
        self._renamed[name] = to
        for node in self.nodes:
            node.inputs = [to if each == name else each for each in node.inputs]
            node.outputs = [to if each == name else each for each in node.outputs]

    def drop_unused(self, kept: Iterable[str] = ()) -> None:
        """Leave out nodes and arrays that no output follows from; inputs stay."""
        needed = {output.name for output in self.outputs} | set(kept)
        nodes = []
        for node in reversed(self.nodes):
            if needed.intersection(node.outputs):
                while node.outputs[-1] not in needed:
                    node.outputs.pop()
                nodes.append(node)
                needed.update(node.inputs)
        self.nodes = nodes[::-1]
        self.domains = {node.domain for node in nodes}
        self.initializers = {k: v for k, v in self.initializers.items() if k in needed}
