"""The backward pass: cotangents from the roots of the graph to its leaves.

It is iterative, visits nodes in the reverse order of their creation (each after all its users),
frees what they kept as it goes, and never adds into an array that something else refers to.
"""

import os
import threading
from collections.abc import Sequence
from heapq import heappop, heappush
from operator import attrgetter
from typing import Any

import numpy as np

from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Node, Value

_new = object.__new__
_ndarray = np.ndarray


def backward(
    roots: Sequence[Value],
    cotangents: Sequence[Value],
    *,
    targets: Sequence[Value] | None = None,
    accumulate: bool = False,
    retain_graph: bool = False,
    create_graph: bool = False,
) -> list[Any]:
    """Pull cotangents back from `roots`; return those of `targets` (None for unreached ones).

    Without `targets`, gradients are added to `.grad` of every leaf.  With them only the paths that
    lead there are visited, and `.grad` is left alone unless `accumulate` is True.
    """
    mode = thread.mode
    walk = (mode.walk_type or Walk)(targets, create_graph, accumulate or targets is None)
    before = mode.grad, mode.walk, mode.overrides
    mode.grad, mode.walk, mode.overrides = create_graph, walk, False
    walk.roots = roots
    try:
        for root, g in zip(roots, cotangents, strict=True):
            walk.accumulate(_edge(root), g, owned=False)
        walk.run(retain_graph)
        if walk.accumulates and not walk.reached_hooks:  # the common case, with no call to spare
            for leaf, (g, owned) in walk.pending.items():
                accumulate_grad(leaf, g, owned)
        else:
            for leaf in list(walk.pending):
                walk.finish_leaf(leaf)
        if targets is None:
            return []
        found = [walk.found.get(_edge(target)) for target in targets]
        if not accumulate:
            return _without_sharing(found)
        for target, arrived in zip(targets, found, strict=True):
            if arrived is not None:
                accumulate_grad(target, arrived[0])
        return []
    finally:
        mode.grad, mode.walk, mode.overrides = before


def will_visit(value: Value) -> bool:
    """True if the backward pass that runs now visits the node or leaf of a value."""
    walk, edge = thread.mode.walk, _edge(value)
    if walk.reachable is None:
        walk.reachable = reachable_from([_edge(root) for root in walk.roots])
    return edge in walk.reachable and (walk.targets is None or edge in walk.useful)


def _edge(value: Value) -> Any:
    if value._needs_check:
        value.refresh_view()
    return value if value.node is None else value.node


def _without_sharing(found: Sequence[tuple[Any, bool] | None]) -> list[Any]:
    """The gradients, no two of which share memory."""
    given: set[int] = set()
    result: list[Any] = []
    for arrived in found:
        if arrived is None:
            result.append(None)
            continue
        g, owned = arrived
        result.append(g if owned and id(g) not in given else g.clone())
        given.add(id(g))
    return result


class Walk:
    """One backward pass."""

    roots: Sequence[Value]
    reachable: set[Any] | None = None  # nodes and leaves; for `will_visit`

    # Once a leaf with hooks is reached: for each leaf, how often the nodes to come lead to it.
    uses_of_leaves: dict[Any, int] | None = None
    reached_hooks = False

    def __init__(
        self, targets: Sequence[Value] | None, create_graph: bool, accumulates: bool
    ) -> None:
        mode = thread.mode
        self.accumulates = accumulates
        self.checks_nan = mode.anomaly and mode.check_nan
        # Rules run over arrays where neither a graph nor tangents have to be made.
        self.over_arrays = not create_graph and not mode.dual_levels
        self.ignore_fp_errors = mode.fp_error_ignorer()
        self.pending: dict[Any, tuple[Any, bool]] = {}  # edge -> (cotangent so far, owned)
        self.heap: list[tuple[int, Node]] = []
        self.targets = None if targets is None else {_edge(target) for target in targets}
        self.found: dict[Any, tuple[Any, bool]] = {}
        self.useful: set[Any] = set()  # the targets, and the nodes that lead to them

    def accumulate(self, edge: Any, g: Any, owned: bool) -> None:
        """Keep the first cotangent of a node or leaf, add further ones to it."""
        first = self.pending.get(edge)
        if first is None:
            self.pending[edge] = (g, owned)
            if edge.is_node:
                heappush(self.heap, (-edge.made_at, edge))
            elif edge._hooks or edge._post_accumulate_hooks:
                self.reached_hooks = True
            return
        total, owned_before = first
        if owned_before and self.over_arrays and total.array.dtype == g.array.dtype:
            self.ignore_fp_errors(np.add, total.array, g.array, total.array)
        else:
            total = total + g
            self.pending[edge] = (total, isinstance(total, Value))

    def run(self, retain_graph: bool) -> None:
        """Visit nodes until none is left; gradients of leaves are then in `pending`.

        If there are leaves with hooks, all leaves are finished as soon as they are complete.
        """
        heap, pending, targets = self.heap, self.pending, self.targets
        uses_array_vjp = self.over_arrays and not self.checks_nan
        if targets is not None:
            self.useful = _leading_to(targets, [node for _, node in heap])
        while heap:
            node = heappop(heap)[1]
            g, owned = pending.pop(node)
            if node._hooks is not None or node.retained is not None:
                g, owned = _run_node_hooks(node, g), False
            if targets is not None and node in targets:
                leads_on = not self.useful.isdisjoint(node.edges)
                self.found[node] = (g, owned and not leads_on)
                if not leads_on:
                    continue
            try:
                if uses_array_vjp and node.op.array_vjp:
                    self._array_vjp(node, g)
                else:
                    self._vjp(node, g)
            except Exception as error:
                if node.trace is not None:
                    error.add_note(f"{node} was made here:\n" + "".join(node.trace))
                raise
            if node.keeps_values and not retain_graph:
                node.free()
            if self.reached_hooks:
                g = None
                self._finish_leaves_of(node)

    def _finish_leaves_of(self, node: Node) -> None:
        """Finish the leaves that no node to come leads to."""
        uses = self.uses_of_leaves
        if uses is None:
            uses = self.uses_of_leaves = self._count_uses_of_leaves()
            complete = [edge for edge in self.pending if not isinstance(edge, Node)]
        else:
            complete = [edge for edge in node.edges if not isinstance(edge, Node)]
            for leaf in complete:
                uses[leaf] -= 1
        for leaf in complete:
            if uses.get(leaf, 0) <= 0 and leaf in self.pending:
                self.finish_leaf(leaf)

    def _count_uses_of_leaves(self) -> dict[Any, int]:
        uses: dict[Any, int] = {}
        for node in reachable_from([node for _, node in self.heap]):
            if isinstance(node, Node) and (self.targets is None or node in self.useful):
                for edge in node.edges:
                    if not isinstance(edge, Node):
                        uses[edge] = uses.get(edge, 0) + 1
        return uses

    def finish_leaf(self, leaf: Any) -> None:
        """Run a leaf's hooks on its gradient, and accumulate it or keep it for the caller."""
        g, owned = self.pending.pop(leaf)
        if leaf._hooks:
            g, owned = _run_hooks(leaf._hooks, g), False
        if self.accumulates:
            accumulate_grad(leaf, g, owned)
        else:
            self.found[leaf] = g, owned

    def _vjp(self, node: Node, g: Any) -> None:
        """Pull a node's cotangent back by the rules of its operation."""
        op, (needs, edges, shapes) = node.op, self._wanted(node)
        if op.add_part is not None and self._adds_part(node, g, edges):
            return
        cotangents = op.vjp(g, *node.saved_values(), node.settings, needs)
        if self.checks_nan:
            _refuse_nan(node, needs, cotangents)
        returns_fresh = op.returns_fresh
        for i, cotangent in enumerate(cotangents):
            if cotangent is None:
                continue
            fresh = False
            if returns_fresh:
                array = cotangent.array
                if shapes is not None and array.shape != shapes[i]:
                    cotangent = cotangent.sum_to_size(shapes[i])  # noqa: PLW2901
                    array = cotangent.array
                fresh = array.base is None and array is not g.array
            self.accumulate(edges[i], cotangent, fresh)

    def _adds_part(self, node: Node, g: Any, edges: Sequence[Any]) -> bool:
        """Add a part's cotangent to that of the whole, if there is one that may be changed.

        A sequence of n steps that is read step by step would otherwise make n arrays of its size.
        """
        if not edges or not self.over_arrays or self.checks_nan:
            return False
        whole, owned = self.pending.get(edges[0], (None, False))
        if not owned or whole.array.dtype != g.array.dtype:
            return False
        self.ignore_fp_errors(node.op.add_part, whole.array, g.array, **node.settings)
        return True

    def _array_vjp(self, node: Node, g: Any) -> None:
        """The same for an operation with rules over arrays."""
        g_array, kind, ignore_fp_errors, settings = (
            g.array,
            g.kind,
            self.ignore_fp_errors,
            node.settings,
        )
        rules, arrays = node.op.array_vjp, node.saved_arrays()
        needs, edges, shapes = self._wanted(node)
        for i, edge in enumerate(edges):
            array = ignore_fp_errors(rules[needs[i]], g_array, *arrays, **settings)
            if type(array) is not _ndarray:  # NumPy's arithmetic of 0-d arrays gives scalars
                array = np.asarray(array)
            cotangent = _new(kind)
            cotangent.array = array
            if shapes is not None and array.shape != shapes[i]:
                cotangent = cotangent.sum_to_size(shapes[i])
                array = cotangent.array
            self.accumulate(edge, cotangent, array.base is None and array is not g_array)

    def _wanted(self, node: Node) -> tuple[Any, Any, Any]:
        """Of the inputs that need a cotangent: positions, edges, and shapes or None."""
        needs, edges, shapes = node.needs, node.edges, node.shapes
        if self.targets is None:
            return needs, edges, shapes
        if not self.useful.issuperset(edges):
            useful = [i for i, edge in enumerate(edges) if edge in self.useful]
            needs = tuple([needs[i] for i in useful])
            edges = tuple([edges[i] for i in useful])
            shapes = None if shapes is None else tuple([shapes[i] for i in useful])
        return needs, edges, shapes


def _leading_to(targets: set[Any], starts: list[Node]) -> set[Any]:
    """The targets, and the nodes reachable from `starts` from which one can be reached."""
    nodes = [edge for edge in reachable_from(starts) if isinstance(edge, Node)]
    leading = set(targets)
    for node in sorted(nodes, key=attrgetter("made_at")):  # a node's edges lead to older ones
        if not leading.isdisjoint(node.edges):
            leading.add(node)
    return leading


def reachable_from(starts: list[Any]) -> set[Any]:
    """The nodes and leaves that can be reached from these, and these."""
    seen = set(starts)
    stack = list(starts)
    while stack:
        here = stack.pop()
        for edge in here.edges if isinstance(here, Node) else ():
            if edge not in seen:
                seen.add(edge)
                stack.append(edge)
    return seen


def _run_hooks(hooks: dict[int, Any], g: Any) -> Any:
    for hook in list(hooks.values()):
        replaced = hook(g)
        if replaced is None:
            continue
        if not isinstance(replaced, Value):
            raise TypeError(
                f"a gradient hook must return a Tensor or None, got {type(replaced).__name__}"
            )
        if replaced.array.shape != g.array.shape or replaced.array.dtype != g.array.dtype:
            raise RuntimeError(
                f"hook {getattr(hook, '__name__', hook)!r} has changed the gradient from shape "
                f"{list(g.array.shape)}, {g.array.dtype} to {list(replaced.array.shape)}, "
                f"{replaced.array.dtype}"
            )
        g = replaced
    return g


def _run_node_hooks(node: Node, g: Any) -> Any:
    if node._hooks:
        g = _run_hooks(node._hooks, g)
    value = None if node.retained is None else node.retained()
    if value is not None:
        value.grad = g.clone() if value.grad is None else value.grad + g
    return g


def _refuse_nan(node: Node, needs: tuple[int, ...], cotangents: Sequence[Any]) -> None:
    for position, cotangent in zip(needs, cotangents, strict=True):
        if isinstance(cotangent, Value) and np.isnan(cotangent.array).any():
            made = "".join(node.trace) if node.trace else "(recorded outside detect_anomaly)\n"
            raise RuntimeError(
                f"Function '{node.name()}' returned nan values in the gradient of its argument "
                f"{position}. It was made here:\n{made}"
            )


# Several threads may run backward into the same leaves, and so may code that interrupts one.
_accumulation = threading.RLock()
if hasattr(os, "register_at_fork"):  # in a fork it stays as another thread held it
    os.register_at_fork(
        before=_accumulation.acquire,
        after_in_parent=_accumulation.release,
        after_in_child=_accumulation.release,
    )


def accumulate_grad(leaf: Any, g: Any, owned: bool = False) -> None:
    """Add `g` to `leaf.grad`; an array that nobody else holds is taken as it is."""
    mode = thread.mode
    with _accumulation:
        total = leaf._grad
        if total is None:
            leaf._grad = g if owned else g.clone()
        elif mode.grad or total.array.dtype != g.array.dtype or not total.array.flags.writeable:
            leaf._grad = total + g
        else:
            try:
                mode.ignore_fp_errors(np.add, total.array, g.array, total.array)
            except RuntimeError as error:
                mode.reenter(error, np.add, total.array, g.array, total.array)
            total.bump_version()
    if leaf._post_accumulate_hooks:
        for hook in list(leaf._post_accumulate_hooks.values()):
            if hook(leaf) is not None:
                raise RuntimeError("Tensor post accumulate grad hooks should return None.")
