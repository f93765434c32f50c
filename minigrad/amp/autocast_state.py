"""The settings of autocast, under torch's names: kept, and read by nothing here."""

from minigrad.core.device import device
from minigrad.core.dtypes import dtype, float16
from minigrad.core.number_formats import bfloat16
from minigrad.core.warn import warn_caller


class _Asked:
    """What was set last, by the device's type."""

    dtypes: dict[str, dtype] = {}  # noqa: RUF012  settings of the process
    nesting = 0


def _type(device_type: str) -> str:
    return device(device_type).type


def get_autocast_dtype(device_type: str) -> dtype:
    """The dtype that was set for a device; at first bfloat16 for the CPU, float16 for others."""
    found = _type(device_type)
    return _Asked.dtypes.get(found, bfloat16 if found in ("cpu", "xla") else float16)


def set_autocast_dtype(device_type: str, dtype: dtype) -> None:
    """Keep the dtype; everything is computed in its own."""
    _Asked.dtypes[_type(device_type)] = dtype


def set_autocast_enabled(device_type: str | bool, enabled: bool = False) -> None:
    """Warn if autocast is to be enabled: everything is computed in its own dtype here.

    With one argument, a bool, it is of "cuda".
    """
    named = "cuda" if isinstance(device_type, bool) else _type(device_type)
    if enabled or device_type is True:
        warn_caller(
            f"{named.upper()} is not available to autocast, minigrad has no mixed "
            f"precision. Disabling autocast: everything is computed in its own dtype"
        )


def set_autocast_cache_enabled(enabled: bool) -> None:
    """Nothing: there are no casts to keep."""


def autocast_increment_nesting() -> int:
    """Count one more block, and return how many there are."""
    _Asked.nesting += 1
    return _Asked.nesting


def autocast_decrement_nesting() -> int:
    """Count one block less, and return how many there are."""
    _Asked.nesting -= 1
    return _Asked.nesting


def get_autocast_cpu_dtype() -> dtype:
    """`get_autocast_dtype("cpu")`."""
    return get_autocast_dtype("cpu")


def get_autocast_gpu_dtype() -> dtype:
    """`get_autocast_dtype("cuda")`."""
    return get_autocast_dtype("cuda")


def set_autocast_cpu_dtype(dtype: dtype) -> None:
    """`set_autocast_dtype("cpu", dtype)`."""
    set_autocast_dtype("cpu", dtype)


def set_autocast_gpu_dtype(dtype: dtype) -> None:
    """`set_autocast_dtype("cuda", dtype)`."""
    set_autocast_dtype("cuda", dtype)


def set_autocast_cpu_enabled(enabled: bool) -> None:
    """`set_autocast_enabled("cpu", enabled)`."""
    set_autocast_enabled("cpu", enabled)
