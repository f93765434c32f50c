"""A recorded forward as one node of the graph: its backward is recorded, and replayed, too.

A function whose backward is called outside of it returns tensors of one node, the region.  Its
backward was recorded for each set of outputs that may get a cotangent, because which of them do
decides what is computed.
"""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.tape import Tape
from minigrad.engine.backward import backward
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Node, Value, wrap
from minigrad.engine.several_outputs import SelectedOutput, parts_of

# Of so many outputs at most, all sets are recorded.
MOST_OUTPUTS = 3


class Region:
    """The outputs, where cotangents go, and one recorded backward for each set of outputs."""

    def __init__(self, outputs: list[Value], targets: list[Value]) -> None:
        if len(outputs) > MOST_OUTPUTS:
            raise GraphBreak(
                f"it returns {len(outputs)} tensors whose backward may be called; up to "
                f"{MOST_OUTPUTS} can be recorded"
            )
        if any(target._hooks for target in targets):
            raise GraphBreak("a tensor has a hook, and backward is called outside")
        self.outputs = outputs
        self.targets = targets
        self.cotangents = [wrap(out.kind, np.ones_like(out.array)) for out in outputs]
        self.sets = [
            chosen
            for size in range(1, len(outputs) + 1)
            for chosen in combinations(range(len(outputs)), size)
        ]
        self.starts: list[int] = []  # where the entries of each begin on the tape
        self.gradients: list[list[np.ndarray | None]] = []

    @property
    def arrays(self) -> list[np.ndarray]:
        """The arrays of the cotangents."""
        return [g.array for g in self.cotangents]

    def record(self, tape: Tape, inputs: Sequence[Any]) -> None:
        """Run each backward while the tape is running; the graph is as before.

        Backward ends at `inputs`, whatever graph they belong to.
        """
        nodes = {t.node for t in inputs if isinstance(t, Value) and t.node is not None}
        edges = [(node, node.edges) for node in nodes]
        tape.start()
        try:
            for node in nodes:
                node.edges = ()
            for chosen in self.sets:
                self.starts.append(len(tape.entries))
                found = backward(
                    [self.outputs[i] for i in chosen],
                    [self.cotangents[i] for i in chosen],
                    targets=self.targets,
                    retain_graph=True,
                )
                self.gradients.append([None if g is None else g.array for g in found])
        finally:
            tape.stop()
            for node, before in edges:
                node.edges = before


def outputs_of(tensors: Sequence[Value], known: Mapping[int, Any]) -> list[Value]:
    """The distinct tensors, of those that a function returned, that backward can be called on."""
    found = {
        id(t): t for t in tensors if t._requires_grad and t.node is not None and id(t) not in known
    }
    return list(found.values())


def targets_below(outputs: Sequence[Value], inputs: Sequence[Any]) -> list[Value]:
    """The leaves that backward from these outputs would reach, or inputs on the way to them."""
    found: dict[int, Value] = {}
    ends = {t.node: t for t in inputs if isinstance(t, Value) and t.node is not None}
    seen = {output.node for output in outputs}
    stack = [node for node in seen if node not in ends]
    while stack:
        for edge in stack.pop().edges:
            if not isinstance(edge, Node):
                found[id(edge)] = edge
            elif edge in ends:
                found[id(ends[edge])] = ends[edge]
            elif edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return list(found.values())


class Backward:
    """A recorded backward, for cotangents that are laid out as in the recording, and for others.

    What is written shorter than it was recorded holds for one layout.  The others, such as the
    gradient of a sum, whose elements are all one in memory, take the calls as they were recorded.
    """

    def __init__(
        self,
        quick: Callable[..., Any],
        plain: Callable[..., Any],
        strides: Sequence[tuple[int, ...]],
    ) -> None:
        self.plain = plain
        self._quick = quick
        self._strides = strides

    def __call__(self, saved: Any, cotangents: Sequence[np.ndarray]) -> Any:
        for g, strides in zip(cotangents, self._strides, strict=True):
            if g.strides != strides or not g.flags.aligned:
                return self.plain(saved, cotangents)
        return self._quick(saved, cotangents)


class RegionNode(Node):
    """The node of a replayed forward; it holds what the recorded backward reads."""

    def __init__(self, op: "RegionOp", edges: tuple[Any, ...], saved: Any) -> None:
        super().__init__(op, tuple(range(len(edges))), edges, (), {})
        self.keeps_values = True
        self.saved = saved
        self.watched: list[Value] = []  # tensors whose elements the backward reads

    def free(self) -> None:
        """Drop what the backward reads."""
        self.saved, self.watched, self.freed = None, [], True

    def saved_values(self) -> tuple[Any, tuple[Any, ...]]:
        """This node, for `RegionOp.vjp`."""
        self._check_kept()
        for tensor in self.watched:
            storage = tensor._storage
            if storage is not None and storage.changed_at > self.made_at:
                self._refuse_change(storage, "a tensor", tensor.array)
        return self, ()


class RegionOp:
    """A recorded function as an operation."""

    named_by_inputs = False
    tensors: tuple[str, ...] = ()
    returns_fresh = True
    array_vjp: Sequence[Callable[..., Any]] = ()
    add_part: Callable[..., None] | None = None

    def __init__(self, name: str, sets: Sequence[tuple[int, ...]], replays: Sequence[Any]) -> None:
        self.name = name
        self._replays = dict(zip(sets, replays, strict=True))

    def node_name(self, node: Any) -> str:
        """The name of a node: torch's."""
        return "CompiledFunctionBackward"

    def operands(self, node: Any) -> Sequence[int]:
        """All positions."""
        return range(len(node.edges))

    def vjp(
        self,
        g: Any,
        out: RegionNode,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        """Replay the backward for the outputs that have cotangents."""
        if thread.mode.differentiates():
            raise RuntimeError(
                f"derivatives of gradients do not go through a compiled function: call "
                f"{self.name} uncompiled, or compile the step that calls backward"
            )
        given = parts_of(g)
        chosen = tuple(sorted(given))
        found = self._replays[chosen](out.saved, [given[i].array for i in chosen])
        kind = given[chosen[0]].kind
        return [None if found[i] is None else wrap(kind, found[i]) for i in wanted]


def connect(
    op: Any, edges: tuple[Any, ...], outputs: Sequence[Value], saved: Any, watched: list[Value]
) -> None:
    """Give the outputs of a replay their node."""
    node = RegionNode(op, edges, saved)
    node.watched = watched
    if len(outputs) == 1:
        outputs[0].node = node
        return
    for number, output in enumerate(outputs):
        selected = SelectedOutput(number, op.node_name(node))
        output.node = Node(selected, (0,), (node,), (), {})
