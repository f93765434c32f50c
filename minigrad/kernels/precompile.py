"""Compilation in the background of the kernels that are usually needed next.

    python -m minigrad.kernels.precompile NAME DTYPE

`BackgroundCompiler` runs it when a process compiles the task kernel NAME.  It compiles the task
kernels that belong to the same group, for DTYPE, into the shared cache.  Before each it prints the
name on stdout, and skips it unless the answer on stdin is "yes".
"""

import sys

import numpy as np

from minigrad.kernels.conv import (
    depthwise,
    direct,
    implicit_gemm,
    implicit_gemm_weight_grad,
    winograd,
    winograd_weight_grad,
)
from minigrad.kernels.matmul import gemm, gemm_nt
from minigrad.kernels.pointwise import elementwise
from minigrad.kernels.pooling import max_pool
from minigrad.kernels.reduction import cross_entropy, reduce, softmax

# Groups of task kernels that are used together, in the order in which to compile them.  The first
# is mostly skipped: the process that asks is compiling it already.
_GROUPS = (
    (gemm.product_tasks, gemm_nt.product_tasks),
    (
        gemm.product_tasks,
        winograd_weight_grad.weight_grad_tasks,
        implicit_gemm_weight_grad.weight_grad_tasks,
        winograd.correlation_tasks,
        implicit_gemm.correlation_tasks,
        gemm_nt.product_tasks,
    ),
    (direct.correlation_tasks, direct.weight_grad_tasks),
    (depthwise.correlation_tasks, depthwise.weight_grad_tasks),
)


def compile_along_with(name: str, dtype: np.dtype) -> None:
    """Compile the task kernels of the first group that contains `name`."""
    for tasks in next((group for group in _GROUPS if name in {t.name for t in group}), ()):
        print(tasks.name_for(dtype), flush=True)
        if sys.stdin.readline() == "yes\n":
            tasks.compile(dtype)


def rehearse(dtype: np.dtype) -> None:
    """Call the small kernels that most training steps call, which compiles them, the last first."""
    rows, images = np.ones((64, 64), dtype), np.ones((16, 16, 4, 4), dtype)
    labels = np.zeros(len(rows), np.int64)
    reduce.sum(images, (0, 2, 3))
    reduce.sum(rows.astype(np.float64), (0,))  # large images' sums come together in float64
    max_pool.max_pool2d_backward(images, np.zeros(images.shape, np.int64), images.shape)
    reduce.sum(rows, (0,))
    elementwise.relu_backward(rows, rows)
    softmax.log_softmax_backward(rows, rows, 1)
    cross_entropy.cross_entropy_backward(rows[0, 0], rows, rows.shape, labels, -100)


if __name__ == "__main__":
    compile_along_with(sys.argv[1], np.dtype(sys.argv[2]))
    rehearse(np.dtype(sys.argv[2]))
