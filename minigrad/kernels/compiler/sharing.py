"""Whether threads share a loop: machine code compares its work with limits in memory.

To call the other threads into a loop takes longer where they sleep than where they wait for it in
a loop of their own, which they do for a while after the last one.  So there is a limit for each.
`region_cost` measures what calling them costs, and sets the limits; they choose threads, never
what is computed.
"""

import ctypes
import sys
import time
from typing import Any, NamedTuple

from llvmlite import binding, ir
from numba.core import cgutils

_I32, _I64 = ir.IntType(32), ir.IntType(64)

# For so many nanoseconds after a shared loop the other threads are taken to be awake.
AWAKE_NANOSECONDS = 50_000


class Limits(NamedTuple):
    """The least work that threads share, in elements: while the others are awake, or asleep."""

    awake: int
    asleep: int


class _Memory(ctypes.Structure):
    """The limits, and the time until which the other threads are taken to be awake."""

    _fields_ = [("awake", ctypes.c_int64), ("asleep", ctypes.c_int64), ("until", ctypes.c_int64)]


# Bits of a number that hold how many threads there are, below the limit (see `thread_setting`).
THREAD_BITS = 16

_NEVER = 2**46  # so that both are one number of 64 bits

# Until it is measured: OpenMP's on the first machine that this was tuned on.
DEFAULT = Limits(32_768, 131_072)
_AWAKE, _ASLEEP, _UNTIL = range(3)
_memory = _Memory(*DEFAULT, 0)
_SYMBOL = "minigrad_sharing_limits"
binding.add_symbol(_SYMBOL, ctypes.addressof(_memory))

_RECORD = ir.LiteralStructType([_I64] * 3)
_TIME = ir.LiteralStructType([_I64] * 2)  # seconds, nanoseconds
_CLOCK_GETTIME = ir.FunctionType(_I32, [_I32, _TIME.as_pointer()])
_CLOCK: int | None = None if sys.platform == "win32" else time.CLOCK_MONOTONIC


def limits() -> Limits:
    """Return the least work that threads share."""
    return Limits(_memory.awake, _memory.asleep)


def set_limits(chosen: Limits) -> None:
    """Have threads share loops of this much work; all compiled code follows at once."""
    _memory.awake, _memory.asleep = (min(work, _NEVER) for work in chosen)


def emit_is_shared(context: Any, builder: Any, work: Any) -> Any:
    """Emit the decision whether threads share a loop with this much work, as one bit."""
    shared = cgutils.alloca_once_value(builder, ir.IntType(1)(0))
    is_enough = builder.icmp_signed(">=", work, _load(context, builder, _AWAKE))
    with builder.if_then(is_enough):
        builder.store(builder.icmp_signed(">=", work, _load(context, builder, _ASLEEP)), shared)
        with builder.if_then(builder.not_(builder.load(shared))):
            until = _load(context, builder, _UNTIL)
            builder.store(builder.icmp_signed("<=", _now(builder), until), shared)
    return builder.load(shared)


def emit_note_end(context: Any, builder: Any) -> None:
    """Emit the note that the other threads have just left a loop."""
    until = builder.add(_now(builder), _I64(AWAKE_NANOSECONDS))
    builder.store(until, _field(context, builder, _UNTIL))


def _field(context: Any, builder: Any, index: int) -> Any:
    memory = context.get_c_value(builder, _RECORD, _SYMBOL)
    return cgutils.gep_inbounds(builder, memory, 0, index)


def _load(context: Any, builder: Any, index: int) -> Any:
    return builder.load(_field(context, builder, index))


def _now(builder: Any) -> Any:
    """Emit the time in nanoseconds; 0 where there is no such clock, so that threads seem awake."""
    if _CLOCK is None:
        return _I64(0)
    moment = cgutils.alloca_once(builder, _TIME)
    clock = cgutils.get_or_insert_function(builder.module, _CLOCK_GETTIME, "clock_gettime")
    builder.call(clock, [_I32(_CLOCK), moment])
    seconds, nanoseconds = (
        builder.load(cgutils.gep_inbounds(builder, moment, 0, k)) for k in range(2)
    )
    return builder.add(builder.mul(seconds, _I64(10**9)), nanoseconds)


def emit_setting(context: Any, builder: Any, threads: Any) -> Any:
    """Emit `thread_setting`: this number of threads, and the least work that they share."""
    least = builder.shl(_load(context, builder, _AWAKE), _I64(THREAD_BITS))
    return builder.add(least, builder.sext(threads, _I64))
