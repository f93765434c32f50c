"""einops' backend for tensors: `einops.rearrange(x, "b c h w -> b (h w) c")` takes them.

einops finds it by itself, once both are imported; see `after_import`.
"""

import importlib
from typing import Any

from einops._backends import AbstractBackend

from minigrad import ops
from minigrad.tensor import Tensor, creation


class MinigradBackend(AbstractBackend):  # type: ignore[misc]
    """What einops does with a tensor, in minigrad's operations."""

    framework_name = __name__.partition(".")[0]

    def is_appropriate_type(self, tensor: Any) -> bool:
        return isinstance(tensor, Tensor)

    def from_numpy(self, x: Any) -> Tensor:
        tensor = creation.from_numpy(x)
        return tensor.requires_grad_() if self.is_float_type(tensor) else tensor

    def to_numpy(self, x: Tensor) -> Any:
        return x.detach().numpy()

    def arange(self, start: int, stop: int) -> Tensor:
        return creation.arange(start, stop)

    def shape(self, x: Tensor) -> tuple[int, ...]:
        return tuple(x.shape)

    def reshape(self, x: Tensor, shape: Any) -> Tensor:
        return x.reshape(tuple(shape))

    def transpose(self, x: Tensor, axes: Any) -> Tensor:
        return x.permute(tuple(axes))

    def reduce(self, x: Tensor, operation: str, axes: Any) -> Tensor:
        axes = tuple(axes)
        if operation in ("min", "max"):
            return getattr(x, f"a{operation}")(dim=axes)  # type: ignore[no-any-return]
        if operation == "prod":
            for axis in sorted(axes, reverse=True):
                x = x.prod(dim=axis)
            return x
        return getattr(x, operation)(dim=axes)  # type: ignore[no-any-return]

    def stack_on_zeroth_dimension(self, tensors: list[Tensor]) -> Tensor:
        return ops.stack(tensors)

    def add_axes(self, x: Tensor, n_axes: int, pos2len: dict[int, int]) -> Tensor:
        sizes = [-1] * n_axes
        for position, length in pos2len.items():
            x = x.unsqueeze(position)
            sizes[position] = length
        return x.expand(sizes)

    def add_axis(self, x: Tensor, new_position: int) -> Tensor:
        return x.unsqueeze(new_position)

    def tile(self, x: Tensor, repeats: Any) -> Tensor:
        return x.repeat(tuple(repeats))

    def concat(self, tensors: list[Tensor], axis: int) -> Tensor:
        return ops.cat(tensors, dim=axis)

    def is_float_type(self, x: Tensor) -> bool:
        return x.is_floating_point()

    def layers(self) -> Any:
        return importlib.import_module("minigrad.utils.einops")

    def einsum(self, pattern: str, *x: Tensor) -> Tensor:
        result: Tensor = ops.einsum(pattern, *x)
        return result
