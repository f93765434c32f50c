"""torch.backends.cuda: there is no such device; its settings can be set and read."""

import contextlib
from collections.abc import Iterator
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.core.settings import get_float32_matmul_precision, set_float32_matmul_precision

__all__ = [
    "SDPAParams", "allow_fp16_bf16_reduction_math_sdp", "can_use_cudnn_attention",
    "can_use_efficient_attention", "can_use_flash_attention", "cudnn_sdp_enabled",
    "cufft_plan_cache", "enable_cudnn_sdp", "enable_flash_sdp", "enable_math_sdp",
    "enable_mem_efficient_sdp", "flash_sdp_enabled", "fp16_bf16_reduction_math_sdp_allowed",
    "is_built", "is_ck_sdpa_available", "is_flash_attention_available", "math_sdp_enabled",
    "matmul", "mem_efficient_sdp_enabled", "preferred_blas_library", "preferred_linalg_library",
    "sdp_kernel",
]  # fmt: skip


class _MatmulSettings:
    """How products of matrices may be rounded on a device that is not there."""

    __slots__ = (
        "allow_bf16_reduced_precision_reduction", "allow_fp16_accumulation",
        "allow_fp16_reduced_precision_reduction", "fp32_precision",
    )  # fmt: skip

    def __init__(self) -> None:
        self.allow_fp16_reduced_precision_reduction = True
        self.allow_bf16_reduced_precision_reduction = True
        self.allow_fp16_accumulation = False
        self.fp32_precision = "none"

    @property
    def allow_tf32(self) -> bool:
        """Another way to ask for what `set_float32_matmul_precision` sets."""
        return get_float32_matmul_precision() != "highest"

    @allow_tf32.setter
    def allow_tf32(self, allowed: bool) -> None:
        set_float32_matmul_precision("high" if allowed else "highest")


class _PlanCache:
    """The cache of Fourier transforms of a device that is not there: it is empty."""

    __slots__ = ("max_size",)
    size = 0

    def __init__(self) -> None:
        self.max_size = 4096

    def clear(self) -> None:
        """Nothing: it is empty."""


matmul, cufft_plan_cache = _MatmulSettings(), _PlanCache()


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False


# --- attention ------------------------------------------------------------------------------------


class SDPAParams:
    """The arguments of `scaled_dot_product_attention` that `can_use_flash_attention` asks."""

    def __init__(
        self, query: Any, key: Any, value: Any, attn_mask: Any, dropout: float, is_causal: bool,
        enable_gqa: bool = False,
    ) -> None:  # fmt: skip
        self.query, self.key, self.value, self.attn_mask = query, key, value, attn_mask
        self.dropout, self.is_causal, self.enable_gqa = dropout, is_causal, enable_gqa


class _Allowed:
    """Which of torch's implementations of attention may be chosen; there is one here."""

    flash = math = mem_efficient = cudnn = True
    reduction = False


def flash_sdp_enabled() -> bool:
    """What `enable_flash_sdp` has set."""
    return _Allowed.flash


def enable_flash_sdp(enabled: bool) -> None:
    """Keep the setting; attention is computed by one kernel, whatever is set."""
    _Allowed.flash = bool(enabled)


def mem_efficient_sdp_enabled() -> bool:
    """What `enable_mem_efficient_sdp` has set."""
    return _Allowed.mem_efficient


def enable_mem_efficient_sdp(enabled: bool) -> None:
    """Keep the setting; attention is computed by one kernel, whatever is set."""
    _Allowed.mem_efficient = bool(enabled)


def math_sdp_enabled() -> bool:
    """What `enable_math_sdp` has set."""
    return _Allowed.math


def enable_math_sdp(enabled: bool) -> None:
    """Keep the setting; attention is computed by one kernel, whatever is set."""
    _Allowed.math = bool(enabled)


def cudnn_sdp_enabled() -> bool:
    """What `enable_cudnn_sdp` has set."""
    return _Allowed.cudnn


def enable_cudnn_sdp(enabled: bool) -> None:
    """Keep the setting; attention is computed by one kernel, whatever is set."""
    _Allowed.cudnn = bool(enabled)


def fp16_bf16_reduction_math_sdp_allowed() -> bool:
    """What `allow_fp16_bf16_reduction_math_sdp` has set."""
    return _Allowed.reduction


def allow_fp16_bf16_reduction_math_sdp(enabled: bool) -> None:
    """Keep the setting; sums are formed in float32, whatever is set."""
    _Allowed.reduction = bool(enabled)


@contextlib.contextmanager
def sdp_kernel(
    enable_flash: bool = True,
    enable_math: bool = True,
    enable_mem_efficient: bool = True,
    enable_cudnn: bool = True,
) -> Iterator[None]:
    """Set which implementations may be chosen inside a `with` block."""
    asked = {
        "flash": enable_flash, "math": enable_math, "mem_efficient": enable_mem_efficient,
        "cudnn": enable_cudnn,
    }  # fmt: skip
    before = {name: getattr(_Allowed, name) for name in asked}
    _set_allowed(asked)
    try:
        yield
    finally:
        _set_allowed(before)


def _set_allowed(settings: dict[str, bool]) -> None:
    for name, allowed in settings.items():
        setattr(_Allowed, name, allowed)


def is_flash_attention_available() -> bool:
    """False: it is a kernel of a device that is not there."""
    return False


def is_ck_sdpa_available() -> bool:
    """False: it is a kernel of a device that is not there."""
    return False


def can_use_flash_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: it is a kernel of a device that is not there."""
    return False


def can_use_efficient_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: it is a kernel of a device that is not there."""
    return False


def can_use_cudnn_attention(params: SDPAParams, debug: bool = False) -> bool:
    """False: it is a kernel of a device that is not there."""
    return False


# --- libraries ------------------------------------------------------------------------------------


def preferred_linalg_library(backend: str | None = None) -> str:
    """ "default", the one choice.  Raises RuntimeError for a library, of which there is none."""
    return _only_default(backend)


def preferred_blas_library(backend: str | None = None) -> str:
    """ "default", the one choice.  Raises RuntimeError for a library, of which there is none."""
    return _only_default(backend)


def _only_default(backend: str | None) -> str:
    if backend not in (None, "default"):
        raise RuntimeError(
            f"Cannot set preferred backend to {backend}: minigrad computes on the CPU only"
        )
    return "default"


show_public_names(__name__)
