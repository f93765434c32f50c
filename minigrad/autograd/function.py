"""`Function`: a user-defined operation with its derivative."""

import functools
import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import no_grad, thread
from minigrad.engine.graph import Node, Value, wrap
from minigrad.engine.saved import ShapeDtype
from minigrad.engine.saved_hooks import observe
from minigrad.ops.inplace import check_writable, retake
from minigrad.tensor import Tensor


class FunctionCtx:
    """The context that `forward` fills and `backward` reads."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.materialize_grads = True
        self.to_save: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.dirty: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] | None = None

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """The tensors of `save_for_backward`; to be read in backward."""
        if self._saved is None:
            raise RuntimeError("ctx.saved_tensors can be read while backward runs, and only then")
        return self._saved

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for backward, which reads them as `ctx.saved_tensors`."""
        for kept in tensors:
            if kept is not None and not isinstance(kept, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(kept).__name__}; "
                    f"keep other things as attributes of ctx"
                )
        self.to_save = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Declare that these outputs have no derivative."""
        self.non_differentiable = outputs

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Declare that forward changes these inputs in place; they must be among the outputs."""
        self.dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """Choose zeros (the default) or None for the cotangents of outputs that were not used."""
        self.materialize_grads = value


class _Cotangents:
    """Cotangents of several outputs, added up at the one node that made them."""

    def __init__(self, parts: tuple[Any, ...]) -> None:
        self.parts = parts

    def __add__(self, other: "_Cotangents") -> "_Cotangents":
        pairs = zip(self.parts, other.parts, strict=True)
        return _Cotangents(tuple(b if a is None else a if b is None else a + b for a, b in pairs))


class _OutputSelection:
    """One of several outputs: passes its cotangent on, at its position among them."""

    returns_fresh = False
    named_by_inputs = False
    array_vjp: Sequence[Callable[..., Any]] = ()
    name = "function_output"
    tensors: tuple[str, ...] = ()

    def operands(self, node: Node) -> Sequence[int]:
        return (0,)

    def node_name(self, node: Node) -> str:
        return "FunctionOutputBackward"

    def __init__(self, position: int, count: int) -> None:
        self.position = position
        self.count = count

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        return [_Cotangents(tuple(g if i == self.position else None for i in range(self.count)))]


class _SavedOutput(Value):
    """An output that the user saved; it becomes a tensor again when backward reads it."""

    def __init__(self, output: Any, position: int) -> None:
        self.array = output.array
        self._storage = output.storage()
        self.position = position


class _Applied:
    """One application of a user's Function: the operation of its node."""

    returns_fresh = False  # a user's backward may return anything, a saved tensor too
    tensors: tuple[str, ...] = ()
    named_by_inputs = False
    array_vjp: Sequence[Callable[..., Any]] = ()

    def __init__(
        self,
        function: type["Function"],
        ctx: FunctionCtx,
        args: Sequence[Any],
        outputs: Sequence[Any],
    ) -> None:
        self.name = function.__name__
        self.function = function
        self.ctx = ctx
        self.node: Any = lambda: None
        self.inputs = [ShapeDtype(a) if isinstance(a, Tensor) else None for a in args]
        self.outputs = [ShapeDtype(t) if isinstance(t, Tensor) else None for t in outputs]

    def node_name(self, node: Node) -> str:
        return f"{self.name}Backward"

    def operands(self, node: Node) -> Sequence[int]:
        return [i for i, like in enumerate(self.inputs) if like is not None]

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        ctx = self.ctx
        parts = g.parts if isinstance(g, _Cotangents) else (g,)
        if ctx.materialize_grads:
            some = next(part for part in parts if part is not None)
            parts = tuple(
                some.new_zeros(like.shape, dtype=like.dtype) if part is None and like else part
                for part, like in zip(parts, self.outputs, strict=True)
            )
        # For this call only: a saved output refers to the node, and so to this context.
        ctx._saved = tuple(map(self._reopened, inputs))
        try:
            given = self.function.backward(ctx, *parts)
        finally:
            ctx._saved = None
        given = given if isinstance(given, tuple) else (given,)
        return self._checked(given, wanted)

    def node_of(self, position: int) -> Node:
        """The node of one output: the application's, or one that selects among several."""
        node: Node = self.node()
        count = len(self.outputs)
        if count == 1:
            return node
        selection = Node(_OutputSelection(position, count), (0,), (node,), (), {})
        selection.trace = node.trace
        return selection

    def _reopened(self, saved: Any) -> Any:
        if not isinstance(saved, _SavedOutput):
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


class Function:
    """A user-defined operation with a derivative: subclass it, then call `YourFunction.apply`.

        class Exp(Function):
            @staticmethod
            def forward(ctx, x):
                y = x.exp()
                ctx.save_for_backward(y)
                return y

            @staticmethod
            def backward(ctx, grad_output):
                (y,) = ctx.saved_tensors
                return grad_output * y

    As in torch, `forward(*inputs)` without ctx goes with a static `setup_context(ctx, inputs,
    output)`.  `backward` is written with tensor operations and can be differentiated again.
    """

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        raise NotImplementedError(
            "You must implement the backward function for your custom autograd.Function."
        )

    @classmethod
    def apply(cls, *args: Any) -> Any:
        """Run forward and record it."""
        needs = tuple(isinstance(a, Tensor) and bool(a.requires_grad) for a in args)
        ctx = FunctionCtx(needs)
        with no_grad():
            if cls.setup_context is not Function.setup_context:
                result = cls.forward(*args)
                cls.setup_context(ctx, args, result)
            else:
                result = cls.forward(ctx, *args)
        outputs = result if isinstance(result, tuple) else (result,)
        for changed in ctx.dirty:
            check_writable(changed)
            changed.bump_version()
        if thread.mode.grad and any(needs):
            outputs = _recorded(cls, ctx, args, outputs)
        return outputs if isinstance(result, tuple) else outputs[0]


def _recorded(
    function: type[Function], ctx: FunctionCtx, args: tuple[Any, ...], outputs: tuple[Any, ...]
) -> tuple[Any, ...]:
    wanted = tuple(i for i, needed in enumerate(ctx.needs_input_grad) if needed)
    edges = tuple(a if a.node is None else a.node for a in (args[i] for i in wanted))
    excluded = {id(t) for t in ctx.non_differentiable}
    given = {id(a) for a in args if isinstance(a, Tensor)} - {id(t) for t in ctx.dirty}
    outputs = tuple(o.detach() if isinstance(o, Tensor) and id(o) in given else o for o in outputs)
    applied = _Applied(function, ctx, args, outputs)
    node = Node(applied, wanted, edges, _saved_outside_cycles(ctx, outputs), {})
    node.keeps_values = any(isinstance(kept, Value) for kept in node.inputs)
    if thread.mode.observed:
        observe(thread.mode, node)
    applied.node = weakref.ref(node)
    for position, output in enumerate(outputs):
        floating = isinstance(output, Tensor) and output.array.dtype.kind == "f"
        if floating and id(output) not in excluded:
            output.rebase_history(applied.node_of(position), retake)
    return outputs


def _saved_outside_cycles(ctx: FunctionCtx, outputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The saved tensors; stand-ins for outputs, so that the node does not refer to its output."""
    positions = {id(o): position for position, o in enumerate(outputs) if isinstance(o, Tensor)}
    saved = tuple(
        _SavedOutput(t, positions[id(t)]) if id(t) in positions else t for t in ctx.to_save
    )
    ctx.to_save = ()
    return saved


def once_differentiable(backward: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate a `backward` that must not be differentiated again: doing so raises."""

    @functools.wraps(backward)
    def decorated(ctx: Any, *grad_outputs: Any) -> Any:
        recording = thread.mode.grad and any(
            isinstance(g, Value) and g.requires_grad for g in grad_outputs
        )
        with no_grad():
            given = backward(ctx, *grad_outputs)
        if not recording:
            return given
        results = given if isinstance(given, tuple) else (given,)
        refused = tuple(None if r is None else _Refusal.apply(r, *grad_outputs) for r in results)
        return refused if isinstance(given, tuple) else refused[0]

    return decorated


class _Refusal(Function):
    """Passes a gradient on; its own backward raises."""

    @staticmethod
    def forward(ctx: FunctionCtx, result: Any, *grad_outputs: Any) -> Any:
        return result.clone()

    @staticmethod
    def backward(ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        raise RuntimeError(
            "trying to differentiate twice a function that was marked with @once_differentiable"
        )


__all__ = [
    "Function",
    "FunctionCtx",
    "once_differentiable",
]

show_public_names(__name__)
