"""Arrays of other libraries as tensors, and tensors for them, by the DLPack protocol."""

import enum
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_dlpack

__all__ = ["DLDeviceType", "from_dlpack", "to_dlpack"]


DLDeviceType = enum.IntEnum(
    "DLDeviceType",
    {
        "kDLCPU": 1, "kDLCUDA": 2, "kDLCUDAHost": 3, "kDLOpenCL": 4, "kDLVulkan": 7, "kDLMetal": 8,
        "kDLVPI": 9, "kDLROCM": 10, "kDLROCMHost": 11, "kDLExtDev": 12, "kDLCUDAManaged": 13,
        "kDLOneAPI": 14, "kDLWebGPU": 15, "kDLHexagon": 16, "kDLMAIA": 17,
    },
)  # fmt: skip
"""The protocol's numbers of kinds of devices."""


def to_dlpack(tensor: Tensor) -> Any:
    """A capsule with the tensor's memory, which one `from_dlpack` takes."""
    return tensor.__dlpack__(max_version=(1, 0))  # which says that the memory can be written


show_public_names(__name__)
