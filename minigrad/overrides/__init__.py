"""torch.overrides: functions whose results the classes of their arguments decide."""

import functools
import inspect
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from minigrad import linalg, ops, special
from minigrad.core.public_names import show_public_names
from minigrad.core.unsupported import Unsupported
from minigrad.engine.overrides import ask, overriding
from minigrad.nn import functional
from minigrad.ops import synonyms
from minigrad.tensor import Tensor, creation

F = TypeVar("F", bound=Callable[..., Any])

TorchFunctionMode = Unsupported(
    "overrides.TorchFunctionMode",
    "only classes of arguments override functions here, so that plain tensors pay nothing; use a "
    "subclass of Tensor with a __torch_function__",
)


def has_torch_function(relevant_args: Iterable[Any]) -> bool:
    """True if the class of one of the arguments overrides functions."""
    return bool(overriding(tuple(relevant_args)))


def has_torch_function_unary(obj: Any) -> bool:
    """True if the class of the argument overrides functions."""
    return bool(overriding((obj,)))


def has_torch_function_variadic(*args: Any) -> bool:
    """True if the class of one of the arguments overrides functions."""
    return bool(overriding(args))


def handle_torch_function(
    public_api: Callable[..., Any], relevant_args: Iterable[Any], *args: Any, **kwargs: Any
) -> Any:
    """What the classes of the relevant arguments give for `public_api(*args, **kwargs)`.

    Raises TypeError if all of them return NotImplemented.
    """
    return ask(public_api, overriding(tuple(relevant_args)), args, kwargs)


def wrap_torch_function(dispatcher: Callable[..., Iterable[Any]]) -> Callable[[F], F]:
    """Decorate a function of your own: classes of what `dispatcher` gives may override it.

    dispatcher: takes the function's arguments, and gives those whose classes are asked.
    """

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if asked := overriding(tuple(dispatcher(*args, **kwargs))):
                return ask(call, asked, args, kwargs)
            return function(*args, **kwargs)

        return call  # type: ignore[return-value]

    return decorate


def is_tensor_like(inp: object) -> bool:
    """True for a tensor, and for an object whose class overrides functions."""
    return isinstance(inp, Tensor) or hasattr(inp, "__torch_function__")


def is_tensor_method_or_property(func: Callable[..., Any]) -> bool:
    """True for a method of Tensor, and for the `__get__` of a property of it."""
    return func in _methods() or getattr(func, "__name__", "") == "__get__"


def get_default_nowrap_functions() -> set[Callable[..., Any]]:
    """Functions whose results `Tensor.__torch_function__` leaves as they are."""
    return {inspect.getattr_static(Tensor, "grad").__get__}


def get_overridable_functions() -> dict[Any, list[Callable[..., Any]]]:
    """The functions that classes are asked for, by the namespace that has them."""
    found: dict[Any, list[Callable[..., Any]]] = {
        namespace: [
            getattr(namespace, name)
            for name in getattr(namespace, "__all__", ())
            if inspect.isfunction(getattr(namespace, name, None))
        ]
        for namespace in (functional, linalg, special)
    }
    found[Tensor] = list(_methods())
    return found


def resolve_name(f: Callable[..., Any]) -> str | None:
    """The name by which users call a function, "torch.mean"; None for one that is not here."""
    for prefix, namespace in _NAMESPACES:
        for name, value in vars(namespace).items():
            if value is f and not name.startswith("_"):
                return f"{prefix}.{name}"
    for name in dir(Tensor):
        found = inspect.getattr_static(Tensor, name)
        if found is f:
            return f"torch.Tensor.{name}"
        if isinstance(found, property) and found.__get__ == f:
            return f"torch.Tensor.{name}.__get__"
    return None


_NAMESPACES = (
    ("torch", synonyms), ("torch", ops), ("torch", creation), ("torch.linalg", linalg),
    ("torch.special", special), ("torch.nn.functional", functional),
)  # fmt: skip


@functools.cache
def _methods() -> dict[Callable[..., Any], str]:
    """The public methods of Tensor."""
    names = [name for name in dir(Tensor) if not name.startswith("_") or name.endswith("__")]
    return {
        value: name
        for name in names
        if inspect.isfunction(value := inspect.getattr_static(Tensor, name))
    }


__all__ = [
    "TorchFunctionMode", "get_default_nowrap_functions", "get_overridable_functions",
    "handle_torch_function", "has_torch_function", "has_torch_function_unary",
    "has_torch_function_variadic", "is_tensor_like", "is_tensor_method_or_property",
    "resolve_name", "wrap_torch_function",
]  # fmt: skip

show_public_names(__name__)
