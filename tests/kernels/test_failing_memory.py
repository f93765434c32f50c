"""Memory that runs out inside a kernel: MemoryError, with operands untouched, each time.

Every family of kernels runs with its allocation number k failing, for k = 1, 2, 3 ... until none is
left to fail: NumPy's own allocations and the tasks' workspace, which has no other source.
"""

import contextlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numba import njit
from numba.core.errors import TypingError

import minigrad
from minigrad import optim
from minigrad.kernels import gather
from minigrad.kernels.compiler import workspace
from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.conv import conv2d
from minigrad.kernels.matmul.matmul import matmul
from minigrad.kernels.pointwise import activation, elementwise
from minigrad.kernels.pooling import avg_pool, max_pool
from minigrad.kernels.reduction import reduce, scan, softmax
from minigrad.nn import functional as F
from tests.support.failing_memory import failing
from tests.support.forced_algorithm import forced

Array = np.ndarray[Any, Any]
ROOT = Path(__file__).parents[2]
PLAIN = ((1, 1), ((1, 1), (1, 1)), (1, 1), 1)
STRIDED = ((3, 3), ((1, 1), (2, 2)), (2, 1), 1)


def drawn(*shape: int) -> Array:
    return np.random.default_rng(sum(shape)).standard_normal(shape).astype(np.float32)


X, W, G = drawn(2, 8, 9, 9), drawn(20, 8, 3, 3), drawn(2, 20, 9, 9)
DEEP, FILTERS = drawn(2, 40, 9, 9), drawn(40, 1, 3, 3)
DEPTHWISE, DILATED = (*PLAIN[:3], 40), ((1, 1), ((2, 2), (2, 2)), (2, 2), 1)
ROWS, COLUMNS = drawn(70, 300), drawn(300, 90)

CONVOLUTIONS: dict[str, tuple[Callable[..., Any], tuple[Array, ...]]] = {
    "conv2d": (lambda x, w, b: conv2d.conv2d(x, w, b, *PLAIN), (X, W, drawn(20))),
    "strided": (lambda x, w: conv2d.conv2d(x, w, None, *STRIDED), (X, W)),
    "input grad": (lambda g, w: conv2d.conv2d_input_grad(g, w, X.shape, *PLAIN), (G, W)),
    "weight grad": (lambda g, x: conv2d.conv2d_weight_grad(g, x, W.shape, *PLAIN), (G, X)),
}
FAMILIES: dict[str, tuple[Callable[..., Any], tuple[Array, ...]]] = {
    "gemm": (matmul, (ROWS, COLUMNS)),
    "gemm, bias": (matmul, (ROWS, COLUMNS, drawn(90))),
    "gemm_nt": (lambda a, b: matmul(a, b.T), (ROWS, drawn(90, 300))),
    "gemv": (matmul, (drawn(600, 600), drawn(600, 1))),
    "depthwise": (lambda x, w: conv2d.conv2d(x, w, None, *DEPTHWISE), (DEEP, FILTERS)),
    "depthwise, filters": (
        lambda g, x: conv2d.conv2d_weight_grad(g, x, FILTERS.shape, *DEPTHWISE),
        (DEEP, DEEP),
    ),
    "dilated": (
        lambda x, w: conv2d.conv2d(x, w, None, *DILATED),
        (DEEP, drawn(40, 40, 3, 3)),
    ),
    "max_pool": (lambda x: max_pool.max_pool2d(x, (3, 3), (2, 2), (1, 1), (1, 1), False), (X,)),
    "avg_pool": (
        lambda x: avg_pool.avg_pool2d(x, (3, 3), (2, 2), (1, 1), False, True, None),
        (drawn(2, 8, 50, 50),),
    ),
    "relu": (elementwise.relu, (X,)),
    "silu": (activation.silu, (X,)),
    "sum": (lambda x: reduce.sum(x, (0, 2)), (X,)),
    "running sums": (lambda x: scan.running_sums(x, 1), (X,)),
    "softmax": (lambda x: softmax.softmax(x, 1), (X,)),
    "take_along": (lambda x, at: gather.take_along(x, at, 0), (ROWS, np.zeros((9, 300), int))),
}
ALGORITHMS = {"winograd 4": ("winograd", 4), "winograd 2": ("winograd", 2)} | {
    name: (name, 0) for name in ("direct", "implicit_gemm")
}


def forget() -> None:
    """No workspace and no plan of an earlier call is left."""
    vars(workspace)["_workspace"] = type(workspace._workspace)()
    for name, module in list(sys.modules.items()):
        if name.startswith("minigrad.kernels"):
            for function in list(vars(module).values()):
                if hasattr(function, "cache_clear"):
                    function.cache_clear()


def results(result: Any) -> list[Array]:
    return [*result] if isinstance(result, tuple) else [result]


def fail_each_allocation(function: Callable[..., Any], operands: tuple[Array, ...]) -> int:
    """The number of allocations, each of which has failed once."""
    before = [a.copy() for a in operands]
    expected = results(function(*operands))
    number = 1
    while True:
        forget()
        with failing(number) as countdown, contextlib.suppress(MemoryError):
            found = results(function(*operands))
            assert countdown.left > 0, f"allocation {number} has failed without an error"
        if countdown.left > 0:
            return number - 1
        for operand, copy in zip(operands, before, strict=True):
            np.testing.assert_array_equal(operand, copy)
        found = results(function(*operands))
        for mine, right in zip(found, expected, strict=True):
            np.testing.assert_array_equal(mine, right)
        number += 1


@pytest.mark.parametrize("name", FAMILIES)
def test_each_allocation_of_a_kernel_may_fail(name: str) -> None:
    assert fail_each_allocation(*FAMILIES[name]) > 0


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("name", CONVOLUTIONS)
def test_each_allocation_of_a_convolution_may_fail(name: str, algorithm: str) -> None:
    with forced(*ALGORITHMS[algorithm]):  # type: ignore[arg-type]  # names of algorithms
        assert fail_each_allocation(*CONVOLUTIONS[name]) > 1  # the result, and the workspace


# 256 TiB, which no address space has.
HUGE = 2**46
OPERATIONS: dict[str, Callable[..., Any]] = {
    "conv2d": lambda x: F.conv2d(x.reshape(1, 1, 2, 2), minigrad.ones(1, 1, 2, 2), padding=2**22),
    "matmul": lambda x: x[:1].expand(2**23, 4) @ x[:1].expand(4, 2**23),
    "max_pool2d": lambda x: F.max_pool2d(x[0].expand(1, 2**23, 2**23), 2, 1),
    "relu": lambda x: minigrad.relu(x[0].expand(HUGE)),
    "add": lambda x: x[0].expand(HUGE) + x[1],
    "exp": lambda x: minigrad.exp(x[0].expand(HUGE)),
    "sum": lambda x: x[0].expand(2, HUGE).sum(0),
    "softmax": lambda x: x[0].expand(2, HUGE).softmax(0),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_says_that_memory_is_short(name: str) -> None:
    """The error is a MemoryError, and a RuntimeError as PyTorch's."""
    x = minigrad.tensor([1.0, 2.0, 3.0, 4.0])
    with pytest.raises(minigrad.OutOfMemoryError, match="not enough memory") as raised:
        OPERATIONS[name](x)
    assert isinstance(raised.value, MemoryError)
    assert isinstance(raised.value, RuntimeError)
    assert x.tolist() == [1, 2, 3, 4]


def test_a_step_of_an_optimizer_is_done_or_not() -> None:
    """No parameter is a step ahead of the others after an allocation has failed."""
    number, done = 0, False
    while not done:
        number += 1
        weights = [minigrad.ones(40, 30, requires_grad=True) for _ in range(3)]
        optimizer = optim.AdamW(weights, lr=0.1)
        for weight in weights:
            weight.grad = minigrad.ones_like(weight)
        with failing(number) as countdown, contextlib.suppress(MemoryError):
            optimizer.step()
        done = countdown.left > 0
        assert len({float(weight.detach().numpy()[0, 0]) for weight in weights}) == 1
    assert number > 1


def test_a_device_function_that_allocates_does_not_compile() -> None:
    @device_function
    def allocate(n):  # type: ignore[no-untyped-def]  # Numba's
        return np.empty(n)[0]

    @njit
    def caller():  # type: ignore[no-untyped-def]
        return allocate(3)

    with pytest.raises(TypingError):
        caller()


@pytest.mark.skipif(sys.platform != "linux", reason="limits Linux's address space")
def test_convolution_in_a_process_of_little_memory() -> None:
    """With no room for the workspace there is no result at all, with room it is right."""
    program = """
import resource, minigrad
minigrad.set_num_threads(1)
from minigrad.nn import functional as F
small, weight = minigrad.ones(1, 16, 32, 32), minigrad.ones(16, 16, 3, 3)
F.conv2d(small, weight, padding=1)  # compiled, and threads started
images = minigrad.ones(4, 16, 128, 128)
counts = [0, 0]
for room in range(0, 64, 2):
    pages = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (pages + room * 2**20, resource.RLIM_INFINITY))
    try:
        out = F.conv2d(images, weight, padding=1).numpy()[:, :, 1:-1, 1:-1]
    except MemoryError:
        counts[0] += 1
        continue
    counts[1] += 1
    assert out.min() == out.max() == 144, room
assert images.numpy().min() == images.numpy().max() == 1
assert counts[1] > 0, counts
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stderr
