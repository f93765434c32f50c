"""Layers of fractional max pooling."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from minigrad.nn import functional as F
from minigrad.nn.functional.arguments import IntOrSequence, sizes
from minigrad.nn.module import Module
from minigrad.tensor import Tensor


class _FractionalMaxPool(Module):
    function: ClassVar[Callable[..., Tensor | tuple[Tensor, Tensor]]]
    dimensions: ClassVar[int]

    def __init__(
        self,
        kernel_size: IntOrSequence,
        output_size: IntOrSequence | None = None,
        output_ratio: float | Sequence[float] | None = None,
        return_indices: bool = False,
        _random_samples: Tensor | None = None,
    ) -> None:
        super().__init__()
        if (output_size is None) == (output_ratio is None):
            raise ValueError(
                f"{type(self).__name__} requires specifying either an output size, or a pooling "
                f"ratio, but not both; got {output_size} and {output_ratio}"
            )
        self.kernel_size = sizes(kernel_size, "kernel_size", self.dimensions)
        self.return_indices = return_indices
        self.register_buffer("_random_samples", _random_samples)
        self.output_size: tuple[int, ...] | None = None
        if output_size is not None:
            self.output_size = sizes(output_size, "output_size", self.dimensions)
        self.output_ratio: tuple[float, ...] | None = None
        if output_ratio is not None:
            count = self.dimensions
            ratios = output_ratio if isinstance(output_ratio, Sequence) else (output_ratio,) * count
            if len(ratios) != count or not all(0 < ratio < 1 for ratio in ratios):
                raise ValueError(
                    f"output_ratio must be a number or {count} between 0 and 1 (got {output_ratio})"
                )
            self.output_ratio = tuple(ratios)

    def forward(self, input: Tensor) -> Tensor | tuple[Tensor, Tensor]:
        return type(self).function(
            input, self.kernel_size, self.output_size, self.output_ratio, self.return_indices,
            self._random_samples,
        )  # fmt: skip


class FractionalMaxPool2d(_FractionalMaxPool):
    """The largest elements of windows at random positions: (N, C, H, W) -> (N, C, H', W').

    See `functional.fractional_max_pool2d`.  Raises ValueError unless exactly one of output_size and
    output_ratio is given, and the ratio is between 0 and 1.
    """

    function, dimensions = F.fractional_max_pool2d, 2


class FractionalMaxPool3d(_FractionalMaxPool):
    """The largest elements of windows at random positions: (N, C, D, H, W) -> ... D', H', W'.

    See `functional.fractional_max_pool3d`.  Raises ValueError as FractionalMaxPool2d does.
    """

    function, dimensions = F.fractional_max_pool3d, 3
