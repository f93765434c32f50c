"""torch.autograd.forward_ad: tensors that carry tangents, and derivatives along them.

>>> import minigrad.autograd.forward_ad as fwAD
>>> with fwAD.dual_level():
...     x = fwAD.make_dual(minigrad.tensor([2.0]), minigrad.tensor([1.0]))
...     fwAD.unpack_dual(x ** 3)
UnpackedDualTensor(primal=tensor([8.]), tangent=tensor([12.]))
"""

from types import TracebackType
from typing import Any, NamedTuple

from minigrad.core.public_names import show_public_names
from minigrad.engine.forward_mode import (
    close_level,
    open_level,
    set_tangent,
    tangent_of,
    without_tangent,
)
from minigrad.engine.grad_mode import thread
from minigrad.tensor import Tensor

__all__ = [
    "UnpackedDualTensor",
    "dual_level",
    "enter_dual_level",
    "exit_dual_level",
    "make_dual",
    "unpack_dual",
]


class UnpackedDualTensor(NamedTuple):
    """What `unpack_dual` gives: the tensor, and its tangent or None."""

    primal: Tensor
    tangent: Tensor | None


def enter_dual_level() -> int:
    """Open the level in which tensors carry tangents; its number, 0.

    Raises RuntimeError if it is open.
    """
    mode = thread.mode
    if mode.user_level is not None:
        raise RuntimeError("Nested forward mode AD is not supported at the moment")
    mode.user_level = open_level()
    return 0


def exit_dual_level(*, level: int | None = None) -> None:
    """Close the level: tangents are gone.  Raises RuntimeError if it is not open."""
    mode = thread.mode
    if mode.user_level is None or level not in (None, 0):
        raise RuntimeError(
            "Trying to exit a forward AD level that was not the last one that was created. This is "
            "not supported."
        )
    close_level(mode.user_level)
    mode.user_level = None


class dual_level:  # noqa: N801
    """A block inside which `make_dual` and `unpack_dual` work."""

    def __enter__(self) -> int:
        return enter_dual_level()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:  # fmt: skip
        exit_dual_level()


def make_dual(tensor: Tensor, tangent: Tensor, *, level: int | None = None) -> Tensor:
    """A view of the tensor that carries a tangent through the operations it takes part in.

    Raises RuntimeError outside a level, for another shape, and for a tensor that has a tangent;
    ValueError for tensors that are not floating.
    """
    inner = thread.mode.user_level
    if inner is None or level not in (None, 0):
        raise RuntimeError(
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to "
            "enter_dual_level() first."
        )
    return dual_of(tensor, tangent, inner)


def dual_of(tensor: Tensor, tangent: Tensor, level: int) -> Tensor:
    """A view of the tensor with a tangent at one of the engine's levels."""
    for name, given in (("primal", tensor), ("tangent", tangent)):
        if not isinstance(given, Tensor):
            raise TypeError(f"expected the {name} to be a Tensor, got {type(given).__name__}")
        if given.array.dtype.kind not in "fc":
            raise ValueError(
                f"Expected {name} to be floating point or complex, but got: {given.dtype}"
            )
    if tangent_of(tensor, level) is not None:
        raise RuntimeError(
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the "
            "same level is not supported."
        )
    require_size_of_tangent(tensor, tangent)
    dual = tensor.view_as(tensor)
    set_tangent(dual, level, tangent)
    return dual


def require_size_of_tangent(tensor: Tensor, tangent: Tensor) -> None:
    """Raise RuntimeError for a tangent of another shape than its tensor's."""
    if tensor.shape != tangent.shape:
        raise RuntimeError(
            f"Trying to set a forward gradient that has a different size than that of the original "
            f"Tensor, this is not supported. Tensor is of size {list(tensor.shape)} while the "
            f"given forward gradient is of size {list(tangent.shape)}."
        )


def unpack_dual(tensor: Tensor, *, level: int | None = None) -> UnpackedDualTensor:
    """The tensor without its tangent, and the tangent; None if it has none."""
    if not isinstance(tensor, Tensor):
        raise TypeError(f"unpack_dual(): expected a Tensor, got {type(tensor).__name__}")
    inner = thread.mode.user_level
    if inner is None:
        return UnpackedDualTensor(tensor, None)
    tangent: Any = tangent_of(tensor, inner)
    return UnpackedDualTensor(without_tangent(tensor, inner), tangent)


show_public_names(__name__)
