"""The CPU's floating-point control, which each thread has its own of, in compiled code.

On x86-64 it is the register MXCSR.  Its upper bits say how results are rounded, and whether
denormal numbers are taken and given as zeros; its lower six note what has happened, as overflow.
On other CPUs nothing is read or set: the control reads as 0.
"""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

_I32 = ir.IntType(32)
_BYTES = ir.IntType(8).as_pointer()
_TO_MEMORY = ir.FunctionType(ir.VoidType(), [_BYTES])

# Results that are denormal become zeros ("flush to zero"), and operands ("denormals are zeros").
FLUSH_RESULTS, FLUSH_OPERANDS = 1 << 15, 1 << 6
_EVENTS = 0b111111


def _has_control(builder: Any) -> bool:
    """Return whether code is made for a CPU whose control is known here."""
    return str(builder.module.triple).startswith("x86_64")


def emit_read_control(builder: Any) -> Any:
    """Emit the read of the control, as a 32-bit integer."""
    if not _has_control(builder):
        return _I32(0)
    memory = cgutils.alloca_once(builder, _I32)
    _call(builder, "llvm.x86.sse.stmxcsr", memory)
    return builder.load(memory)


def emit_write_control(builder: Any, control: Any) -> None:
    """Emit the write of the control."""
    if _has_control(builder):
        memory = cgutils.alloca_once(builder, _I32)
        builder.store(control, memory)
        _call(builder, "llvm.x86.sse.ldmxcsr", memory)


def emit_with_control(builder: Any, control: Any, emit: Callable[[], object]) -> None:
    """Emit code that runs with another thread's control; afterwards this thread has its own.

    What `emit` emits is emitted once, between: it should call a function that is not inlined.
    """
    own = emit_read_control(builder)
    difference = builder.and_(builder.xor(own, control), _I32(~_EVENTS))
    differs = builder.icmp_unsigned("!=", difference, _I32(0))
    with cgutils.if_unlikely(builder, differs):
        emit_write_control(builder, builder.xor(own, difference))
    emit()
    with cgutils.if_unlikely(builder, differs):
        emit_write_control(builder, own)


def _call(builder: Any, name: str, memory: Any) -> None:
    function = cgutils.get_or_insert_function(builder.module, _TO_MEMORY, name)
    builder.call(function, [builder.bitcast(memory, _BYTES)])


@intrinsic
def read_control(typingctx: Any) -> tuple[Any, Callable[..., Any]]:
    """Return this thread's floating-point control."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return emit_read_control(builder)

    return types.uint32(), codegen


@intrinsic
def write_control(typingctx: Any, control: Any) -> tuple[Any, Callable[..., Any]]:
    """Set this thread's floating-point control."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        emit_write_control(builder, args[0])
        return context.get_dummy_value()

    return types.void(types.uint32), codegen
