"""Softmax of scores (keys, queries) over the keys: all queries of a block side by side."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.simd import math
from minigrad.kernels.simd.ir_builder import Emitter
from minigrad.kernels.simd.microkernels import NR_VECTORS
from minigrad.kernels.simd.move import lanes


def _reduction(combine: Callable[[Emitter, Any, Any], Any]) -> Any:
    @intrinsic
    def reduce_columns(
        typingctx: Any, out: Any, source: Any, step: Any, count: Any
    ) -> tuple[Any, Callable[..., Any]]:
        """out[j] = out[j] combined with source[k * step + j] for k < count, for a tile's columns.

        LLVM leaves maxima scalar, and stores what a register could keep.
        """

        def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
            emit = Emitter(builder, out.dtype)
            target, pointer, row_step, rows = args
            cells = [emit.at(target, j * emit.lanes) for j in range(NR_VECTORS)]
            results = [emit.load(cell) for cell in cells]
            with emit.loop(rows, results) as (k, running):
                row = emit.at(pointer, emit.multiply(k, row_step))
                for j in range(NR_VECTORS):
                    running[j] = combine(emit, emit.load(emit.at(row, j * emit.lanes)), running[j])
            for cell, result in zip(cells, results, strict=True):
                emit.store(result, cell)
            return context.get_dummy_value()

        return types.void(out, source, types.intp, types.intp), codegen

    return reduce_columns


def _greater(emit: Emitter, a: Any, b: Any) -> Any:
    """The greater of two, or b where one is NaN."""
    return emit.builder.select(emit.builder.fcmp_ordered(">", a, b), a, b)


greatest_of_columns = _reduction(_greater)
totals_of_columns = _reduction(lambda emit, a, b: emit.builder.fadd(b, a))


@device_function
def exponentials(scores, largest, totals, keys, block):
    """scores = e**(score - largest), in place; `totals` are then 1 / their sums, or 0.

    Where all scores of a query are -inf, its exponentials are 0.  `block` is of whole tiles.
    """
    columns = NR_VECTORS * lanes(scores)
    for i in range(block):
        largest[i] = -np.inf
        totals[i] = 0
    for i in range(0, block, columns):
        greatest_of_columns(offset(largest, i), offset(scores, i), block, keys)
    for i in range(block):
        largest[i] = largest[i] if largest[i] > -np.inf else 0
    for k in range(keys):
        row = offset(scores, k * block)
        for i in range(block):
            row[i] -= largest[i]
    # Over all rows at once: one long loop hides the latency of an exponential, a row does not.
    for i in range(keys * block):
        scores[i] = math.decay(scores[i])
    for i in range(0, block, columns):
        totals_of_columns(offset(totals, i), offset(scores, i), block, keys)
    for i in range(block):
        totals[i] = 1 / totals[i] if totals[i] != 0 else 0
