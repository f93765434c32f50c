"""Wrong derivatives of functions of other frameworks, and of NumPy functions with a vjp.

Needs torch, JAX, HIPS autograd and MyGrad.
"""

import importlib
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from minigrad.engine.op import arr

# Their types are declared in part, or not at all.
jax: Any = importlib.import_module("jax")
anp: Any = importlib.import_module("autograd.numpy")
extend: Any = importlib.import_module("autograd.extend")
mygrad: Any = importlib.import_module("mygrad")
operation_base: Any = importlib.import_module("mygrad.operation_base")

X = arr.of(3, 4)
SQUARE = arr.of(3, 3)


class ForeignFault(NamedTuple):
    """A wrong function of a framework's: inputs that show it, its kind, and `check`'s options."""

    framework: str
    function: Any
    inputs: tuple[Any, ...]
    kind: str
    options: dict[str, Any]


FOREIGN: dict[str, ForeignFault] = {}


def _plant(
    name: str, framework: str, function: Any, *inputs: Any, kind: str, **options: Any
) -> None:
    FOREIGN[f"{framework}: {name}"] = ForeignFault(framework, function, inputs, kind, options)


# --- torch -----------------------------------------------------------------------------------


def _of_torch(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """A Function of torch's whose backward is given the inputs and the cotangent."""

    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx: Any, *inputs: Any) -> Any:
            ctx.save_for_backward(*inputs)
            return forward(*inputs)

        @staticmethod
        def backward(ctx: Any, *cotangents: Any) -> Any:
            return backward(cotangents[0], *ctx.saved_tensors)

    return Wrong


_plant("factor", "torch", _of_torch(lambda x: x**3, lambda g, x: g * 2 * x**2), X, kind="factor")
_plant("mask of relu", "torch", _of_torch(torch.relu, lambda g, x: g * 1), X, kind="mask missing")
_plant("a part detached", "torch", lambda x: torch.exp(x) * x.detach(), X, kind="detached part")
_plant(
    "transposed", "torch",
    _of_torch(lambda a, b: a @ b, lambda g, a, b: (g @ b.mT, g.mT @ a)), SQUARE, SQUARE,
    kind="transposed",
)  # fmt: skip
_plant(
    "sum of softmax", "torch",
    _of_torch(lambda x: x.softmax(-1), lambda g, x: g * x.softmax(-1)), X, kind="missing term",
)  # fmt: skip
_plant(
    "argument in float32", "torch", lambda x: torch.sin(x.float().double()), X,
    kind="rounded to float32",
)  # fmt: skip


# --- JAX -------------------------------------------------------------------------------------


def _of_jax(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """A custom_vjp of JAX's whose rule is given the inputs and the cotangent."""

    def wrong(*inputs: Any) -> Any:
        return forward(*inputs)

    made = jax.custom_vjp(wrong)
    made.defvjp(lambda *inputs: (forward(*inputs), inputs), lambda kept, g: backward(g, *kept))

    def call(*inputs: Any) -> Any:
        return made(*inputs)

    return call


_plant("factor", "jax", _of_jax(jax.numpy.sin, lambda g, x: (g * jax.numpy.cos(x) / 2,)), X,
       kind="factor")  # fmt: skip
_plant("sign", "jax", _of_jax(jax.numpy.cos, lambda g, x: (g * jax.numpy.sin(x),)), X, kind="sign")
_plant("mask of relu", "jax", _of_jax(jax.nn.relu, lambda g, x: (g,)), X, kind="mask missing")
_plant("swapped", "jax", _of_jax(lambda a, b: a * b, lambda g, a, b: (g * a, g * b)), X, X,
       kind="swapped")  # fmt: skip
_plant("zero", "jax", _of_jax(jax.numpy.exp, lambda g, x: (0.0 * g,)), X, kind="zero")
_plant("power", "jax", _of_jax(lambda x: x**3, lambda g, x: (3 * g * x,)), arr.of(3, 4, low=0.5),
       kind="power")  # fmt: skip


# --- HIPS autograd ---------------------------------------------------------------------------


def _of_hips(forward: Callable[..., Any], *rules: Callable[..., Any]) -> Any:
    """A primitive of HIPS autograd's with a rule (result, *inputs) -> (g -> gradient) each."""

    wrong = extend.primitive(forward)
    extend.defvjp(wrong, *rules)

    def call(*inputs: Any) -> Any:
        return wrong(*inputs)

    return call


_plant("factor", "autograd",
       _of_hips(np.tanh, lambda out, x: lambda g: 1.1 * g * (1 - anp.square(out))), X,
       kind="factor")  # fmt: skip
_plant("mean as a sum", "autograd",
       _of_hips(lambda x: x.mean(0), lambda out, x: lambda g: anp.ones(x.shape) * g), X,
       kind="reduction")  # fmt: skip
_plant("order of a sum", "autograd",
       _of_hips(lambda x: np.cumsum(x, 1), lambda out, x: lambda g: anp.cumsum(g, 1)), X,
       kind="reversed")  # fmt: skip


# --- MyGrad ----------------------------------------------------------------------------------


def _of_mygrad(forward: Callable[..., Any], backward: Callable[..., Any]) -> Any:
    """An Operation of MyGrad's whose rule is given the cotangent, the position and the arrays."""

    def run(self: Any, *inputs: Any) -> Any:
        self.variables = inputs
        return forward(*(x.data for x in inputs))

    def backward_var(self: Any, grad: Any, index: int, **kwargs: Any) -> Any:
        return backward(grad, index, *(x.data for x in self.variables))

    members = {"__call__": run, "backward_var": backward_var}
    operation = type("Wrong", (operation_base.Operation,), members)

    def call(*inputs: Any) -> Any:
        return mygrad.Tensor._op(operation, *inputs)

    return call


_plant("factor", "mygrad", _of_mygrad(np.exp, lambda g, i, x: g * np.exp(x) * 0.9), X,
       kind="factor")  # fmt: skip
_plant("mask of clip", "mygrad", _of_mygrad(lambda x: np.maximum(x, 0.0), lambda g, i, x: g), X,
       kind="mask missing")  # fmt: skip
_plant("swapped", "mygrad", _of_mygrad(np.multiply, lambda g, i, *x: g * x[i]), X, X,
       kind="swapped")  # fmt: skip


# --- NumPy functions with a vjp --------------------------------------------------------------


def _of_numpy(name: str, function: Any, vjp: Any, *inputs: Any, kind: str) -> None:
    _plant(name, "numpy", function, *inputs, kind=kind, vjp=vjp)


_of_numpy("factor", np.sin, lambda g, x: 2 * g * np.cos(x), X, kind="factor")
_of_numpy("mask", np.abs, lambda g, x: g, X, kind="one branch")
_of_numpy("order of a sum", lambda x: np.cumsum(x, 1), lambda g, x: np.cumsum(g, 1), X,
          kind="reversed")  # fmt: skip
_of_numpy("rounded", lambda x: np.exp(x.astype(np.float32)).astype(x.dtype),
          lambda g, x: g * np.exp(x), X, kind="rounded to float32")  # fmt: skip
_of_numpy("transposed", np.matmul, lambda g, a, b: (g @ b.T, g.T @ a), SQUARE, SQUARE,
          kind="transposed")  # fmt: skip
