"""From a function of arrays with its gradient to a function of minigrad's tensors."""

from collections.abc import Callable, Sequence
from typing import Any, Protocol

import numpy as np

from minigrad.autograd import Function
from minigrad.core.types import Array
from minigrad.engine.grad_mode import is_grad_enabled
from minigrad.engine.graph import wrap
from minigrad.tensor import Tensor

Pullback = Callable[[Sequence[Array]], Sequence[Array | None]]


class ArrayFunction(Protocol):
    """A function of NumPy arrays, and of other arguments, that some framework can differentiate.

    name: what reports call it.  cannot: what cannot be checked of it, in words.
    """

    name: str
    cannot: list[str]

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """The results, and what makes of their cotangents the gradients that are needed."""

    def gradient(self, count: int) -> "ArrayFunction | None":
        """The gradient as a function of `count` arguments, then the cotangents; None without one.

        It gives one array for each floating argument.
        """

    def tangents(
        self, arguments: Sequence[Any], tangents: Sequence[Array | None]
    ) -> list[Array] | None:
        """The tangents of the results; None if the framework has no forward mode."""


def bridged(function: ArrayFunction) -> Callable[..., Any]:
    """A function of minigrad's tensors that computes and differentiates with the framework."""

    class Bridge(_Bridge):
        of = function

    Bridge.__name__ = function.name

    def call(*arguments: Any) -> Any:
        return Bridge.apply(*arguments)

    call.__name__ = function.name
    return call


class _Bridge(Function):
    """One call of a framework's function, in minigrad's graph."""

    of: ArrayFunction

    @classmethod
    def forward(cls, ctx: Any, *arguments: Any) -> Any:
        plain = [_plain(a) for a in arguments]
        results, ctx.pullback = cls.of.record(plain, ctx.needs_input_grad)
        ctx.arguments, ctx.plain = arguments, plain
        ctx.save_for_backward(*(a for a in arguments if isinstance(a, Tensor)))
        ctx.save_for_forward(*(a for a in arguments if isinstance(a, Tensor)))
        tensors: list[Tensor] = [wrap(Tensor, np.asarray(result)) for result in results]
        return tensors[0] if len(tensors) == 1 else tuple(tensors)

    @classmethod
    def backward(cls, ctx: Any, *cotangents: Any) -> Any:
        saved = iter(ctx.saved_tensors)
        arguments = [next(saved) if isinstance(a, Tensor) else a for a in ctx.arguments]
        if not is_grad_enabled():
            found = ctx.pullback([c.array for c in cotangents])
            return tuple(None if g is None else wrap(Tensor, np.asarray(g)) for g in found)
        gradient = cls.of.gradient(len(arguments))
        if gradient is None:
            raise NotImplementedError(f"{cls.of.name} has no derivatives of second order")
        found = bridged(gradient)(*arguments, *cotangents)
        given = iter(found if isinstance(found, tuple) else (found,))
        return tuple(next(given) if isinstance(a, Tensor) and a.is_floating_point() else None
                     for a in arguments)  # fmt: skip

    @classmethod
    def jvp(cls, ctx: Any, *tangents: Any) -> Any:
        given = [None if t is None else t.array for t in tangents]
        found = cls.of.tangents(ctx.plain, given)
        if found is None:
            raise NotImplementedError(f"{cls.of.name} has no forward mode")
        tensors: list[Tensor] = [wrap(Tensor, np.asarray(t)) for t in found]
        return tensors[0] if len(tensors) == 1 else tuple(tensors)


def _plain(argument: Any) -> Any:
    return argument.array if isinstance(argument, Tensor) else argument


def as_list(results: Any) -> list[Any]:
    """What a function gave, as a list of its results."""
    return list(results) if isinstance(results, list | tuple) else [results]


def is_floating(argument: Any) -> bool:
    """True for arrays that have a gradient."""
    return isinstance(argument, np.ndarray) and argument.dtype.kind in "fc"
