"""torch.backends.mkldnn: minigrad's kernels are its own; the settings can be set and read."""

import contextlib
from contextlib import AbstractContextManager
from typing import Any

from minigrad.backends.precision import Float32Precision
from minigrad.backends.settings import during, replaced
from minigrad.core.public_names import show_public_names

__all__ = [
    "VERBOSE_OFF", "VERBOSE_ON", "VERBOSE_ON_CREATION", "allow_tf32", "conv", "deterministic",
    "enabled", "flags", "fp32_precision", "is_acl_available", "is_available", "matmul", "rnn",
    "set_flags", "verbose",
]  # fmt: skip

VERBOSE_OFF, VERBOSE_ON, VERBOSE_ON_CREATION = range(3)

enabled = True
deterministic = False
allow_tf32: bool | None = None
fp32_precision = "none"
conv, rnn, matmul = Float32Precision(), Float32Precision(), Float32Precision()


def is_available() -> bool:
    """False: minigrad does not call oneDNN."""
    return False


def is_acl_available() -> bool:
    """False: minigrad does not call Arm's library."""
    return False


def set_flags(
    _enabled: bool | None = None,
    _deterministic: bool | None = None,
    _allow_tf32: bool | None = None,
    _fp32_precision: str = "none",
) -> tuple[Any, ...]:
    """Set the settings that are not None; what they were before."""
    given = {
        "enabled": _enabled, "deterministic": _deterministic, "allow_tf32": _allow_tf32,
        "fp32_precision": _fp32_precision,
    }  # fmt: skip
    return replaced(globals(), given)


def flags(
    enabled: bool = False,
    deterministic: bool = False,
    allow_tf32: bool | None = True,
    fp32_precision: str = "none",
) -> AbstractContextManager[None]:
    """Set the settings inside a `with` block."""
    return during(globals(), locals())


class verbose(contextlib.nullcontext[None]):  # noqa: N801  torch's name
    """A block in which calls of oneDNN are printed: there are none."""

    def __init__(self, level: int) -> None:
        super().__init__()
        self.level = level


show_public_names(__name__)
