"""Parallel loops: Numba's threading layer divides the iterations of a loop among threads.

A loop is a device function `loop(begin, end, *values)`.  One thread calls it for all iterations, or
each of several threads for a part of them.  It is compiled once for both.

Every thread computes as the one that launches: what that does with denormal numbers, and how it
rounds, is set in the others while they run its loop.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from minigrad.kernels.compiler.float_control import emit_read_control, emit_with_control
from minigrad.kernels.compiler.fork import LIMIT_SYMBOL
from minigrad.kernels.compiler.sharing import emit_is_shared, emit_note_end

_I32, _I64 = ir.IntType(32), ir.IntType(64)
_BYTES, _INTEGERS = ir.IntType(8).as_pointer(), ir.IntType(64).as_pointer()

# The function that a threading layer calls has the signature of a ufunc's inner loop: (pointers,
# counts, steps, data).  Here the one pointer is the index of the first part to run, the one count
# is the number of parts, and the data is the record below.
_PART = ir.FunctionType(ir.VoidType(), [_BYTES.as_pointer(), _INTEGERS, _INTEGERS, _BYTES])
# Takes such a function and its arguments, where the first count is that of all parts; the numbers
# of further counts and of pointers; and the number of threads.
_PARALLEL_FOR = ir.FunctionType(ir.VoidType(), [_BYTES] * 5 + [_I64] * 3)
_GET_NUM_THREADS = ir.FunctionType(_I32, [])

# Fields of the record that all threads read: the loop's values, the number of iterations, the
# number of parts that they are divided into, whether a part has failed, and the floating-point
# control of the thread that launches.
_VALUES, _COUNT, _PARTS, _FAILED, _CONTROL = range(5)


@intrinsic
def share_out(
    typingctx: Any, loop: Any, count: Any, work: Any, values: Any
) -> tuple[Any, Callable[..., Any]]:
    """Call the device function `loop(begin, end, *values)` for `count` iterations.

    If there is enough work, each thread calls it for an even part of them.  Raises RuntimeError if
    one fails.
    """
    values = types.unliteral(values)
    compiled = loop.dispatcher.get_compile_result(types.void(types.intp, types.intp, *values))

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        context.add_linking_libs([compiled.library])
        _, count, work, values = args
        threads = _number_of_threads(context, builder, emit_is_shared(context, builder, work))
        parts = builder.select(builder.icmp_signed("<", count, threads), count, threads)
        with builder.if_else(builder.icmp_signed(">", parts, _I64(1))) as (is_parallel, is_serial):
            with is_parallel:
                fields = values, count, parts, _I32(0), emit_read_control(builder)
                _launch(context, builder, compiled, fields)
                emit_note_end(context, builder)
            with is_serial:
                status = _run(context, builder, compiled, _I64(0), count, values)
                with cgutils.if_unlikely(builder, status.is_error):
                    context.call_conv.return_status_propagate(builder, status)
        return context.get_dummy_value()

    return types.void(loop, types.intp, types.int64, values), codegen


def _number_of_threads(context: Any, builder: Any, is_shared: Any) -> Any:
    threads = cgutils.alloca_once_value(builder, _I64(1))
    with builder.if_then(is_shared):
        available = builder.call(_declared(builder, _GET_NUM_THREADS, "get_num_threads"), [])
        limit = builder.load(context.get_c_value(builder, _I32, LIMIT_SYMBOL))
        is_less = builder.icmp_signed("<", limit, available)
        available = builder.select(is_less, limit, available)
        builder.store(builder.sext(available, _I64), threads)
    return builder.load(threads)


def _declared(builder: Any, kind: Any, name: str) -> Any:
    return cgutils.get_or_insert_function(builder.module, kind, name)


def _run(context: Any, builder: Any, compiled: Any, begin: Any, end: Any, values: Any) -> Any:
    """Emit a call of the loop, and return its status."""
    arguments = [begin, end, *cgutils.unpack_tuple(builder, values)]
    status, _ = context.call_internal_no_propagate(
        builder, compiled.fndesc, compiled.signature, arguments
    )
    return status


def _launch(context: Any, builder: Any, compiled: Any, fields: tuple[Any, ...]) -> None:
    """Emit the launch of all parts, and the wait for them."""
    record = cgutils.alloca_once(builder, ir.LiteralStructType([field.type for field in fields]))
    for index, field in enumerate(fields):
        builder.store(field, _field(builder, record, index))
    part = _part(context, builder.module, compiled, record.type.pointee)
    first, parts, step = (
        cgutils.alloca_once_value(builder, value)
        for value in (_BYTES(None), fields[_PARTS], _I64(1))
    )
    arguments = [builder.bitcast(a, _BYTES) for a in (part, first, parts, step, record)]
    parallel_for = _declared(builder, _PARALLEL_FOR, "numba_parallel_for")
    builder.call(parallel_for, [*arguments, _I64(0), _I64(1), fields[_PARTS]])
    failed = builder.load(_field(builder, record, _FAILED))
    with cgutils.if_unlikely(builder, builder.icmp_signed("!=", failed, _I32(0))):
        message = "a kernel has failed in one of its threads; on one thread it raises the cause"
        context.call_conv.return_user_exc(builder, RuntimeError, (message,))


def _part(context: Any, module: Any, compiled: Any, record_type: Any) -> Any:
    """Emit the function that the threading layer calls, which runs some parts."""
    inner = _uncontrolled_part(context, module, compiled, record_type)
    function, builder = _internal_function(module, "part")
    record = builder.bitcast(function.args[-1], record_type.as_pointer())
    control = builder.load(_field(builder, record, _CONTROL))
    emit_with_control(builder, control, lambda: builder.call(inner, function.args))
    builder.ret_void()
    return function


def _internal_function(module: Any, name: str) -> tuple[Any, Any]:
    function = ir.Function(module, _PART, module.get_unique_name(name))
    function.linkage = "internal"
    return function, ir.IRBuilder(function.append_basic_block())


def _uncontrolled_part(context: Any, module: Any, compiled: Any, record_type: Any) -> Any:
    """Emit the function that runs some parts, with the control that its thread has."""
    function, builder = _internal_function(module, "uncontrolled_part")
    # Inlined, its arithmetic could be moved to before the control is set.
    function.attributes.add("noinline")
    pointers, counts, _, data = function.args
    record = builder.bitcast(data, record_type.as_pointer())
    values, count, parts = (
        builder.load(_field(builder, record, field)) for field in (_VALUES, _COUNT, _PARTS)
    )
    first = builder.ptrtoint(builder.load(pointers), _I64)
    last = builder.add(first, builder.load(counts))
    begin, end = (builder.sdiv(builder.mul(n, count), parts) for n in (first, last))
    status = _run(context, builder, compiled, begin, end, values)
    with cgutils.if_unlikely(builder, status.is_error):
        builder.store(_I32(1), _field(builder, record, _FAILED))
    builder.ret_void()
    return function


def _field(builder: Any, record: Any, index: int) -> Any:
    return cgutils.gep_inbounds(builder, record, 0, index)
