"""Devices in torch's words.  All can be named; the CPU is the one that can be used."""

import functools
import re
from collections.abc import Callable
from typing import Any, NoReturn, Self, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

TYPES = (
    "cpu", "cuda", "ipu", "xpu", "mkldnn", "opengl", "opencl", "ideep", "hip", "ve", "fpga", "maia",
    "xla", "lazy", "vulkan", "mps", "meta", "hpu", "mtia", "privateuseone",
)  # fmt: skip


class DeviceError(RuntimeError, AssertionError):
    """A device was used that is not there; torch raises one or the other."""


class device:  # noqa: N801  torch's name
    """A device: `device("cpu")`, `device("cuda:1")`, `device("cuda", 1)`.

    Any of torch's can be made, compared and printed; tensors are on the CPU, and using another
    raises RuntimeError.  As a block, `with device("cpu"):`, it must be the CPU.
    """

    __slots__ = ("index", "type")

    type: str
    index: int | None

    def __init__(self, type: Any, index: int | None = None) -> None:
        if isinstance(type, device):
            type, index = type.type, type.index
        elif isinstance(type, int) and not isinstance(type, bool):
            raise DeviceError(
                f"Cannot access accelerator device when none is available: device({type}) is not "
                f"there, expected 'cpu'"
            )
        elif not isinstance(type, str):
            raise TypeError(f"device() expects a name such as 'cpu', got {type!r}")
        elif ":" in type:
            if index is not None:
                raise RuntimeError(f"the device {type!r} has an index, and index={index} was given")
            type, index = _parsed(type)
        if type not in TYPES:
            raise RuntimeError(
                f"Expected one of {', '.join(TYPES)} device type at start of device string: {type}"
            )
        object.__setattr__(self, "type", type)
        object.__setattr__(self, "index", index)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"attribute {name!r} of 'minigrad.device' objects is not writable")

    def __repr__(self) -> str:
        index = "" if self.index is None else f", index={self.index}"
        return f"device(type={self.type!r}{index})"

    def __str__(self) -> str:
        return self.type if self.index is None else f"{self.type}:{self.index}"

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, device):
            return NotImplemented
        return (self.type, self.index) == (other.type, other.index)

    def __hash__(self) -> int:
        return hash((self.type, self.index))

    def __reduce__(self) -> tuple[Any, ...]:
        return device, (self.type, self.index)

    def __enter__(self) -> Self:
        require_cpu(self)
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def __call__(self, function: F) -> F:
        """Decorate a function: its tensors are made on this device."""

        @functools.wraps(function)
        def call(*args: Any, **settings: Any) -> Any:
            with self:
                return function(*args, **settings)

        return call  # type: ignore[return-value]


def _parsed(name: str) -> tuple[str, int]:
    found = re.fullmatch(r"([a-z]+):(0|[1-9][0-9]*)", name)
    if found is None:
        raise RuntimeError(f"Invalid device string: {name!r}")
    return found[1], int(found[2])


CPU = device("cpu")


def is_device(given: Any) -> bool:
    """True if an argument of `to` names a device."""
    return isinstance(given, str | device | int) and not isinstance(given, bool)


def require_cpu(given: Any) -> None:
    """Raise RuntimeError unless `given` (a device, its name, or None) is the CPU."""
    if given is None or given is CPU or given == "cpu":
        return
    wanted = device(given)
    if wanted.type != "cpu":
        refuse_device(wanted)


def refuse_device(given: Any) -> NoReturn:
    """Raise RuntimeError: this device is not there."""
    raise DeviceError(
        f"minigrad computes on the CPU only, it is not compiled with CUDA enabled: device "
        f"{str(given)!r} is not available, expected 'cpu'"
    )


def get_default_device() -> device:
    """The device of new tensors: the CPU."""
    return CPU


def set_default_device(device: Any) -> None:
    """Raise RuntimeError unless the device is the CPU, where new tensors are anyway."""
    require_cpu(device)
