"""The three ways in which a function of tensors becomes an implementation."""

from collections.abc import Callable
from typing import Any

from minigrad.bench.case import Implementation


def forward(function: Callable[..., Any]) -> Implementation:
    """Time function(library, *inputs), of tensors that need no gradient."""

    def prepare(library: Any, *inputs: Any) -> Callable[[], Any]:
        return lambda: function(library, *inputs)

    return prepare


def gradient(function: Callable[..., Any], *places: int) -> Implementation:
    """Time the gradient of function(library, *inputs) for the inputs at `places`, in `.grad`.

    The last input drawn is the gradient of the result, which is computed beforehand.  torch's
    `autograd.grad` may hand that very tensor back, or one number seen at every place; in `.grad`
    both libraries put elements of their own.
    """

    def prepare(library: Any, *inputs: Any) -> Callable[[], Any]:
        leaves = [inputs[place].requires_grad_() for place in places]
        out = function(library, *inputs[:-1])

        def run() -> list[Any]:
            for leaf in leaves:
                leaf.grad = None
            out.backward(inputs[-1], retain_graph=True)
            return [leaf.grad for leaf in leaves]

        return run

    return prepare


def round_trip(function: Callable[..., Any], *places: int) -> Implementation:
    """Time function(library, *inputs) together with its gradient for the inputs at `places`."""

    def prepare(library: Any, *inputs: Any) -> Callable[[], Any]:
        leaves = [inputs[place].requires_grad_() for place in places]
        grad = library.autograd.grad
        return lambda: grad(function(library, *inputs[:-1]), leaves, inputs[-1])

    return prepare
