"""The graph of a computation, and the walk back through it.

A `Value` is an array with a place in the graph.  A `Node` is one operation applied: what it was
applied to, and how a cotangent is pulled back through it.  A node never refers to its output, so
graphs hold no reference cycles and memory returns the moment the last user is gone.
"""

import heapq
import itertools
import traceback
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ClassVar, Protocol, Self

import numpy as np

from minigrad.modes import mode

_next_sequence_number = itertools.count(1).__next__
_next_change = itertools.count(1).__next__


class _Clock:
    """Time as counted by in-place changes, over all tensors."""

    now = 0


class Storage:
    """Memory shared by a tensor and its views: when it was last changed, and how often."""

    __slots__ = ("changed_at", "changes")

    def __init__(self) -> None:
        self.changed_at = 0
        self.changes = 0


class Value:
    """An array with a place in the graph; `minigrad.Tensor` gives it torch's methods."""

    array: np.ndarray[Any, Any]
    # Class-level defaults: a new Value stores its array and whatever differs from these.
    requires_grad: Any = False
    grad: Any = None
    node: "Node | None" = None
    _storage: Storage | None = None
    _base: "Value | None" = None
    _hooks: "dict[int, Callable[[Any], Any]] | None" = None
    _post_accumulate_hooks: "dict[int, Callable[[Any], Any]] | None" = None
    _is_inference = False
    kind: ClassVar[type["Value"]]

    @property
    def is_leaf(self) -> bool:
        """Whether no recorded operation made this value."""
        return self.node is None

    def storage(self) -> Storage:
        """The record of changes shared with all views of the same memory."""
        if self._storage is None:
            self._storage = Storage() if self._base is None else self._base.storage()
        return self._storage

    def touch(self) -> None:
        """Note that the memory was changed in place."""
        storage = self.storage()
        storage.changed_at = _Clock.now = _next_change()
        storage.changes += 1

    @property
    def _version(self) -> int:
        return 0 if self._storage is None else self._storage.changes

    def detach(self) -> Self:
        """The same memory, outside the graph."""
        alias = wrap(self.kind, self.array)
        alias._storage = self.storage()
        return alias  # type: ignore[return-value]

    # --- hooks -------------------------------------------------------------------------------

    def register_hook(self, hook: Callable[[Any], Any]) -> "RemovableHandle":
        """Call `hook(grad)` when this value's gradient is complete; a result replaces it.

        Raises RuntimeError if the value does not require gradients.
        """
        if not self.requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        holder = self if self.node is None else self.node
        if holder._hooks is None:
            holder._hooks = {}
        return RemovableHandle(holder._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Callable[[Any], Any]) -> "RemovableHandle":
        """Call `hook(tensor)` after `backward` has added to this leaf's `.grad`."""
        if not self.requires_grad or self.node is not None:
            raise RuntimeError("post accumulate grad hooks can be registered on leaf tensors only")
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return RemovableHandle(self._post_accumulate_hooks, hook)

    def retain_grad(self) -> None:
        """Have `backward` fill `.grad` of this non-leaf value too."""
        if not self.requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        if self.node is not None:
            self.node.retained = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        return self.node is not None and self.node.retained is not None


class Pullback(Protocol):
    """What a node knows of its operation."""

    name: str
    # Whether cotangents it returns are `g`, views of it, or new arrays: never anybody else's.
    returns_fresh: bool

    def pull(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        """Cotangents of the inputs at positions `wanted`, given that of the output."""
        ...


class Meta:
    """Stands in for an input of which a rule reads only this much, so its memory can go."""

    __slots__ = ("dtype", "shape")

    def __init__(self, value: Any) -> None:
        self.shape = value.array.shape
        self.dtype = value.dtype

    @property
    def ndim(self) -> int:
        return len(self.shape)


class Node:
    """One application of an operation."""

    __slots__ = (
        "__weakref__", "_hooks", "edges", "freed", "inputs", "needs", "now", "op", "out",
        "out_storage", "retained", "sequence_number", "settings", "shapes", "trace",
    )  # fmt: skip

    def __init__(
        self,
        op: Pullback,
        needs: tuple[int, ...],
        edges: tuple[Any, ...],
        inputs: tuple[Any, ...],
        settings: Mapping[str, Any],
    ) -> None:
        self.op = op
        self.needs = needs  # positions of the inputs that require gradients
        self.edges = edges  # where their cotangents go: a Node, or a leaf Value
        self.inputs = inputs  # what the rules read: Values, Metas, settings given as numbers
        self.settings = settings
        self.out: Any = None  # (array, kind), or by-products, where a rule reads them
        self.out_storage: Storage | None = None
        self.shapes: tuple[tuple[int, ...], ...] | None = None  # where broadcasting is to be undone
        self.sequence_number = _next_sequence_number()
        self.now = _Clock.now
        self.freed = False
        self.retained: Any = None
        self._hooks: dict[int, Callable[[Any], Any]] | None = None
        self.trace = traceback.format_stack()[:-3] if mode.anomaly else None

    @property
    def name(self) -> str:
        return "".join(part.capitalize() for part in self.op.name.split("_")) + "Backward0"

    @property
    def next_functions(self) -> tuple[Any, ...]:
        """The nodes that come next on the way back, in torch's form."""
        return tuple((edge, 0) for edge in self.edges)

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def opened(self) -> tuple[Any, tuple[Any, ...]]:
        """The output and the inputs, as the rules are to see them.

        Raises RuntimeError if they have been freed, or changed in place since the operation.
        """
        if self.freed:
            raise RuntimeError(
                f"Trying to backward through the graph a second time: the tensors saved by "
                f"{self.name} have been freed. Pass retain_graph=True to the first backward() or "
                f"autograd.grad() to go through the graph again."
            )
        for position, value in enumerate(self.inputs):
            if isinstance(value, Value) and value._storage is not None:
                self._refuse_change(value._storage, f"argument {position}", value.array)
        out = self.out
        if type(out) is tuple and self.out_storage is not None:
            array, kind = out
            self._refuse_change(self.out_storage, "the output", array)
            out = wrap(kind, array)
            out.node, out.requires_grad = self, True
        return out, self.inputs

    def _refuse_change(self, storage: Storage, what: str, array: np.ndarray[Any, Any]) -> None:
        if storage.changed_at > self.now:
            made = "" if self.trace is None else "\nIt was made here:\n" + "".join(self.trace)
            raise RuntimeError(
                f"one of the variables needed for gradient computation has been modified by an "
                f"inplace operation: {what} of {self.op.name}() (a tensor of shape "
                f"{list(array.shape)}, {array.dtype}) is read by {self.name} and was changed after "
                f"the forward pass (its version is {storage.changes}).{made}"
            )

    def free(self) -> None:
        """Let go of what the rules read; a node that kept nothing can be walked again."""
        if self.out is not None or any(isinstance(kept, Value) for kept in self.inputs):
            self.inputs = ()
            self.out = None
            self.freed = True


def wrap(kind: type[Value], array: np.ndarray[Any, Any]) -> Any:
    """A Value of this kind around an array."""
    value = kind.__new__(kind)
    value.array = array
    return value


class RemovableHandle:
    """Takes a hook away again: `handle.remove()`, or leave its `with` block."""

    _next_id = itertools.count().__next__

    def __init__(self, hooks: dict[int, Any], hook: Any) -> None:
        self.id = RemovableHandle._next_id()
        self._hooks = hooks
        hooks[self.id] = hook

    def remove(self) -> None:
        self._hooks.pop(self.id, None)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.remove()


# --- the walk back -----------------------------------------------------------------------------


def backward(
    roots: Sequence[Value],
    cotangents: Sequence[Value],
    *,
    targets: Sequence[Value] | None = None,
    accumulate: bool = False,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> list[Any]:
    """Pull cotangents back from `roots` and return those of `targets` (None where none arrived).

    Without `targets`, gradients are added to `.grad` of every leaf.  With them only the paths that
    lead there are walked, and `.grad` is left alone unless `accumulate` is True.
    """
    walk = _Walk(targets, create_graph)
    before = mode.grad
    mode.grad = create_graph
    try:
        for root, g in zip(roots, cotangents, strict=True):
            walk.arrive(root.node if root.node is not None else root, g, owned=False)
        walk.run(retain_graph)
        if targets is None:
            for leaf, (g, owned) in walk.leaf_gradients():
                accumulate_grad(leaf, g, owned)
            return []
        found = [walk.found.get(_edge(target)) for target in targets]
        for target, g in zip(targets, found, strict=True):
            if accumulate and g is not None:
                accumulate_grad(target, g)
        return found
    finally:
        mode.grad = before


def accumulate_grad(leaf: Any, g: Any, owned: bool = False) -> None:
    """Add `g` to `leaf.grad`; an array that nobody else holds is taken as it is."""
    if leaf.grad is not None:
        if mode.grad or leaf.grad.array.dtype != g.array.dtype:
            leaf.grad = leaf.grad + g
        else:
            leaf.grad.array += g.array
            leaf.grad.touch()
    elif owned:
        leaf.grad = g
    else:
        leaf.grad = g.clone()
    if leaf._post_accumulate_hooks:
        for hook in list(leaf._post_accumulate_hooks.values()):
            hook(leaf)


def _edge(value: Value) -> Any:
    return value if value.node is None else value.node


class _Walk:
    """One backward pass: nodes in the reverse order of their making, each after all its users."""

    def __init__(self, targets: Sequence[Value] | None, create_graph: bool) -> None:
        self.create_graph = create_graph
        self.pending: dict[Any, tuple[Any, bool]] = {}  # edge -> cotangent so far, is it ours
        self.heap: list[tuple[int, Node]] = []
        self.targets = None if targets is None else {_edge(target) for target in targets}
        self.found: dict[Any, Any] = {}
        self.on_the_way: set[Any] = set()

    def arrive(self, edge: Any, g: Any, owned: bool) -> None:
        """A cotangent reaches a node or leaf: the first is kept, further ones are added."""
        first = self.pending.get(edge)
        if first is None:
            self.pending[edge] = (g, owned)
            if type(edge) is Node:
                heapq.heappush(self.heap, (-edge.sequence_number, edge))
            return
        total, ours = first
        if ours and not self.create_graph and total.array.dtype == g.array.dtype:
            total.array += g.array
        else:
            total = total + g
        self.pending[edge] = (total, isinstance(total, Value))

    def run(self, retain_graph: bool) -> None:
        heap, pending, targets = self.heap, self.pending, self.targets
        if targets is not None:
            self.on_the_way = _leading_to(targets, [node for _, node in heap])
        while heap:
            node = heapq.heappop(heap)[1]
            g = pending.pop(node)[0]
            if node._hooks is not None or node.retained is not None:
                g = _run_node_hooks(node, g)
            if targets is not None:
                if node in targets:
                    self.found[node] = g
                if node not in self.on_the_way:
                    continue
            self._pull_through(node, g)
            if not retain_graph:
                node.free()
        if targets is not None:
            for leaf, (g, _) in self.leaf_gradients():
                if leaf in targets:
                    self.found[leaf] = g

    def _pull_through(self, node: Node, g: Any) -> None:
        op = node.op
        out, inputs = node.opened()
        needs, edges, shapes = node.needs, node.edges, node.shapes
        if self.targets is not None:
            useful = [i for i, e in enumerate(edges) if e in self.targets or e in self.on_the_way]
            needs = tuple(needs[i] for i in useful)
            edges = tuple(edges[i] for i in useful)
            shapes = None if shapes is None else tuple(shapes[i] for i in useful)
        try:
            cotangents = op.pull(g, out, inputs, node.settings, needs)
        except Exception as error:
            if node.trace is not None:
                error.add_note(f"{node} was made here:\n" + "".join(node.trace))
            raise
        if mode.anomaly and mode.check_nan:
            _refuse_nan(node, needs, cotangents)
        for i, cotangent in enumerate(cotangents):
            if cotangent is None:
                continue
            fresh = op.returns_fresh and cotangent is not g and cotangent.array.base is None
            if shapes is not None and cotangent.array.shape != shapes[i]:
                cotangent = cotangent.sum_to_size(shapes[i])  # noqa: PLW2901
                fresh = cotangent.array.base is None
            self.arrive(edges[i], cotangent, fresh)

    def leaf_gradients(self) -> Iterable[tuple[Any, tuple[Any, bool]]]:
        """The leaves reached, each with its gradient after its hooks."""
        for leaf, (total, owned) in self.pending.items():
            g = total
            for hook in list(leaf._hooks.values()) if leaf._hooks else ():
                replaced = hook(g)
                if replaced is not None:
                    g = replaced
            yield leaf, (g, owned and not leaf._hooks)


def _leading_to(targets: set[Any], starts: list[Node]) -> set[Any]:
    """The nodes reachable from `starts` from which some target can be reached."""
    seen = set(starts)
    stack = list(starts)
    while stack:
        for edge in stack.pop().edges:
            if type(edge) is Node and edge not in seen:
                seen.add(edge)
                stack.append(edge)
    leading: set[Any] = set()
    for node in sorted(seen, key=lambda n: n.sequence_number):
        if any(edge in targets or edge in leading for edge in node.edges):
            leading.add(node)
    return leading


def _run_node_hooks(node: Node, g: Any) -> Any:
    for hook in list(node._hooks.values()) if node._hooks else ():
        replaced = hook(g)
        if replaced is not None:
            g = replaced
    value = None if node.retained is None else node.retained()
    if value is not None:
        value.grad = g.clone() if value.grad is None else value.grad + g
    return g


def _refuse_nan(node: Node, needs: tuple[int, ...], cotangents: Sequence[Any]) -> None:
    for position, cotangent in zip(needs, cotangents, strict=True):
        if isinstance(cotangent, Value) and np.isnan(cotangent.array).any():
            made = "".join(node.trace) if node.trace else "(recorded outside detect_anomaly)\n"
            raise RuntimeError(
                f"Function '{node.name}' returned nan values in the gradient of its argument "
                f"{position}. It was made here:\n{made}"
            )
