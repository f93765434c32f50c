"""Forms of calls that torch has deprecated and takes still, numbers before tensors.

A form is the names of its positional arguments, "beta input alpha mat1 mat2".  Each has more of
them than the function takes now, so it is looked for only in calls that failed.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from minigrad.core.warn import warn_caller
from minigrad.engine.graph import Value

NUMBERS = frozenset({"alpha", "beta", "value"})


def matching(forms: Sequence[str], args: tuple[Any, ...]) -> list[str] | None:
    """The names of the form that these arguments have; None if there is none."""
    for form in forms:
        names = form.split()
        if len(names) == len(args) and all(
            isinstance(arg, Value) != (name in NUMBERS)
            for name, arg in zip(names, args, strict=True)
        ):
            return names
    return None


def in_current_form(
    function: str, form: Sequence[str], args: tuple[Any, ...], settings: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The arguments as the function takes them now, with torch's warning."""
    warn_deprecated(function, form)
    named = dict(zip(form, args, strict=True))
    numbers = {name: value for name, value in named.items() if name in NUMBERS}
    if twice := numbers.keys() & settings.keys():
        raise TypeError(f"{function}() got multiple values for argument {min(twice)!r}")
    tensors = tuple(value for name, value in named.items() if name not in NUMBERS)
    return tensors, {**settings, **numbers}


def with_old_alpha(function: str, alpha: Any, other: Any, given_alpha: float) -> tuple[Any, float]:
    """`other` and `alpha` of a call `add(input, alpha, other)`, with torch's warning.

    Raises TypeError if alpha is a tensor, or given twice.
    """
    if isinstance(alpha, Value) or given_alpha != 1:
        raise TypeError(
            f"{function}() takes input, other and alpha=, got {type(alpha).__name__} and "
            f"{type(other).__name__} after the input"
        )
    warn_deprecated(function, ("input", "alpha", "other"))
    return other, alpha


def warn_deprecated(function: str, form: Sequence[str]) -> None:
    """Warn as torch does of a form that it will drop, and say what to write."""
    tensors = ", ".join(name for name in form if name not in NUMBERS)
    numbers = ", ".join(f"{name}={name}" for name in form if name in NUMBERS)
    warn_caller(
        f"This overload of {function} is deprecated: {function}({', '.join(form)}). Consider using "
        f"one of the following signatures instead: {function}({tensors}, {numbers})"
    )
