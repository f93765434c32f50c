"""Convolutions of images, forward and both gradients, and pooling."""

from typing import Any, NamedTuple

import numpy as np

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.timing_modes import forward, gradient


class Shape(NamedTuple):
    """N images of C channels, H high and wide, to F channels with a kernel K high and wide."""

    N: int
    C: int
    H: int
    F: int
    K: int
    stride: int = 1
    padding: int = 0
    dilation: int = 1
    groups: int = 1

    @property
    def out(self) -> int:
        """Height and width of the result."""
        return (self.H + 2 * self.padding - self.dilation * (self.K - 1) - 1) // self.stride + 1

    @property
    def settings(self) -> dict[str, int]:
        """The keyword arguments of conv2d."""
        return {name: getattr(self, name) for name in self._fields[5:]}

    @property
    def kind(self) -> str:
        """A name for the shape."""
        kind = f"{self.K}x{self.K}"
        if self.groups > 1:
            kind += " depthwise" if self.groups == self.C else " grouped"
        return kind + (" dilated" if self.dilation > 1 else "")

    @property
    def sizes(self) -> dict[str, int | str]:
        """The sizes as the label shows them: stride and padding only where there are some."""
        sizes: dict[str, int | str] = {n: getattr(self, n) for n in ("N", "C", "H", "F")}
        if self.stride > 1:
            sizes["/"] = self.stride
        if self.padding:
            sizes["+"] = self.padding
        return sizes


SHAPES = [
    Shape(64, 1, 28, 32, 3),  # the lecture's network
    Shape(64, 32, 26, 64, 3),
    Shape(64, 3, 32, 64, 7, stride=2, padding=3),  # ResNet-18 on 32x32 images
    Shape(64, 64, 8, 64, 3, padding=1),
    Shape(64, 64, 8, 128, 3, stride=2, padding=1),
    Shape(64, 64, 8, 128, 1, stride=2),
    Shape(64, 128, 4, 128, 3, padding=1),
    Shape(64, 256, 2, 256, 3, padding=1),
    Shape(64, 512, 1, 512, 3, padding=1),
    Shape(8, 64, 56, 64, 3, padding=1),  # ResNet-18 on 224x224 images
    Shape(8, 128, 28, 128, 3, padding=1),
    Shape(8, 256, 14, 256, 3, padding=1),
    Shape(8, 512, 7, 512, 3, padding=1),
    Shape(2, 3, 56, 64, 7, stride=2, padding=3),
    Shape(8, 64, 56, 256, 1),  # bottlenecks
    Shape(8, 512, 7, 128, 1),
    Shape(16, 16, 32, 16, 3, padding=1),  # small images
    Shape(64, 16, 14, 32, 5, padding=2),
    Shape(64, 1, 8, 16, 3, padding=1),
    Shape(8, 64, 56, 64, 3, padding=1, groups=64),  # depthwise, grouped, dilated
    Shape(8, 128, 28, 128, 3, stride=2, padding=1, groups=128),
    Shape(8, 64, 28, 64, 3, padding=1, groups=4),
    Shape(8, 64, 28, 64, 3, padding=2, dilation=2),
    Shape(2, 16, 16, 16, 3, padding=2, dilation=2),
]


def _tapwise(x: Array, w: Array, shape: Shape) -> Array:
    """The convolution as a sum of matrix products, one for each tap of the kernel."""
    pad, reach = shape.padding, shape.stride * (shape.out - 1) + 1
    x = np.pad(x, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    out = np.zeros((shape.N, shape.F, shape.out, shape.out))
    wide_in, wide_out = shape.C // shape.groups, shape.F // shape.groups
    for k in range(shape.K):
        for l in range(shape.K):
            top, left = k * shape.dilation, l * shape.dilation
            seen = x[:, :, top : top + reach : shape.stride, left : left + reach : shape.stride]
            seen = seen.reshape(shape.N, shape.C, -1)
            for g in range(shape.groups):
                rows = slice(g * wide_out, (g + 1) * wide_out)
                part = w[rows, :, k, l] @ seen[:, g * wide_in : (g + 1) * wide_in]
                out[:, rows] += part.reshape(shape.N, wide_out, shape.out, shape.out)
    return out


def convolutions(shape: Shape) -> list[Case]:
    """Forward, input gradient and weight gradient of one shape."""
    N, C, H, F, K = shape[:5]
    image, weight = (N, C, H, H), (F, C // shape.groups, K, K)
    result = (N, F, shape.out, shape.out)

    def conv2d(library: Any, x: Any, w: Any) -> Any:
        return library.nn.functional.conv2d(x, w, None, **shape.settings)

    def inputs(draw: Draw) -> tuple[Any, ...]:
        return draw(*image), draw(*weight)

    def with_cotangent(draw: Draw) -> tuple[Any, ...]:
        return draw(*image), draw(*weight), draw(*result)

    shared: dict[str, Any] = {
        "sizes": shape.sizes,
        "flops": 2.0 * np.prod(result) * np.prod(weight[1:]),
        "elements": float(np.prod(image) + np.prod(weight) + np.prod(result)),
        "tolerance": 1e-3,  # Winograd's transforms cost figures
    }
    return [
        Case(
            name=f"conv2d {shape.kind} forward",
            inputs=inputs,
            implementations=both(forward(conv2d)),
            reference=lambda x, w: _tapwise(x, w, shape),
            **shared,
        ),
        *(
            Case(
                name=f"conv2d {shape.kind} {what} gradient",
                inputs=with_cotangent,
                implementations=both(gradient(conv2d, place)),
                **shared,
            )
            for place, what in enumerate(("input", "weight"))
        ),
    ]


def volumes(N: int, C: int, D: int, H: int, F: int, K: int = 3) -> list[Case]:
    """Convolution of N volumes of C channels, D images of H x H: forward and both gradients."""
    volume, weight, result = (N, C, D, H, H), (F, C, K, K, K), (N, F, D, H, H)

    def conv3d(library: Any, x: Any, w: Any) -> Any:
        return library.nn.functional.conv3d(x, w, None, padding=K // 2)

    shared: dict[str, Any] = {
        "sizes": {"N": N, "C": C, "D": D, "H": H, "F": F},
        "flops": 2.0 * np.prod(result) * np.prod(weight[1:]),
        "elements": float(np.prod(volume) + np.prod(weight) + np.prod(result)),
        "tolerance": 1e-3,
    }
    return [
        Case(
            name=f"conv3d {K}x{K}x{K} forward",
            inputs=lambda draw: (draw(*volume), draw(*weight)),
            implementations=both(forward(conv3d)),
            **shared,
        ),
        *(
            Case(
                name=f"conv3d {K}x{K}x{K} {what} gradient",
                inputs=lambda draw: (draw(*volume), draw(*weight), draw(*result)),
                implementations=both(gradient(conv3d, place)),
                **shared,
            )
            for place, what in enumerate(("input", "weight"))
        ),
    ]


def pooling(name: str, N: int, C: int, H: int, overlap: bool = False) -> list[Case]:
    """Pooling of N images of C channels, forward and gradient: 2x2, or 3x3 by steps of 2."""
    image, result = (N, C, H, H), (N, C, H // 2, H // 2)
    window = {"kernel_size": 3, "stride": 2, "padding": 1} if overlap else {"kernel_size": 2}

    def pool(library: Any, x: Any) -> Any:
        return getattr(library.nn.functional, name)(x, **window)

    def images(draw: Draw) -> Any:
        # What is equal has to be so in float64 too: the first of equals gets the gradient.
        return draw.integers(10_000, *image).astype(draw.dtype)

    blocks = (N, C, H // 2, 2, H // 2, 2)
    reduce: Any = np.max if name == "max_pool2d" else np.mean
    kind = f"{name} 3x3 /2" if overlap else name
    shared: dict[str, Any] = {
        "sizes": {"N": N, "C": C, "H": H},
        "elements": float(np.prod(image) + np.prod(result)),
    }
    return [
        Case(
            name=f"{kind} forward",
            inputs=lambda draw: [images(draw)],
            implementations=both(forward(pool)),
            reference=None if overlap else lambda x: reduce(x.reshape(blocks), axis=(3, 5)),
            **shared,
        ),
        Case(
            name=f"{kind} gradient",
            inputs=lambda draw: (images(draw), draw(*result)),
            implementations=both(gradient(pool, 0)),
            **shared,
        ),
    ]


CASES = [
    *(case for shape in SHAPES for case in convolutions(shape)),
    *volumes(4, 16, 16, 32, 32),
    *(
        case
        for name in ("max_pool2d", "avg_pool2d")
        for sizes in ((2, 8, 16), (64, 64, 24), (8, 64, 112))
        for overlap in (False, True)
        for case in pooling(name, *sizes, overlap)
    ),
]
