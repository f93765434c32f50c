"""What the modules of devices answer where there is no such device: torch.mps, torch.xpu ...

A question is answered, tidying up does nothing, and what would use the device raises RuntimeError.
"""

from collections.abc import Callable
from typing import Any, NoReturn

from minigrad.core.device import refuse_device


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


def refusal(device: str) -> Callable[..., NoReturn]:
    """A function that refuses, whatever it is given, because this device is not there."""

    def refused(*args: Any, **settings: Any) -> NoReturn:
        """Raise RuntimeError: there is no such device."""
        refuse_device(device)

    return refused
