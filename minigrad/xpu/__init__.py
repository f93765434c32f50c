"""torch.xpu: there is no such device; what scripts ask before they take the CPU."""

from typing import Any

from minigrad.core.device import refuse_device
from minigrad.core.public_names import show_public_names

__all__ = [
    "current_device", "device_count", "empty_cache", "is_available", "manual_seed", "seed",
    "set_device", "synchronize",
]  # fmt: skip


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU."""
    return 0


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def seed() -> None:
    """Nothing: there is no device to seed."""


def empty_cache() -> None:
    """Nothing: there is no memory of a device to give back."""


def current_device() -> int:
    """Raise RuntimeError: there is no such device."""
    refuse_device("xpu")


def set_device(device: Any) -> None:
    """Raise RuntimeError: there is no such device."""
    refuse_device("xpu")


def synchronize(device: Any = None) -> None:
    """Raise RuntimeError: there is no such device."""
    refuse_device("xpu")


show_public_names(__name__)
