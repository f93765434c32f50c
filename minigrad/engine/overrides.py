"""`__torch_function__`: classes that say themselves what functions give for their objects.

Plain tensors pay nothing for it.  A class of tensors that overrides has `_needs_check`, so
operations look at its objects where they look at views; and objects that are no tensors at all
come where errors are raised.  Functions made of operations look at `SWITCH`.
"""

import functools
import inspect
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from types import CodeType
from typing import Any, Self, TypeVar

from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Value
from minigrad.engine.memory import SharesMemory

F = TypeVar("F", bound=Callable[..., Any])


class _Switch:
    """`on` is True from the first class of tensors, or other object, that overrides functions."""

    __slots__ = ("on",)

    def __init__(self) -> None:
        self.on = False


SWITCH = _Switch()


class DisableTorchFunctionSubclass:
    """A block in which `__torch_function__` is not asked: subclasses count as plain tensors."""

    def __enter__(self) -> Self:
        self._before = thread.mode.overrides
        thread.mode.overrides = False
        return self

    def __exit__(self, *exc: object) -> None:
        thread.mode.overrides = self._before


def disabled_torch_function_impl(
    func: Callable[..., Any],
    types: Iterable[type],
    args: Sequence[Any] = (),
    kwargs: Mapping[str, Any] | None = None,
) -> Any:
    """The `__torch_function__` of a class whose objects count as plain tensors."""
    refuse_foreign(func)
    with DisableTorchFunctionSubclass():
        return func(*args, **(kwargs or {}))


def refuse_foreign(func: Any) -> None:
    """Raise TypeError for a function of torch itself: it asks the classes of what it is given.

    It cannot be called again with the same tensors, because it would ask again.
    """
    owners = func, getattr(func, "__self__", None), getattr(func, "__objclass__", None)
    modules = [getattr(owner, "__module__", None) for owner in owners]
    if any(str(module).partition(".")[0] == "torch" for module in modules):
        name = getattr(func, "__name__", str(func))
        raise TypeError(
            f"torch's {name} was given a minigrad tensor, and takes torch's alone: convert it with "
            f"torch.from_dlpack(t) or torch.as_tensor(t.numpy()), both on the same memory, or call "
            "minigrad's function of that name"
        )


_OF_TORCH = (
    "a tensor of torch: convert it with minigrad.from_dlpack(t) or minigrad.from_numpy(t.numpy()), "
    "both on the same memory"
)


def named_kind(given: Any) -> str:
    """The name of a class in an error; of torch's tensors, what to do with them."""
    return _OF_TORCH if _is_of_torch(type(given)) else type(given).__name__


def _is_of_torch(kind: type) -> bool:
    """True for torch's tensors: their class would call the function again, and be asked again."""
    return any(base.__module__ == "torch" and base.__name__ == "Tensor" for base in kind.__mro__)


def overrides_functions(kind: type) -> bool:
    """True if a class has a `__torch_function__` that is to be asked."""
    if kind is Value.kind:
        return False
    override = getattr(kind, "__torch_function__", None)
    return override is not None and override is not disabled_torch_function_impl


def overriding(args: Sequence[Any], settings: Mapping[str, Any] | None = None) -> Sequence[Any]:
    """The arguments to be asked, one of each class: subclasses first, else from left to right.

    Items of lists and tuples are arguments, too.
    """
    for given in (*args, *settings.values()) if settings else args:
        if type(given) not in _never_asked:
            return _overriding(args, settings) if thread.mode.overrides else ()
    return ()


_never_asked = {int, float, bool, str, type(None), slice, dict, complex}


def _overriding(args: Sequence[Any], settings: Mapping[str, Any] | None) -> list[Any]:
    found: list[Any] = []
    for given in _flat(args, settings):
        kind = type(given)
        if any(type(other) is kind for other in found):
            continue
        if overrides_functions(kind):
            at = (i for i, other in enumerate(found) if issubclass(kind, type(other)))
            found.insert(next(at, len(found)), given)
        elif kind is Value.kind:
            _never_asked.add(kind)
    return found


def _flat(args: Sequence[Any], settings: Mapping[str, Any] | None) -> Iterator[Any]:
    for given in (*args, *settings.values()) if settings else args:
        if isinstance(given, list | tuple):
            yield from given
        yield given


def ask(
    func: Callable[..., Any],
    asked: Sequence[Any],
    args: tuple[Any, ...],
    settings: Mapping[str, Any],
) -> Any:
    """What the first of the `asked` that does not return NotImplemented gives for a call.

    Raises TypeError if all of them return that.
    """
    SWITCH.on = True
    types = tuple([type(each) for each in asked])
    if any(map(_is_of_torch, types)):
        name = getattr(func, "__name__", str(func))
        raise TypeError(f"minigrad's {name} was given {_OF_TORCH}")
    if (recorder := thread.mode.step_recorder) is not None:
        recorder.refuse(f"{types[0].__name__} overrides functions")
    for each in asked:
        result = each.__torch_function__(func, types, args, dict(settings))
        if result is not NotImplemented:
            return result
    name = f"{getattr(func, '__module__', '')}.{getattr(func, '__qualname__', func)}".strip(".")
    raise TypeError(
        f"Multiple dispatch failed for '{name}'; all __torch_function__ handlers returned "
        f"NotImplemented: no implementation found for '{name}' on types that implement "
        f"__torch_function__: {list(types)}"
    )


_DUNDERS = {
    "eq": "__eq__", "ne": "__ne__", "floor_divide": "__floordiv__", "bitwise_and": "__and__",
    "bitwise_or": "__or__", "bitwise_xor": "__xor__",
}  # fmt: skip


def public_function(operation: Any, as_operator: bool) -> Callable[..., Any]:
    """The function that classes are asked for, in a call of an operation or of an operator."""
    if as_operator:
        found: Callable[..., Any] = getattr(
            Value.kind, _DUNDERS.get(operation.name, operation.name)
        )
        return found
    public: Callable[..., Any] = operation.public
    return public


def is_asked(given: Any) -> bool:
    """True for an object, tensor or not, whose class overrides functions now."""
    return thread.mode.overrides and overrides_functions(type(given))


def first_seen_in_function() -> bool:
    """True for the first object of all that is no tensor, if a function was called that asks.

    The operation is to refuse it then, so that its class is asked for that function.  From then on
    functions ask before they call operations.
    """
    if SWITCH.on:
        return False
    SWITCH.on = True
    frame = sys._getframe(2)
    while frame is not None and frame.f_globals.get("__name__", "").startswith("minigrad."):
        if frame.f_code in ASKING:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


ASKING: set[CodeType] = set()
"""The code of functions that ask their arguments' classes when they fail, too."""


def mark_asking(function: Any) -> None:
    """Note that a function asks its arguments' classes when it has failed."""
    ASKING.add(function.__code__)


def ask_or_raise(
    func: Callable[..., Any], args: tuple[Any, ...], settings: Mapping[str, Any]
) -> Any:
    """What classes give for a call that has failed; raises its error if none is to be asked."""
    if asked := overriding(args, settings):
        return ask(func, asked, args, settings)
    raise  # noqa: PLE0704  the error that is being handled


def overridable(function: F) -> F:
    """Decorate a function that is no operation: classes of its arguments may override it."""

    @functools.wraps(function)
    def call(*args: Any, **settings: Any) -> Any:
        if SWITCH.on and (asked := overriding(args, settings)):
            return ask(call, asked, args, settings)
        try:
            return function(*args, **settings)
        except (AttributeError, TypeError):
            return ask_or_raise(call, args, settings)

    mark_asking(call)
    return call  # type: ignore[return-value]


# --- methods of subclasses ------------------------------------------------------------------------

# Python's operators by the method that a class is asked for, as in torch.
OPERATORS = {
    "__add__": "add", "__radd__": "add", "__sub__": "sub", "__mul__": "mul", "__rmul__": "mul",
    "__truediv__": "div", "__mod__": "remainder", "__pow__": "pow", "__matmul__": "matmul",
    "__neg__": "neg", "__abs__": "abs", "__lt__": "lt", "__le__": "le", "__gt__": "gt",
    "__ge__": "ge", "__iadd__": "add_", "__isub__": "sub_", "__imul__": "mul_",
    "__itruediv__": "div_",
}  # fmt: skip
BINARY = frozenset(
    f"__{prefix}{name}__"
    for prefix in ("", "r")
    for name in (
        "add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or", "xor",
        "lshift", "rshift",
    )
) | {"__eq__", "__ne__", "__lt__", "__le__", "__gt__", "__ge__"}  # fmt: skip
_OF_OBJECTS = frozenset({
    "__new__", "__init__", "__init_subclass__", "__hash__", "__reduce__", "__array_ufunc__",
    "__array_wrap__", "__torch_function__", "__iter__", "__delitem__", "as_subclass",
})  # fmt: skip


def make_overridable(kind: type[Value]) -> None:
    """Let a new subclass of Tensor be asked: by operations, and by the methods it inherits."""
    SWITCH.on = True
    kind._needs_check = True
    kind.is_current = _never  # type: ignore[assignment]  # so that no fast path takes its objects
    for name, (original, asking) in _asking_methods().items():
        if inspect.getattr_static(kind, name) is original:
            setattr(kind, name, asking)


def _never(value: Value) -> bool:
    """False: an operation may not use the value before its class has been asked."""
    return False


@functools.cache
def _asking_methods() -> dict[str, tuple[Any, Any]]:
    """Tensor's methods and properties by name, each with one that asks the class first."""
    tensor = Value.kind
    found: dict[str, tuple[Any, Any]] = {}
    for name in dir(tensor):
        original = inspect.getattr_static(tensor, name)
        private = name.startswith("_") and not name.endswith("__")
        internal = hasattr(SharesMemory, name) and not hasattr(object, name)
        if private or internal or name in _OF_OBJECTS:
            continue
        if isinstance(original, property):
            found[name] = original, _asking_property(original)
        elif inspect.isfunction(original):
            public = getattr(tensor, OPERATORS.get(name, name))
            found[name] = original, _asking_method(name, original, public)
    return found


def _asking_method(
    name: str, original: Callable[..., Any], public: Callable[..., Any]
) -> Callable[..., Any]:
    binary, reflected = name in BINARY, name[:3] == "__r" and f"__{name[3:]}" in BINARY

    @functools.wraps(original)
    def method(self: Any, *args: Any, **settings: Any) -> Any:
        if reflected and isinstance(args[0], Value):
            return NotImplemented  # the left operand's operator comes first, as in torch
        given = (self, *args)
        asked = overriding(given, settings)
        if not asked:
            return original(*given, **settings)
        try:
            return ask(public, asked, given, settings)
        except TypeError:
            if not binary:
                raise
            return NotImplemented

    return method


def _asking_property(original: property) -> property:
    # A property's `__get__` is the function that a class is asked for, as in torch.
    def get(self: Any) -> Any:
        asked = overriding((self,))
        return ask(original.__get__, asked, (self,), {}) if asked else original.__get__(self)

    def set_(self: Any, value: Any) -> None:
        asked = overriding((self, value))
        if asked:
            ask(original.__set__, asked, (self, value), {})
        else:
            original.__set__(self, value)

    def delete(self: Any) -> None:
        original.__delete__(self)

    return property(
        get,
        set_ if original.fset is not None else None,
        delete if original.fdel is not None else None,
        original.__doc__,
    )
