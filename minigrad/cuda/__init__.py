"""The functions of torch.cuda, as they are where there is no such device.

What asks or tidies up answers as torch's does on a CPU; what would use a device raises
RuntimeError.
"""

from typing import Any, NoReturn

from minigrad.core.device import refuse_device
from minigrad.core.errors import OutOfMemoryError
from minigrad.core.public_names import show_public_names
from minigrad.cuda import amp

__all__ = [
    "OutOfMemoryError", "amp", "current_device", "current_stream", "device_count", "empty_cache",
    "get_device_capability", "get_device_name", "get_device_properties", "get_rng_state",
    "get_rng_state_all", "init", "initial_seed", "is_available", "is_bf16_supported",
    "is_initialized", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "max_memory_reserved", "mem_get_info", "memory_allocated", "memory_reserved", "seed",
    "seed_all", "set_device", "set_rng_state_all", "synchronize",
]  # fmt: skip


# --- questions ------------------------------------------------------------------------------------


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def is_initialized() -> bool:
    """False: there is no device."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no device."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU."""
    return 0


def memory_allocated(device: Any = None) -> int:
    """0: no memory of a device is in use."""
    return 0


max_memory_allocated = memory_reserved = max_memory_reserved = memory_allocated


def get_rng_state_all() -> list[Any]:
    """The states of all devices' generators: an empty list."""
    return []


# --- what there is nothing to do for --------------------------------------------------------------


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device to seed."""


def seed() -> None:
    """Nothing: there is no device to seed."""


seed_all = seed


def empty_cache() -> None:
    """Nothing: there is no memory of a device to give back."""


def set_rng_state_all(new_states: list[Any]) -> None:
    """Nothing for an empty list, all there can be; raises RuntimeError for others."""
    if new_states:
        refuse_device("cuda")


# --- what needs a device --------------------------------------------------------------------------


def _refused(*args: Any, **settings: Any) -> NoReturn:
    """Raise RuntimeError: there is no such device."""
    refuse_device("cuda")


synchronize = current_device = current_stream = set_device = init = _refused
get_device_name = get_device_properties = get_device_capability = mem_get_info = _refused
get_rng_state = initial_seed = _refused

show_public_names(__name__)
