"""What scripts ask of a device's memory, where there is no device."""

from collections import OrderedDict
from typing import Any, NoReturn

from minigrad.core.device import refuse_device
from minigrad.core.public_names import show_public_names

__all__ = [
    "empty_cache", "max_memory_allocated", "max_memory_reserved", "mem_get_info",
    "memory_allocated", "memory_reserved", "memory_snapshot", "memory_stats", "memory_summary",
    "reset_accumulated_memory_stats", "reset_max_memory_allocated", "reset_peak_memory_stats",
    "set_per_process_memory_fraction",
]  # fmt: skip


def memory_allocated(device: Any = None) -> int:
    """0: no memory of a device is in use."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def memory_stats(device: Any = None) -> OrderedDict[str, Any]:
    """No statistics: there is no device."""
    return OrderedDict()


def empty_cache() -> None:
    """Nothing: there is no memory of a device to give back."""


def _refused(*args: Any, **settings: Any) -> NoReturn:
    """Raise RuntimeError: there is no such device."""
    refuse_device("cuda")


mem_get_info = memory_snapshot = memory_summary = set_per_process_memory_fraction = _refused
reset_peak_memory_stats = reset_accumulated_memory_stats = _refused
reset_max_memory_allocated = _refused

show_public_names(__name__)
