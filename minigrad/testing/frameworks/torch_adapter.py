"""Functions, `torch.autograd.Function`s and modules of PyTorch."""

import importlib
import inspect
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.attached import WITHOUT_DETACH, replaced
from minigrad.core.types import Array
from minigrad.testing.frameworks.bridge import Pullback, as_list

torch = importlib.import_module("torch")

SEED = 0
# The methods themselves: a diagnosis looks at functions as if `detach` did nothing.
_detach = torch.Tensor.detach


def adapt(what: Any) -> "TorchFunction":
    """A function, a Function class or a module's forward as a function of arrays."""
    if inspect.isclass(what):
        function: Any = what
        return TorchFunction(function.apply, what.__name__)
    return TorchFunction(what, str(getattr(what, "__name__", type(what).__name__)))


class TorchFunction:
    """A function of torch's tensors, which share the memory of the arrays."""

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        self.function = function
        self.name = name
        self.cannot: list[str] = []

    def record(
        self, arguments: Sequence[Any], needs: Sequence[bool]
    ) -> tuple[list[Array], Pullback]:
        """Run it with gradients recorded, and keep the graph."""
        given = [_tensor(a, n) for a, n in zip(arguments, needs, strict=True)]
        leaves = [t for t, needed in zip(given, needs, strict=True) if needed]
        with torch.enable_grad():
            torch.default_generator.manual_seed(SEED)
            results = [r for r in as_list(self.function(*given)) if torch.is_tensor(r)]

        def pullback(cotangents: Sequence[Array]) -> list[Array | None]:
            pairs = [
                (r, torch.from_numpy(np.asarray(c)).to(r.dtype))
                for r, c in zip(results, cotangents, strict=True)
                if r.requires_grad
            ]
            if not pairs:
                return [None] * len(needs)
            roots, starts = zip(*pairs, strict=True)
            options = {"retain_graph": True, "allow_unused": True}
            found = iter(_derived(roots, leaves, starts, options))
            gradients = [next(found) if needed else None for needed in needs]
            return [None if g is None else _array(g) for g in gradients]

        return [_array(r) for r in results], pullback

    def gradient(self, count: int) -> "TorchFunction":
        """By create_graph=True."""

        def of(*values: Any) -> tuple[Any, ...]:
            inputs, starts = list(values[:count]), values[count:]
            floating = [i for i, x in enumerate(inputs) if _is_floating(x)]
            for i in floating:
                if not inputs[i].requires_grad:
                    inputs[i] = _detach(inputs[i]).requires_grad_()
            results = [r for r in as_list(self.function(*inputs)) if torch.is_tensor(r)]
            pairs = [(r, c) for r, c in zip(results, starts, strict=True) if r.requires_grad]
            roots, cotangents = zip(*pairs, strict=True)
            leaves = [inputs[i] for i in floating]
            options = {"create_graph": True, "materialize_grads": True}
            return tuple(torch.autograd.grad(roots, leaves, cotangents, **options))

        return TorchFunction(of, f"gradient of {self.name}")

    def tangents(self, arguments: Sequence[Any], tangents: Sequence[Array | None]) -> list[Array]:
        """By dual numbers."""
        forward_ad = torch.autograd.forward_ad
        with forward_ad.dual_level():
            duals = []
            for a, t in zip(arguments, tangents, strict=True):
                primal = _tensor(a, t is not None)
                tensor = None if t is None else torch.from_numpy(np.array(t))
                duals.append(primal if tensor is None else forward_ad.make_dual(primal, tensor))
            torch.default_generator.manual_seed(SEED)
            parts = [forward_ad.unpack_dual(r) for r in as_list(self.function(*duals))]
            return [
                np.zeros(p.primal.shape) if p.tangent is None else _array(p.tangent) for p in parts
            ]


def _derived(roots: Any, leaves: Any, starts: Any, options: dict[str, Any]) -> Any:
    try:
        return torch.autograd.grad(roots, leaves, starts, **options)
    except RuntimeError as error:
        if "is not implemented" not in str(error):
            raise
        raise NotImplementedError(f"{error}: check with second_order=False") from error


def _array(tensor: Any) -> Array:
    """Its elements, those of a tensor that torch keeps as zeros without memory as well."""
    plain = _detach(tensor)
    if plain._is_zerotensor():
        plain = torch.zeros(plain.shape, dtype=plain.dtype)
    found: Array = plain.numpy()
    return found


def _tensor(argument: Any, needed: bool) -> Any:
    if not isinstance(argument, np.ndarray):
        return argument
    tensor = torch.from_numpy(np.asarray(argument, order="C"))
    return tensor.requires_grad_() if needed else tensor


def _is_floating(value: Any) -> bool:
    return bool(torch.is_tensor(value) and value.is_floating_point())


def _tensors() -> AbstractContextManager[None]:
    return replaced(
        torch.Tensor, detach=lambda self: self.view_as(self), data=property(lambda self: self)
    )


WITHOUT_DETACH.append(_tensors)
