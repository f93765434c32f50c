"""torch.backends.cudnn: `benchmark`, `deterministic` and the others can be set; nothing reads them.

There is no cuDNN; minigrad's convolutions choose their algorithm by the shape, and give the same
bits in every run.
"""

from contextlib import AbstractContextManager
from typing import Any

from minigrad.backends.precision import Float32Precision
from minigrad.backends.settings import during, replaced
from minigrad.core import dtypes
from minigrad.core.public_names import show_public_names

__all__ = [
    "CUDNN_TENSOR_DTYPES", "allow_tf32", "benchmark", "benchmark_limit", "conv", "depthwise_kernel",
    "deterministic", "enabled", "flags", "fp32_precision", "is_acceptable", "is_available", "rnn",
    "set_flags", "version",
]  # fmt: skip

CUDNN_TENSOR_DTYPES = {dtypes.float16, dtypes.float32, dtypes.float64}

enabled = True
benchmark = deterministic = False
allow_tf32 = True
benchmark_limit: int | None = None
fp32_precision = "none"
depthwise_kernel = "auto"
conv, rnn = Float32Precision(), Float32Precision()


def is_available() -> bool:
    """False: there is no cuDNN."""
    return False


def version() -> int | None:
    """None: there is no cuDNN."""
    return None


def is_acceptable(tensor: Any) -> bool:
    """False: there is no cuDNN."""
    return False


def set_flags(
    _enabled: bool | None = None,
    _benchmark: bool | None = None,
    _benchmark_limit: int | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:
    """Set the settings that are not None; what they were before."""
    given = {
        "enabled": _enabled, "benchmark": _benchmark, "benchmark_limit": _benchmark_limit,
        "deterministic": _deterministic, "allow_tf32": _allow_tf32,
        "fp32_precision": _fp32_precision,
    }  # fmt: skip
    return replaced(globals(), given)


def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
    fp32_precision: str = "none",
) -> AbstractContextManager[None]:
    """Set the settings inside a `with` block."""
    return during(globals(), locals())


show_public_names(__name__)
