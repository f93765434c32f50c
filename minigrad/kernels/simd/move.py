"""Copies, transposes and gathers of vectors, by C pointers."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import I64, offset
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.simd.ir_builder import Emitter


@intrinsic
def lanes(typingctx: Any, pointer: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the number of elements of the pointer's dtype in a vector."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return ir.Constant(I64, VECTOR_BYTES * 8 // pointer.dtype.bitwidth)

    return types.intp(pointer), codegen


@intrinsic
def transpose_block(typingctx: Any, out: Any, source: Any) -> tuple[Any, Callable[..., Any]]:
    """out[j, i] = source[i, j] for a square block, as wide as a vector.

    Both are (pointer, row_step): rows of consecutive elements.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out[0].dtype)
        out_pointer, out_step = emit.fields(args[0], 2)
        pointer, step = emit.fields(args[1], 2)
        rows = [emit.load(emit.at(pointer, emit.multiply(step, i))) for i in range(emit.lanes)]
        width = 1
        while width < emit.lanes:  # swap off-diagonal blocks of 1, then of 2 x 2, 4 x 4 ...
            for i in range(emit.lanes):
                if not i & width:
                    rows[i], rows[i + width] = emit.interleave(rows[i], rows[i + width], width)
            width *= 2
        for i, row in enumerate(rows):
            emit.store(row, emit.at(out_pointer, emit.multiply(out_step, i)))
        return context.get_dummy_value()

    return types.void(out, source), codegen


@intrinsic
def copy_vector(typingctx: Any, out: Any, source: Any) -> tuple[Any, Callable[..., Any]]:
    """Copy one vector of consecutive elements from pointer to pointer."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out.dtype)
        emit.store(emit.load(args[1]), args[0])
        return context.get_dummy_value()

    return types.void(out, source), codegen


@intrinsic
def gather_vector(typingctx: Any, out: Any, source: Any) -> tuple[Any, Callable[..., Any]]:
    """Copy every second element to one vector; no element after the last of these is read."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out.dtype)
        low, high = emit.load(args[1]), emit.load(emit.at(args[1], emit.lanes - 1))
        lanes = [*range(0, emit.lanes, 2), *range(emit.lanes + 1, 2 * emit.lanes, 2)]
        mask = ir.Constant(ir.VectorType(ir.IntType(32), emit.lanes), lanes)
        emit.store(builder.shuffle_vector(low, high, mask), args[0])
        return context.get_dummy_value()

    return types.void(out, source), codegen


@intrinsic
def clear_vector(typingctx: Any, out: Any) -> tuple[Any, Callable[..., Any]]:
    """Store one vector of zeros."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit = Emitter(builder, out.dtype)
        emit.store(emit.zero(), args[0])
        return context.get_dummy_value()

    return types.void(out), codegen


@device_function
def copy_row(out, source, source_step, count):
    """out[i] = source[i * source_step] for i < count, vectorised if the step is 1 or 2."""
    step = lanes(out)
    if source_step == 1 and count >= step:
        for i in range(0, count - step, step):
            copy_vector(offset(out, i), offset(source, i))
        copy_vector(offset(out, count - step), offset(source, count - step))
    elif source_step == 2 and count >= step:
        for i in range(0, count - step, step):
            gather_vector(offset(out, i), offset(source, 2 * i))
        gather_vector(offset(out, count - step), offset(source, 2 * (count - step)))
    else:
        for i in range(count):
            out[i] = source[i * source_step]


@device_function
def transpose(out, source, out_column_step, rows, columns):
    """out[j, i] = source[i, j] for i < rows and j < columns; both are (pointer, row_step).

    The elements of a row are consecutive in `source`, and `out_column_step` apart in `out`.
    """
    target, out_step = out
    values, step = source
    vector = lanes(target)
    for j0 in range(0, columns, vector):
        done = 0
        if out_column_step == 1 and j0 + vector <= columns:
            done = rows // vector * vector
            for i in range(0, done, vector):
                block = (offset(target, j0 * out_step + i), out_step)
                transpose_block(block, (offset(values, i * step + j0), step))
        for j in range(j0, min(j0 + vector, columns)):
            for i in range(done, rows):
                target[j * out_step + i * out_column_step] = values[i * step + j]
