"""Drawings of a computation's graph: DOT text, and pictures if Graphviz is installed."""

import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from minigrad.engine.graph import Node, Value
from minigrad.nn.module import Module
from minigrad.tensor import Tensor, creation

_STYLES = {
    "result": 'shape=box, style=filled, fillcolor="#caffbf"',
    "operation": 'shape=box, style="rounded,filled", fillcolor="#f1f1f1"',
    "leaf": 'shape=box, style=filled, fillcolor="#bde0fe"',
}


class Drawing:
    """A graph in Graphviz's language: `dot` is the text, `save` writes it or a picture of it.

    A notebook displays the picture if Graphviz is installed, else the text.
    """

    def __init__(self, dot: str) -> None:
        self.dot = dot

    def __str__(self) -> str:
        return self.dot

    __repr__ = __str__

    def save(self, path: str | Path) -> None:
        """Write a file: .dot or .gv is the text; .svg, .png and .pdf are pictures.

        Raises ValueError for other endings, RuntimeError if Graphviz's `dot` is not installed.
        """
        path = Path(path)
        kind = path.suffix[1:]
        if kind in ("dot", "gv"):
            path.write_text(self.dot)
        elif kind in ("svg", "png", "pdf"):
            path.write_bytes(self._drawn(kind))
        else:
            raise ValueError(f"save() knows .dot, .gv, .svg, .png and .pdf, got '{path.name}'")

    def _drawn(self, kind: str) -> bytes:
        program = shutil.which("dot")
        if program is None:
            raise RuntimeError(
                "drawing a graph needs Graphviz (the program `dot`), which is not installed; its "
                "text can be saved as .dot without it"
            )
        command = [program, f"-T{kind}"]
        return subprocess.run(command, input=self.dot.encode(), stdout=-1, check=True).stdout

    def _repr_svg_(self) -> str | None:
        return self._drawn("svg").decode() if shutil.which("dot") else None


def graph(
    of: Tensor | Module,
    input_size: Sequence[int] | None = None,
    *,
    names: Mapping[str, Tensor] | None = None,
) -> Drawing:
    """The operations that compute a tensor, or those of a model for an input of zeros.

    `input_size` is the shape of the model's input, with its batch size.  `names` are the names of
    leaves in the drawing; a model's parameters have theirs already.
    Raises TypeError for anything else, ValueError if the tensor has no graph, or a model no
    `input_size`.

    >>> import minigrad as mg
    >>> w = mg.tensor([2.0], requires_grad=True)
    >>> print(mg.utils.graph((w * w).sum(), names={"w": w}))
    digraph {
      n0 [label="result []", shape=box, style=filled, fillcolor="#caffbf"]
      n1 [label="sum", shape=box, style="rounded,filled", fillcolor="#f1f1f1"]
      n2 [label="mul", shape=box, style="rounded,filled", fillcolor="#f1f1f1"]
      n3 [label="w [1]", shape=box, style=filled, fillcolor="#bde0fe"]
      n1 -> n0
      n2 -> n1
      n3 -> n2
      n3 -> n2
    }
    """
    known = dict(names or {})
    if isinstance(of, Module):
        if input_size is None:
            raise ValueError("graph() of a model needs input_size, the shape of its input")
        known.update(of.named_parameters())
        of = of(creation.zeros(*input_size))
    if not isinstance(of, Tensor):
        raise TypeError(f"graph() draws a Tensor or a Module, got {type(of).__name__}")
    if of.node is None:
        raise ValueError("graph() draws what operations recorded: this tensor has no graph")
    return Drawing(_text(of, {id(leaf): name for name, leaf in known.items()}))


def _text(result: Tensor, names: Mapping[int, str]) -> str:
    """One line for each node of the graph and one for each edge; without recursion."""
    numbers: dict[int, int] = {}
    node_lines: list[str] = []
    edge_lines: list[str] = []

    def add(node: Node | Value, kind: str) -> int:
        numbers[id(node)] = len(numbers)
        label = node.op.name if isinstance(node, Node) else _label(node, kind, names)
        node_lines.append(f'  n{numbers[id(node)]} [label="{label}", {_STYLES[kind]}]')
        return numbers[id(node)]

    root = result.node
    assert root is not None
    edge_lines.append(f"  n{add(result, 'result') + 1} -> n0")
    add(root, "operation")
    waiting = [root]
    while waiting:
        node = waiting.pop()
        for edge in node.edges:
            if id(edge) not in numbers:
                inner = isinstance(edge, Node)
                add(edge, "operation" if inner else "leaf")
                if inner:
                    waiting.append(edge)
            edge_lines.append(f"  n{numbers[id(edge)]} -> n{numbers[id(node)]}")
    return "\n".join(["digraph {", *node_lines, *edge_lines, "}"])


def _label(value: Value, kind: str, names: Mapping[int, str]) -> str:
    name = names.get(id(value), kind).replace('"', "'")
    return f"{name} {list(value.array.shape)}"
