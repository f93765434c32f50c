"""The public side of graph nodes, under torch's names: what users read of them, and their hooks.

Most nodes are never looked at.  So nothing here is made before a user asks for it.
"""

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, Self

from minigrad.engine.hooks import RemovableHandle, registered

NodeHook = Callable[..., Any]
"""`hook(grad_inputs, grad_outputs)`, or for hooks before the node `hook(grad_outputs)`."""


class NodeOperation(Protocol):
    """The part of an operation that its nodes use."""

    name: str
    # True if the node's name depends on the inputs, which are gone once the node is freed.
    named_by_inputs: bool
    # The names of the inputs, as far as they have names.
    tensors: tuple[str, ...]

    def node_name(self, node: Any) -> str:
        """torch's name of a node of this operation: "MulBackward0"."""
        ...

    def operands(self, node: Any) -> Sequence[int]:
        """The positions of the inputs that may have a gradient."""
        ...

    # True if every cotangent it returns is `g`, a view of it, or a new array.
    returns_fresh: bool
    # The rules over arrays, for where the gradient is not itself recorded; or nothing.
    array_vjp: Sequence[Callable[..., Any]]
    # Adds an array of `g` into the cotangent of the one input, of which the output is a part.
    add_part: Callable[..., None] | None

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        """Cotangents of the inputs at positions `wanted`, given that of the output."""
        ...


class NodeInterface:
    """A node of the graph as `tensor.grad_fn` shows it; `autograd.graph.Node`."""

    op: NodeOperation
    needs: tuple[int, ...]
    edges: tuple[Any, ...]
    inputs: tuple[Any, ...]
    out: Any
    shapes: tuple[tuple[int, ...], ...] | None
    settings: Mapping[str, Any]
    made_at: int
    trace: list[str] | None
    saved_values: Callable[[], tuple[Any, tuple[Any, ...]]]

    label: str | None = None  # the name, where the operation does not decide it
    _metadata: dict[str, Any] | None = None
    _is_named = False

    def name(self) -> str:
        """torch's name for it, as in `<MulBackward0>`."""
        return self.label or self.op.node_name(self)

    def __repr__(self) -> str:
        return f"<{self.name()}>"

    def named(self) -> Self:
        """This node, of a class that bears its name, as in torch: `type(x.grad_fn).__name__`.

        Most nodes are never looked at, so the class is set when one is.
        """
        if not self._is_named:
            self.__class__ = class_named(type(self), self.name())  # type: ignore[arg-type]
        return self

    @property
    def requires_grad(self) -> bool:
        """True: there is no node where nothing requires gradients."""
        return True

    @property
    def metadata(self) -> dict[str, Any]:
        """A dictionary that belongs to the node; users keep in it what they like.

        Within `detect_anomaly` the call stack of the operation is at "traceback_".
        """
        if self._metadata is None:
            self._metadata = {} if self.trace is None else {"traceback_": self.trace}
        return self._metadata

    @property
    def _sequence_nr(self) -> int:
        return self.made_at

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        """The nodes that the backward pass visits next, one for each operand, each with 0.

        A leaf's is an `AccumulateGrad`, with the leaf in `.variable`; None stands for an operand
        that does not require gradients.
        PyTorch differs: the second number counts outputs; here a node has one.
        """
        edges = dict(zip(self.needs, self.edges, strict=True))
        return tuple((public_node(edges.get(i)), 0) for i in self.op.operands(self))

    # --- hooks -------------------------------------------------------------------------------

    def register_hook(self, hook: NodeHook) -> RemovableHandle:
        """Call `hook(grad_inputs, grad_outputs)` after the node; a tuple replaces grad_inputs.

        grad_inputs has an entry for each of `next_functions`, None where no gradient is wanted.
        """
        return registered(self._hooked().after, hook)

    def register_prehook(self, hook: NodeHook) -> RemovableHandle:
        """Call `hook(grad_outputs)` before the node; a tuple replaces grad_outputs."""
        return registered(self._hooked().before, hook)

    def _hooked(self) -> "HookedOperation":
        if not isinstance(self.op, HookedOperation):
            self.op = HookedOperation(self)
        return self.op

    def __call__(self, *grad_outputs: Any) -> Any:
        """The gradients of the operands, a tuple if there are several."""
        out, inputs = self.saved_values()
        found = pulled_back(self.op, self, grad_outputs[0], out, inputs)
        return found[0] if len(found) == 1 else found


def pulled_back(
    op: NodeOperation, node: NodeInterface, g: Any, out: Any, inputs: Sequence[Any]
) -> tuple[Any, ...]:
    """The gradients of a node's operands, None for those that do not require one."""
    found = op.vjp(g, out, inputs, node.settings, node.needs)
    fitted = dict(zip(node.needs, fit_shapes(found, node.shapes), strict=True))
    return tuple(fitted.get(i) for i in op.operands(node))


def fit_shapes(cotangents: Sequence[Any], shapes: Sequence[tuple[int, ...]] | None) -> list[Any]:
    """Cotangents of the shapes of the inputs, where broadcasting spread these."""
    if shapes is None:
        return list(cotangents)
    pairs = zip(cotangents, shapes, strict=True)
    return [g if g is None or g.shape == shape else g.sum_to_size(shape) for g, shape in pairs]


def _is_saved(kept: Any) -> bool:
    """True for a tensor or a number that a rule reads, not for a shape or for nothing."""
    return isinstance(kept, int | float) or hasattr(kept, "array") or hasattr(kept, "unpack")


class ShowsSaved:
    """The attributes of a node that show what it has saved.

    They are found by `__getattr__`, and CPython reads all attributes slowly of a class that has it.
    So it belongs to the classes that bear names, which nodes get when a user looks at them.
    """

    __slots__ = ()

    def _names_of_saved(self) -> dict[str, int | str | None]:
        """For each name after `_saved_`: an input's position, a setting's name, None for `out`."""
        found: dict[str, int | str | None] = {name: name for name in self.settings}
        for i, name in enumerate(self.op.tensors[: len(self.inputs)]):
            if _is_saved(self.inputs[i]):
                found["self" if name == "input" else name] = i
        if self.out is not None:
            found["result"] = None
        return found

    def __getattr__(self, name: str) -> Any:
        """`_saved_self`, `_saved_other`, `_saved_result`, `_saved_dim` ...: as torch names them."""
        if name.startswith("_saved_"):
            out, inputs = self.saved_values()
            names, wanted = self._names_of_saved(), name.removeprefix("_saved_")
            if wanted in names:
                place = names[wanted]
                if isinstance(place, str):
                    return self.settings[place]
                return out if place is None else inputs[place]
        elif name != "op" and (ctx := self._context()) is not None:
            return getattr(ctx, name)
        raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")

    def __setattr__(self, name: str, value: Any) -> None:
        """What is not the node's own is set on the context of a user's Function, if it has one."""
        own = name in vars(self) or hasattr(type(self), name)
        if own or (ctx := self._context()) is None:
            object.__setattr__(self, name, value)
        else:
            setattr(ctx, name, value)

    def _context(self) -> Any:
        """The context of a user's Function; None for the library's operations."""
        op = self.op.op if isinstance(self.op, HookedOperation) else self.op
        return getattr(op, "ctx", None)

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(f"_saved_{name}" for name in self._names_of_saved())]


@functools.cache
def class_named(kind: Any, name: str) -> Any:
    """A subclass of a class of nodes that bears a name, and shows what nodes have saved."""
    return type(name, (kind, ShowsSaved), {"__module__": __name__, "_is_named": True})


def public_node(edge: Any) -> Any:
    """What `next_functions` shows of an edge: a node, the AccumulateGrad of a leaf, or None."""
    if edge is None:
        return None
    if isinstance(edge, NodeInterface):
        return edge.named()
    found = edge._accumulate_grad and edge._accumulate_grad()
    if found is None:
        found = AccumulateGrad(edge)
        edge._accumulate_grad = weakref.ref(found)
    return found


class HookedOperation:
    """The operation of one node, with hooks before and after it."""

    returns_fresh = False  # a hook may return anything
    array_vjp: Sequence[Callable[..., Any]] = ()
    add_part: Callable[..., None] | None = None

    def __init__(self, node: NodeInterface) -> None:
        self.op = op = node.op
        self.name, self.named_by_inputs, self.tensors = op.name, op.named_by_inputs, op.tensors
        self.before: dict[int, NodeHook] = {}
        self.after: dict[int, NodeHook] = {}
        self._operands = tuple(op.operands(node))
        self._shapes = dict(zip(node.needs, node.shapes or (), strict=False))

    def node_name(self, node: Any) -> str:
        return self.op.node_name(node)

    def operands(self, node: Any) -> Sequence[int]:
        return self._operands

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        for hook in list(self.before.values()):
            g = _parts_replaced(g, hook, hook(_parts(g)))
        shapes = [self._shapes[i] for i in wanted] if self._shapes else None
        found = fit_shapes(self.op.vjp(g, out, inputs, settings, wanted), shapes)
        given = dict(zip(wanted, found, strict=True))
        grad_inputs = tuple(given.get(i) for i in self._operands)
        for hook in list(self.after.values()):
            grad_inputs = _replaced(grad_inputs, hook, hook(grad_inputs, _parts(g)))
        given = dict(zip(self._operands, grad_inputs, strict=True))
        return [given[i] for i in wanted]


def _parts(g: Any) -> tuple[Any, ...]:
    """The cotangents of all outputs of a node."""
    return g.parts if hasattr(g, "parts") else (g,)


def _parts_replaced(g: Any, hook: NodeHook, new: Any) -> Any:
    parts = _replaced(_parts(g), hook, new)
    return type(g)(parts) if hasattr(g, "parts") else parts[0]


def _replaced(before: tuple[Any, ...], hook: NodeHook, new: Any) -> tuple[Any, ...]:
    if new is None:
        return before
    if not isinstance(new, tuple):
        raise TypeError(f"expected tuple, but hook returned '{type(new).__name__}'")
    if len(new) != len(before):
        raise RuntimeError(
            f"hook '{getattr(hook, '__name__', hook)}' has returned an incorrect number of values "
            f"(got {len(new)}, but expected {len(before)})"
        )
    return new


class AccumulateGrad(NodeInterface):
    """The end of a path through the graph: it adds to `.grad` of the leaf `variable`.

    PyTorch differs: a hook stays until it is removed; there it goes with the last graph.
    """

    edges = needs = inputs = ()
    settings: Mapping[str, Any] = {}
    trace = None

    def __init__(self, variable: Any) -> None:
        self.variable = variable

    def name(self) -> str:
        return "torch::autograd::AccumulateGrad"

    def named(self) -> Self:
        return self

    def __repr__(self) -> str:
        return "<AccumulateGrad>"

    @property
    def next_functions(self) -> tuple[tuple[Any, int], ...]:
        return ()

    def register_prehook(self, hook: NodeHook) -> RemovableHandle:
        """Call `hook((grad,))` before the gradient is added; a tuple replaces it."""

        def before(g: Any) -> Any:
            return _replaced((g,), hook, hook((g,)))[0]

        return self.variable.register_hook(before)  # type: ignore[no-any-return]

    def register_hook(self, hook: NodeHook) -> RemovableHandle:
        """Call `hook((), (grad,))` after the gradient was added."""
        arrived: list[Any] = []
        noting = self.variable.register_hook(arrived.append)

        def after(variable: Any) -> None:
            hook((), (arrived.pop(),))

        handle: RemovableHandle = self.variable.register_post_accumulate_grad_hook(after)
        return LinkedHandle(handle, noting)


class LinkedHandle(RemovableHandle):
    """Takes several hooks away at once."""

    def __init__(self, *handles: RemovableHandle) -> None:
        self.handles = handles

    def remove(self) -> None:
        """Take the hooks away; again does nothing."""
        for handle in self.handles:
            handle.remove()
