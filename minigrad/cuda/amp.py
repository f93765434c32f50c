"""autocast and GradScaler under their names in torch.cuda.amp, which torch has deprecated."""

from typing import Any

from minigrad import amp
from minigrad.core.public_names import show_public_names
from minigrad.core.warn import warn_caller

__all__ = ["GradScaler", "autocast"]


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


def _warn(name: str) -> None:
    warn_caller(
        f"`torch.cuda.amp.{name}(args...)` is deprecated. Please use `torch.amp.{name}('cuda', "
        f"args...)` instead.",
        FutureWarning,
    )


show_public_names(__name__)
