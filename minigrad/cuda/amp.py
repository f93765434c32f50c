"""The names of torch.cuda.amp, which torch has deprecated: autocast, GradScaler, decorators."""

from collections.abc import Callable
from typing import Any

from minigrad import amp
from minigrad.core.public_names import show_public_names
from minigrad.core.types import DTypeLike
from minigrad.core.warn import warn_caller

__all__ = ["GradScaler", "autocast", "custom_bwd", "custom_fwd"]


class autocast(amp.autocast):  # noqa: N801  torch's name
    """`amp.autocast("cuda")`: disabled, with a warning, as there is no such device."""

    def __init__(self, enabled: bool = True, dtype: Any = None, cache_enabled: bool = True) -> None:
        _warn("autocast")
        super().__init__("cuda", dtype=dtype, enabled=enabled, cache_enabled=cache_enabled)


class GradScaler(amp.GradScaler):
    """`amp.GradScaler("cuda")`: disabled, with a warning, as there is no such device."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        _warn("GradScaler")
        super().__init__("cuda", *args, **settings)


def custom_fwd(fwd: Callable[..., Any] | None = None, *, cast_inputs: DTypeLike = None) -> Any:
    """`amp.custom_fwd(device_type="cuda")`: the forward itself."""
    _warn("custom_fwd")
    return amp.custom_fwd(fwd, device_type="cuda", cast_inputs=cast_inputs)


def custom_bwd(bwd: Callable[..., Any] | None = None) -> Any:
    """`amp.custom_bwd(device_type="cuda")`: the backward itself."""
    _warn("custom_bwd")
    return amp.custom_bwd(bwd, device_type="cuda")


def _warn(name: str) -> None:
    warn_caller(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', "
        f"args...)` instead.",
        FutureWarning,
    )


show_public_names(__name__)
