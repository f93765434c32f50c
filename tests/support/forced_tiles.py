"""Results of all kernels that have a register tile: `python -m tests.support.forced_tiles FILE`.

The program computes them on 1 to 4 threads, asserts that not a bit differs, and saves them.
"""

import sys
from collections.abc import Callable
from typing import Any
from unittest import mock

import numpy as np

import minigrad
from minigrad import nn
from minigrad.autograd import grad
from minigrad.kernels.attention.forward import attention
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.kernels.conv import conv2d
from minigrad.kernels.matmul import gemm_nt, matmul
from tests.support.forced_algorithm import forced

Array = np.ndarray[Any, Any]


def products(draw: Callable[..., Array]) -> list[Array]:
    shapes = (
        ((131, 300), (300, 97)), ((3, 40, 133), (133, 129)), ((1030, 70), (70, 11)),
        ((12, 9, 20), (12, 20, 37)), ((12, 3, 20), (20, 19)),
    )  # fmt: skip
    found = [matmul.matmul(draw(*left), draw(*right)) for left, right in shapes]
    return [*found, gemm_nt.inner_products(draw(75, 130), draw(61, 130).T, draw(61))]


def convolutions(draw: Callable[..., Array]) -> list[Array]:
    x, weight, bias = draw(9, 20, 19, 17), draw(45, 20, 3, 3), draw(45)
    options = (1, 1), ((1, 1), (0, 1)), (1, 1), 1
    found = []
    for algorithm, tile in (("implicit_gemm", 0), ("direct", 0), ("winograd", 2), ("winograd", 4)):
        with forced(algorithm, tile):  # type: ignore[arg-type]  # they are names of algorithms
            out = conv2d.conv2d(x, weight, bias, *options)
            found += [
                out,
                conv2d.conv2d_input_grad(out, weight, x.shape, *options),
                conv2d.conv2d_weight_grad(out, x, weight.shape, *options),
            ]
    x, weight, bias = draw(5, 35, 13, 14), draw(35, 1, 5, 3), draw(35)
    for stride in ((1, 1), (2, 3)):
        options = stride, ((2, 2), (1, 0)), (1, 1), 35
        with forced("depthwise"):
            out = conv2d.conv2d(x, weight, bias, *options)
            found += [
                out,
                conv2d.conv2d_input_grad(out, weight, x.shape, *options),
                conv2d.conv2d_weight_grad(out, x, weight.shape, *options),
            ]
    options = (1, 1), ((1, 1), (0, 1)), (1, 1), 1
    strided = (2, 2), ((1, 1), (1, 1)), (1, 1), 1
    out, weight = draw(9, 20, 19, 17), draw(20, 5, 4, 4)
    found.append(conv2d.conv2d_input_grad(out, weight, (9, 5, 38, 34), *strided))
    with forced("winograd", 4):
        x, weight, bias = draw(9, 20, 19, 17), draw(45, 20, 5, 4), draw(45)
        found.append(conv2d.conv2d(x, weight, bias, *options))
        found.append(conv2d.conv2d_input_grad(found[-1], weight, x.shape, *options))
    return found


def attentions(draw: Callable[..., Array]) -> list[Array]:
    return [attention(draw(2, 3, 67, 33), draw(2, 3, 61, 33), draw(2, 3, 61, 17), None, True, 0.2)]


def recurrences(draw: Callable[..., Array]) -> list[Array]:
    x = minigrad.tensor(draw(13, 9, 21), requires_grad=True)
    found = []
    for kind in (nn.RNN, nn.LSTM, nn.GRU):
        minigrad.manual_seed(0)
        module = kind(21, 37, dtype=x.dtype)
        out = module(x)[0]
        slopes = grad(out.square().sum(), [x, *module.parameters()])
        found += [out.detach().numpy(), *(slope.numpy() for slope in slopes)]
    return found


def results(dtype: str) -> list[Array]:
    """All results in a dtype, from the same numbers in each."""
    found = []
    with mock.patch.object(matmul, "SMALL", 0):  # nothing is left to NumPy
        for family in (products, convolutions, attentions, recurrences):
            rng = np.random.default_rng(0)
            found += family(lambda *shape, rng=rng: rng.standard_normal(shape).astype(dtype))
    return found


def main() -> None:
    """Save the results by dtype and number."""
    found: dict[str, Array] = {}
    for dtype in ("float32", "float64"):
        for threads in range(1, get_num_threads() + 1):
            set_num_threads(threads)
            for i, array in enumerate(results(dtype)):
                kept = found.setdefault(f"{dtype} {i}", array)
                assert kept.tobytes() == array.tobytes(), f"{dtype} {i} on {threads} threads"
    np.savez(sys.argv[1], **found)  # type: ignore[arg-type]  # mypy takes a name for an option


if __name__ == "__main__":
    main()
