"""autocast under torch's names: operations keep their dtypes, as where it is disabled."""

import contextlib
import functools
from collections.abc import Callable
from typing import Any, Self, TypeVar

from minigrad.core.device import device
from minigrad.core.types import DTypeLike
from minigrad.core.warn import warn_caller

F = TypeVar("F", bound=Callable[..., Any])


class autocast(contextlib.ContextDecorator):  # noqa: N801  torch's name
    """A block or decorator in which torch may compute in half precision.

    Disabled here, whatever is asked for, so results are those of full precision; with
    `enabled=True` it warns of that, as torch does where a device is missing.  Raises RuntimeError
    for a device that torch does not know.
    """

    def __init__(
        self,
        device_type: str,
        dtype: DTypeLike = None,
        enabled: bool = True,
        cache_enabled: bool | None = None,
    ) -> None:
        if not isinstance(device_type, str):
            raise ValueError(f"Expected `device_type` of type `str`, got: `{type(device_type)}`")
        self.device = device(device_type).type
        self.dtype = dtype
        if enabled:
            what = "has no mixed precision" if self.device == "cpu" else "computes on the CPU only"
            warn_caller(
                f"{self.device.upper()} is not available to autocast, minigrad {what}. Disabling "
                f"autocast: everything is computed in its own dtype"
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass


def is_autocast_available(device_type: str) -> bool:
    """False, for every device that torch knows.  Raises RuntimeError for others."""
    device(device_type)
    return False


def is_autocast_enabled(device_type: str = "cuda") -> bool:
    """False.  Raises RuntimeError for a device that torch does not know."""
    return is_autocast_available(device_type)


def is_autocast_cpu_enabled() -> bool:
    """False."""
    return False


def is_autocast_cache_enabled() -> bool:
    """False: there are no casts to keep."""
    return False


def clear_autocast_cache() -> None:
    """Nothing: there are no casts that were kept."""


def custom_fwd(
    fwd: Callable[..., Any] | None = None, *, device_type: str, cast_inputs: DTypeLike = None
) -> Any:
    """Decorate the forward of a Function: it runs outside autocast, as everything does here."""
    device(device_type)
    if fwd is None:
        return functools.partial(custom_fwd, device_type=device_type, cast_inputs=cast_inputs)
    return fwd


def custom_bwd(bwd: Callable[..., Any] | None = None, *, device_type: str) -> Any:
    """Decorate the backward of a Function: it runs outside autocast, as everything does here."""
    device(device_type)
    return functools.partial(custom_bwd, device_type=device_type) if bwd is None else bwd
