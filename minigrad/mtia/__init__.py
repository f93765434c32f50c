"""torch.mtia: there is no such device; what scripts ask before they take the CPU."""

from minigrad.core.absent_device import (
    device_count,
    empty_cache,
    is_available,
    manual_seed,
    refusal,
    seed,
)
from minigrad.core.public_names import show_public_names

__all__ = [
    "current_device", "device_count", "empty_cache", "is_available", "manual_seed", "seed",
    "set_device", "synchronize",
]  # fmt: skip

current_device = set_device = synchronize = refusal("mtia")

show_public_names(__name__)
