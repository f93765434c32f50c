"""`Function`: a user-defined operation with its derivative."""

import functools
import inspect
import warnings
from collections.abc import Callable
from typing import Any

from minigrad.autograd.applied import check_dirty, record, returned_views
from minigrad.autograd.function_tangents import carry_through
from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import no_grad, thread
from minigrad.engine.graph import Value
from minigrad.tensor import Tensor


class FunctionCtx:
    """The context that `forward` fills and `backward` reads."""

    def __init__(self, needs_input_grad: tuple[bool, ...]) -> None:
        self.needs_input_grad = needs_input_grad
        self.materialize_grads = True
        self.to_save: tuple[Any, ...] = ()
        self.non_differentiable: tuple[Any, ...] = ()
        self.dirty: tuple[Any, ...] = ()
        self.saved_for_forward: tuple[Any, ...] = ()
        self._saved: tuple[Any, ...] | None = None
        self._node: Callable[[], Any] = lambda: None

    @property
    def saved_tensors(self) -> tuple[Tensor, ...]:
        """The tensors of `save_for_backward`, to be read in backward.

        Raises RuntimeError once they have been freed, or if one has been changed in place.
        """
        if self._saved is not None:
            return self._saved
        node = self._node()
        if node is None:
            raise RuntimeError("ctx.saved_tensors can be read once apply has returned")
        found: tuple[Tensor, ...] = node.op.reopened(node.saved_values()[1])
        return found

    def save_for_backward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for backward, which reads them as `ctx.saved_tensors`."""
        for kept in tensors:
            if kept is not None and not isinstance(kept, Tensor):
                raise TypeError(
                    f"save_for_backward can only save variables, but got {type(kept).__name__}; "
                    f"keep other things as attributes of ctx"
                )
        self.to_save = tensors

    def save_for_forward(self, *tensors: Tensor | None) -> None:
        """Keep inputs or outputs for jvp, which reads them as `ctx.saved_tensors`."""
        for kept in tensors:
            if kept is not None and not isinstance(kept, Tensor):
                raise TypeError(
                    f"save_for_forward can only save tensors, but got {type(kept).__name__}; keep "
                    f"other things as attributes of ctx"
                )
        self.saved_for_forward = tensors

    def mark_non_differentiable(self, *outputs: Tensor) -> None:
        """Declare that these outputs have no derivative."""
        self.non_differentiable = outputs

    def mark_dirty(self, *inputs: Tensor) -> None:
        """Declare that forward changes these inputs in place; they must be among the outputs."""
        self.dirty = inputs

    def set_materialize_grads(self, value: bool) -> None:
        """Choose zeros (the default) or None for the cotangents of outputs that were not used."""
        self.materialize_grads = value


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
    output)`, and `vjp` is another name of `backward`.  It is written with tensor operations and can
    be differentiated again.  With `boxed_grads_call = True` it is given the cotangents as one list,
    from which it may take them one by one.

    PyTorch differs: `vmap` applies a Function to each example alone, so that a Function needs no
    rule for batches; `generate_vmap_rule` and the static method `vmap` are not needed.
    """

    boxed_grads_call = False

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        warnings.warn(
            f"{type(self)} should not be instantiated. Methods on autograd functions are all "
            f"static, so you should invoke them on the class itself.",
            DeprecationWarning,
            stacklevel=2,
        )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        raise RuntimeError(
            "Legacy autograd function with non-static forward method is deprecated. Please use "
            "new-style autograd function with static forward method, and call its apply."
        )

    @staticmethod
    def forward(*args: Any, **kwargs: Any) -> Any:
        """Compute the outputs; the first argument is ctx, unless there is a `setup_context`."""
        raise NotImplementedError(
            "You must implement the forward function for custom autograd.Function."
        )

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> Any:
        """Fill ctx after a forward without one."""
        raise NotImplementedError("setup_context is not implemented.")

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        """The gradients of the inputs, None where there is none, from those of the outputs."""
        raise NotImplementedError(
            "You must implement either the backward or vjp method for your custom "
            "autograd.Function to use it with backward mode AD."
        )

    vjp = backward

    @staticmethod
    def jvp(ctx: Any, *grad_inputs: Any) -> Any:
        """The tangents of the outputs from those of the inputs, zeros for tensors that have none.

        PyTorch differs: without it, forward mode transposes `backward`, if that can be
        differentiated again.
        """
        raise NotImplementedError(
            "You must implement the jvp function for custom autograd.Function to use it with "
            "forward mode AD."
        )

    @classmethod
    def apply(cls, *args: Any, **kwargs: Any) -> Any:
        """Run forward and record it.

        Arguments given by keyword are handed to forward; with a `setup_context` they are brought to
        their positions, and defaults count as given.  Only positional tensors have gradients.
        Raises RuntimeError if forward does not return an input that it has marked as dirty.
        """
        separate = cls.setup_context is not Function.setup_context
        if separate:
            bound = inspect.signature(cls.forward).bind(*args, **kwargs)
            bound.apply_defaults()
            args, kwargs = bound.args, bound.kwargs
        needs = tuple(isinstance(a, Tensor) and a.requires_grad for a in args)
        ctx = FunctionCtx(needs)
        mode = thread.mode
        levels, mode.dual_levels = mode.dual_levels, ()  # tangents are for jvp
        try:
            with no_grad():
                if separate:
                    result = cls.forward(*args, **kwargs)
                    cls.setup_context(ctx, args, result)
                else:
                    result = cls.forward(ctx, *args, **kwargs)
        finally:
            mode.dual_levels = levels
        outputs = result if isinstance(result, tuple) else (result,)
        check_dirty(ctx.dirty, args, outputs)
        for changed in ctx.dirty:
            changed.bump_version()
        outputs = returned_views(outputs, args, ctx)
        saved = ctx.to_save
        if mode.grad and any(needs):
            record(cls.__name__, cls._backward_rule, ctx, args, outputs)
        if levels:
            jvp = None if cls.jvp is Function.jvp else cls.jvp
            carry_through(cls, jvp, ctx, args, outputs, saved)
        return outputs if isinstance(result, tuple) else outputs[0]

    @classmethod
    def _backward_rule(cls, ctx: FunctionCtx, *grad_outputs: Any) -> Any:
        """Call the user's backward, under whichever name it stands."""
        rule = cls.backward
        if cls.vjp is not Function.vjp:
            if rule is not Function.backward:
                raise RuntimeError(
                    "Implementing both 'backward' and 'vjp' for a custom Function is not allowed. "
                    "You should only implement one of them."
                )
            rule = cls.vjp
        return rule(ctx, list(grad_outputs)) if cls.boxed_grads_call else rule(ctx, *grad_outputs)


class InplaceFunction(Function):
    """A Function under the name that it had for changes in place, kept for old programs."""

    def __init__(self, inplace: bool = False) -> None:
        super().__init__()
        self.inplace = inplace


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
