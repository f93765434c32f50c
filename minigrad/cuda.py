"""The functions of torch.cuda that scripts call before they fall back to the CPU."""

from minigrad.core.public_names import show_public_names


def is_available() -> bool:
    """False: minigrad computes on the CPU."""
    return False


def device_count() -> int:
    """0: minigrad computes on the CPU."""
    return 0


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device to seed."""


__all__ = [
    "device_count",
    "is_available",
    "manual_seed_all",
]

show_public_names(__name__)
