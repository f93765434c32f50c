"""One application of a user's `Function`: how it is recorded, and what backward calls."""

import warnings
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Node, Value, wrap
from minigrad.engine.memory import IN_FUNCTION
from minigrad.engine.saved import ShapeDtype
from minigrad.engine.saved_hooks import observe
from minigrad.engine.several_outputs import SelectedOutput, parts_of
from minigrad.ops.inplace import check_changeable, refuse_untracked
from minigrad.ops.view_history import overwrite_view, retake
from minigrad.tensor import Tensor


class SavedOutput(Value):
    """An output that the user saved; it becomes a tensor again when backward reads it."""

    def __init__(self, output: Any, position: int) -> None:
        self.array = output.array
        self._storage = output.change_record()
        self.position = position


class Applied:
    """One application of a user's Function: the operation of its node."""

    returns_fresh = False  # a user's backward may return anything, a saved tensor too
    tensors: tuple[str, ...] = ()
    named_by_inputs = False
    array_vjp: Sequence[Callable[..., Any]] = ()
    add_part: Callable[..., None] | None = None

    def __init__(
        self,
        name: str,
        rule: Callable[..., Any],
        ctx: Any,
        args: Sequence[Any],
        outputs: Sequence[Any],
    ) -> None:
        self.name = name
        self.rule = rule
        self.ctx = ctx
        self.node: Any = lambda: None
        self.inputs = [ShapeDtype(a) if isinstance(a, Tensor) else None for a in args]
        self.outputs = [ShapeDtype(t) if isinstance(t, Tensor) else None for t in outputs]

    def operands(self, node: Node) -> Sequence[int]:
        return [i for i, like in enumerate(self.inputs) if like is not None]

    def node_name(self, node: Node) -> str:
        return f"{self.name}Backward"

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        ctx = self.ctx
        parts = tuple(map(parts_of(g).get, range(len(self.outputs))))
        if ctx.materialize_grads:
            some = next(part for part in parts if part is not None)
            parts = tuple(
                some.new_zeros(like.shape, dtype=like.dtype) if part is None and like else part
                for part, like in zip(parts, self.outputs, strict=True)
            )
        # For this call only: a saved output refers to the node, and so to this context.
        ctx._saved = self.reopened(inputs)
        try:
            given = self.rule(ctx, *parts)
        finally:
            ctx._saved = None
        given = given if isinstance(given, tuple) else (given,)
        return self._checked(given, wanted)

    def node_of(self, position: int) -> Node:
        """The node of one output: the application's, or one that selects among several."""
        node: Node = self.node()
        if len(self.outputs) == 1:
            return node
        op = SelectedOutput(position, "FunctionOutputBackward")
        selection = Node(op, (0,), (node,), (), {})
        selection.trace = node.trace
        return selection

    def reopened(self, inputs: Sequence[Any]) -> tuple[Any, ...]:
        """The saved tensors, outputs among them at their place in the graph."""
        return tuple(map(self._reopened, inputs))

    def _reopened(self, saved: Any) -> Any:
        if not isinstance(saved, SavedOutput):
            return saved
        output = wrap(Tensor, saved.array)
        output.node, output._requires_grad = self.node_of(saved.position), True
        return output

    def _checked(self, given: tuple[Any, ...], wanted: Sequence[int]) -> list[Any]:
        expected = len(self.ctx.needs_input_grad)
        if any(extra is not None for extra in given[expected:]) or len(given) < expected:
            raise RuntimeError(
                f"function {self.name}Backward returned an incorrect number of gradients "
                f"(expected {expected}, got {len(given)})"
            )
        return [self._fitted(i, given[i]) for i in wanted]

    def _fitted(self, i: int, gradient: Any) -> Any:
        """A gradient in the shape and dtype of its input, if it can be brought to them."""
        like = self.inputs[i]
        if gradient is None or like is None:
            return None
        if not isinstance(gradient, Tensor):
            raise TypeError(
                f"{self.name}Backward returned a {type(gradient).__name__} as the gradient of "
                f"input {i}, expected a Tensor or None"
            )
        if gradient.shape != like.shape:
            try:
                gradient = gradient.sum_to_size(like.shape)
            except RuntimeError:
                raise RuntimeError(
                    f"Function {self.name}Backward returned an invalid gradient at index {i} - got "
                    f"{list(gradient.shape)} but expected shape compatible with {list(like.shape)}"
                ) from None
        return gradient.to(like.dtype)


def check_dirty(dirty: Sequence[Any], args: Sequence[Any], outputs: Sequence[Any]) -> None:
    """Raise torch's RuntimeError if inputs that forward has changed are not recorded so."""
    for changed in dirty:
        if not is_among(changed, outputs):
            raise RuntimeError(
                "Some elements marked as dirty during the forward method were not returned as "
                "output. The inputs that are modified inplace must all be outputs of the Function."
            )
        if not is_among(changed, args):
            warnings.warn(
                "ctx.mark_dirty() received a tensor that was not an input. Only input Tensors that "
                "have been mutated should be passed to ctx.mark_dirty().",
                stacklevel=4,
            )
        check_changeable(changed)
        if changed._base is not None and thread.mode.grad and len(outputs) > 1:
            raise RuntimeError(
                "If your Function modifies inplace an input that is a view of another Tensor, your "
                "Function cannot return more than one Tensor: clone() the input, or return one "
                "Tensor only"
            )


def is_among(tensor: Any, others: Sequence[Any]) -> bool:
    """True if this very tensor is one of the others."""
    return any(tensor is other for other in others)


def returned_views(outputs: Sequence[Any], args: Sequence[Any], ctx: Any) -> tuple[Any, ...]:
    """The outputs, with a view for each input that is returned as it is."""
    return tuple(
        _view_of(o)
        if isinstance(o, Tensor) and is_among(o, args) and not is_among(o, ctx.dirty)
        else o
        for o in outputs
    )


def _view_of(tensor: Any) -> Any:
    view = wrap(tensor.kind, tensor.array)
    view.become_view(tensor, IN_FUNCTION)
    return view


def record(
    name: str,
    rule: Callable[..., Any],
    ctx: Any,
    args: Sequence[Any],
    outputs: Sequence[Any],
) -> None:
    """Give the outputs their nodes.  `rule` is the user's backward."""
    wanted = tuple(i for i, needed in enumerate(ctx.needs_input_grad) if needed)
    edges = tuple(a if a.node is None else a.node for a in (args[i] for i in wanted))
    applied = Applied(name, rule, ctx, args, outputs)
    node = Node(applied, wanted, edges, _saved_outside_cycles(ctx, outputs), {})
    node.keeps_values = any(isinstance(kept, Value) for kept in node.inputs)
    if thread.mode.observed:
        observe(thread.mode, node)
    applied.node = ctx._node = weakref.ref(node)
    for position, output in enumerate(outputs):
        floating = isinstance(output, Tensor) and output.array.dtype.kind in "fc"
        if floating and not is_among(output, ctx.non_differentiable):
            _connect(output, applied.node_of(position), is_among(output, ctx.dirty))


def _connect(output: Any, node: Node, changed: bool) -> None:
    """Give an output its node; what forward has changed in place takes its views along."""
    if not changed:
        output.change_record()  # a saved output must see its changes
        output.node, output._requires_grad = node, True
        if output._base is not None:
            output._untracked = IN_FUNCTION
    elif output._base is None:
        output.rebase_history(node, retake)
    else:
        refuse_untracked(output)
        result = wrap(output.kind, output.array)
        result.node, result._requires_grad = node, True
        overwrite_view(output, result)


def _saved_outside_cycles(ctx: Any, outputs: Sequence[Any]) -> tuple[Any, ...]:
    """The saved tensors; stand-ins for outputs, so that the node does not refer to its output."""
    positions = {id(o): position for position, o in enumerate(outputs) if isinstance(o, Tensor)}
    saved = tuple(
        SavedOutput(t, positions[id(t)]) if id(t) in positions else t for t in ctx.to_save
    )
    ctx.to_save = ()
    return saved
