"""The functions of torch.accelerator that scripts ask before they take the CPU."""

from typing import Any

from minigrad.core.device import device, refuse_device
from minigrad.core.public_names import show_public_names

__all__ = ["current_accelerator", "device_count", "is_available", "set_device_index", "synchronize"]


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU."""
    return 0


def current_accelerator(check_available: bool = False) -> device | None:
    """None: there is no accelerator."""
    return None


def set_device_index(device: Any) -> None:
    """Raise RuntimeError: there is no accelerator."""
    refuse_device(device)


def synchronize(device: Any = None) -> None:
    """Raise RuntimeError: there is no accelerator."""
    refuse_device(device or "cuda")


show_public_names(__name__)
