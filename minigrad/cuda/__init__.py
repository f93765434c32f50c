"""The functions of torch.cuda, as they are where there is no such device.

What asks or tidies up answers as torch's does on a CPU; what would use a device raises
RuntimeError.
"""

from typing import Any

from minigrad.core.absent_device import device_count, is_available, refusal
from minigrad.core.device import refuse_device
from minigrad.core.errors import OutOfMemoryError
from minigrad.core.public_names import show_public_names
from minigrad.cuda import amp, memory, random
from minigrad.cuda.devices import (
    BoolTensor,
    ByteTensor,
    CharTensor,
    DoubleTensor,
    Event,
    FloatTensor,
    HalfTensor,
    IntTensor,
    LongTensor,
    ShortTensor,
    Stream,
    StreamContext,
    device,
    device_of,
    stream,
)  # fmt: skip
from minigrad.cuda.memory import (
    empty_cache,
    max_memory_allocated,
    max_memory_reserved,
    mem_get_info,
    memory_allocated,
    memory_reserved,
    memory_snapshot,
    memory_stats,
    memory_summary,
    reset_accumulated_memory_stats,
    reset_max_memory_allocated,
    reset_peak_memory_stats,
    set_per_process_memory_fraction,
)  # fmt: skip
from minigrad.cuda.random import (
    get_rng_state,
    get_rng_state_all,
    initial_seed,
    manual_seed,
    manual_seed_all,
    seed,
    seed_all,
    set_rng_state,
    set_rng_state_all,
)  # fmt: skip

__all__ = [
    "BoolTensor", "ByteTensor", "CharTensor", "DoubleTensor", "Event", "FloatTensor", "HalfTensor",
    "IntTensor", "LongTensor", "OutOfMemoryError", "ShortTensor", "Stream", "StreamContext", "amp",
    "current_device", "current_stream", "default_stream", "device", "device_count", "device_of",
    "empty_cache", "get_arch_list", "get_device_capability", "get_device_name",
    "get_device_properties", "get_gencode_flags", "get_rng_state", "get_rng_state_all", "init",
    "initial_seed", "ipc_collect", "is_available", "is_bf16_supported", "is_initialized",
    "is_tf32_supported", "manual_seed", "manual_seed_all", "max_memory_allocated",
    "max_memory_reserved", "mem_get_info", "memory", "memory_allocated", "memory_reserved",
    "memory_snapshot", "memory_stats", "memory_summary", "random", "reset_accumulated_memory_stats",
    "reset_max_memory_allocated", "reset_peak_memory_stats", "seed", "seed_all", "set_device",
    "set_per_process_memory_fraction", "set_rng_state", "set_rng_state_all", "stream",
    "synchronize",
]  # fmt: skip

# --- questions ------------------------------------------------------------------------------------


def is_initialized() -> bool:
    """False: there is no device."""
    return False


def is_bf16_supported(including_emulation: bool = True) -> bool:
    """False: there is no device."""
    return False


def is_tf32_supported() -> bool:
    """False: there is no device."""
    return False


def get_arch_list() -> list[str]:
    """The devices that kernels were compiled for: none."""
    return []


def get_gencode_flags() -> str:
    """The compiler's options for devices: none."""
    return ""


def set_device(device: Any) -> None:
    """Nothing for a negative index, as in torch; raises RuntimeError for a device."""
    if not (isinstance(device, int) and device < 0):
        refuse_device(f"cuda:{device}" if isinstance(device, int) else device)


# --- what needs a device --------------------------------------------------------------------------


synchronize = current_device = current_stream = default_stream = refusal("cuda")
init = ipc_collect = synchronize
get_device_name = get_device_properties = get_device_capability = synchronize

show_public_names(__name__)
