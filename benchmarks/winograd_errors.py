"""Rounding errors of Winograd's convolution, beside those of plain sums and of PyTorch.

`python -m benchmarks.winograd_errors` prints a table.  An error is the largest difference from sums
in the longest floating-point numbers of this machine, relative to the largest of these: 3 x 3
filters, padding 1, normally distributed images (2 of 16 x 16 pixels), and filters scaled as He's.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import numpy as np

from minigrad.bench.process import installed
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.implicit_gemm import correlate_implicit_gemm
from minigrad.kernels.conv.implicit_gemm_weight_grad import weight_grad_implicit_gemm
from minigrad.kernels.conv.winograd import correlate_winograd
from minigrad.kernels.conv.winograd_weight_grad import weight_grad_winograd

CHANNELS = (16, 64, 256)
IMAGES, PIXELS = 2, 16
DTYPES = ("float32", "float64")
TILES = (2, 4)
DIRECTIONS = ("output", "input gradient", "weight gradient")

Arrays = tuple[np.ndarray, np.ndarray, np.ndarray]
Errors = dict[str, float]


def arrays(channels: int, dtype: str) -> Arrays:
    """Images, filters and the gradient of the output, each of its own seed."""
    rng = np.random.default_rng(channels)
    images = rng.standard_normal((IMAGES, channels, PIXELS, PIXELS))
    filters = rng.standard_normal((channels, channels, 3, 3)) * (2 / (9 * channels)) ** 0.5
    grad = rng.standard_normal(images.shape)
    return images.astype(dtype), filters.astype(dtype), grad.astype(dtype)


def exact(images: np.ndarray, filters: np.ndarray, grad: np.ndarray) -> Arrays:
    """The output and both gradients, by sums in long numbers."""
    images, filters, grad = (a.astype(np.longdouble) for a in (images, filters, grad))
    around = ((0, 0), (0, 0), (1, 1), (1, 1))
    padded = np.pad(images, around)
    out, padded_grad, weight_grad = grad * 0, padded * 0, filters * 0
    for i, j in product(range(3), range(3)):
        window = (slice(None), slice(None), slice(i, i + PIXELS), slice(j, j + PIXELS))
        pixels = padded[window].swapaxes(0, 1).reshape(len(filters), -1)
        grads = grad.swapaxes(0, 1).reshape(len(filters), -1)
        shape = (len(filters), IMAGES, PIXELS, PIXELS)
        out += (filters[:, :, i, j] @ pixels).reshape(shape).swapaxes(0, 1)
        padded_grad[window] += (filters[:, :, i, j].T @ grads).reshape(shape).swapaxes(0, 1)
        weight_grad[:, :, i, j] = grads @ pixels.T
    return out, padded_grad[:, :, 1:-1, 1:-1], weight_grad


def ours(images: np.ndarray, filters: np.ndarray, grad: np.ndarray, tile: int) -> Arrays:
    """The same by Winograd's algorithm with tiles of this size, or with plain sums for 0."""
    forward, back = (Axis(PIXELS, 1, -1, taps) for taps in ((0, 1, 2), (2, 1, 0)))
    out, input_grad, weight_grad = (np.empty_like(a) for a in (grad, images, filters))
    transposed = filters.swapaxes(0, 1)
    if tile:
        correlate_winograd(out, images, filters, None, (forward,) * 2, tile)
        correlate_winograd(input_grad, grad, transposed, None, (back,) * 2, tile)
        weight_grad_winograd(weight_grad, grad, images, (forward,) * 2, tile)
    else:
        correlate_implicit_gemm(out, images, filters[None], None, (forward,) * 2)
        correlate_implicit_gemm(input_grad, grad, transposed[None], None, (back,) * 2)
        weight_grad_implicit_gemm(weight_grad[None], grad, images, (forward,) * 2)
    return out, input_grad, weight_grad


def theirs(images: np.ndarray, filters: np.ndarray, grad: np.ndarray) -> Arrays:
    """The same by PyTorch."""
    import torch  # noqa: PLC0415  an optional dependency

    x, weight = (torch.from_numpy(a).requires_grad_() for a in (images, filters))
    out: Any = torch.nn.functional.conv2d(x, weight, padding=1)
    out.backward(torch.from_numpy(grad))
    grads: list[Any] = [x.grad, weight.grad]
    return out.detach().numpy(), grads[0].numpy(), grads[1].numpy()


def measure() -> Iterator[tuple[str, int, str, Errors]]:
    """Dtype, channels and direction, with the error of each algorithm."""
    for dtype, channels in product(DTYPES, CHANNELS):
        given = arrays(channels, dtype)
        right = exact(*given)
        found = {"plain sums": ours(*given, 0)}
        found |= {f"F({m}x{m}, 3x3)": ours(*given, m) for m in TILES}
        if installed("torch"):
            found["torch"] = theirs(*given)
        for i, direction in enumerate(DIRECTIONS):
            scale = abs(right[i]).max()
            errors = {name: float(abs(a[i] - right[i]).max() / scale) for name, a in found.items()}
            yield dtype, channels, direction, errors


def summary() -> list[dict[str, Any]]:
    """What `measure` finds, for a file of results."""
    return [
        {"dtype": dtype, "channels": channels, "direction": direction, "errors": errors}
        for dtype, channels, direction, errors in measure()
    ]


def main() -> None:
    """Print the table."""
    for i, (dtype, channels, direction, errors) in enumerate(measure()):
        if not i:
            head = ("dtype", "channels", "of the", *errors)
            print(f"| {' | '.join(head)} |\n|{' --- |' * len(head)}")
        cells = (dtype, str(channels), direction, *(f"{error:.1e}" for error in errors.values()))
        print(f"| {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
