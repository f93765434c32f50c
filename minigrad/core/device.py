"""The one device there is, in torch's words."""

from typing import Any


class device:  # noqa: N801  torch's name
    """`device("cpu")`.  Raises RuntimeError for any other: minigrad computes on the CPU only."""

    type = "cpu"
    index = None

    def __init__(self, type: Any = "cpu", index: int | None = None) -> None:
        require_cpu(type)

    def __repr__(self) -> str:
        return "device(type='cpu')"

    def __str__(self) -> str:
        return "cpu"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, device)

    def __hash__(self) -> int:
        return hash("cpu")


def is_device(given: Any) -> bool:
    """True if an argument of `to` names a device."""
    return isinstance(given, str | device)


def require_cpu(given: Any) -> None:
    """Raise RuntimeError unless `given` (a device, its name, or None) is the CPU."""
    if given is None or isinstance(given, device):
        return
    if not isinstance(given, str) or given.split(":")[0] != "cpu":
        raise RuntimeError(
            f"minigrad computes on the CPU only: device={given!r} is not available, expected 'cpu'"
        )


def get_default_device() -> device:
    """The device of new tensors: the CPU."""
    return device("cpu")


def set_default_device(device: Any) -> None:
    """Raise RuntimeError unless the device is the CPU, where new tensors are anyway."""
    require_cpu(device)


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: all algorithms here are deterministic."""


def are_deterministic_algorithms_enabled() -> bool:
    """True."""
    return True
