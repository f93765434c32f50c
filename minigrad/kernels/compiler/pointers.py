"""C pointers in compiled code: made of arrays and addresses, offset, called, incremented."""

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

I64 = ir.IntType(64)


@intrinsic
def pointer(typingctx: Any, array: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a C pointer to an array's elements: `p[i]` reads and writes them.

    Numba counts a reference where an array is passed on; around a register tile that costs 10 %.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return context.make_array(array)(context, builder, args[0]).data

    return types.CPointer(array.dtype)(array), codegen


@intrinsic
def pointer_at(typingctx: Any, like: Any, address: Any) -> tuple[Any, Callable[..., Any]]:
    """Return a C pointer to an address in bytes; its dtype is `like`, or that of the array `like`.

    Operands are passed by address where one kernel serves all layouts, and read-only memory too.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.inttoptr(args[1], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(like, types.intp), codegen


@intrinsic
def record_at(typingctx: Any, records: Any) -> tuple[Any, Callable[..., Any]]:
    """The record that a C pointer points to, whose fields have names."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], context.get_value_type(signature.return_type))

    return records.dtype(records), codegen


@intrinsic
def offset(typingctx: Any, pointer: Any, count: Any) -> tuple[Any, Callable[..., Any]]:
    """Return the pointer, `count` elements further on."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.gep(args[0], [args[1]])

    return pointer(pointer, types.intp), codegen


@intrinsic
def recast(typingctx: Any, like: Any, pointer: Any) -> tuple[Any, Callable[..., Any]]:
    """The pointer as one to elements of the dtype `like`."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[1], context.get_value_type(signature.return_type))

    return types.CPointer(like.dtype)(like, pointer), codegen


@intrinsic
def call(
    typingctx: Any, address: Any, phase: Any, task: Any, workspace: Any, record: Any
) -> tuple[Any, Callable[..., Any]]:
    """Call the C function at `address`, which takes four integers or pointers."""

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.VoidType(), [I64] * 4)
        builder.call(builder.inttoptr(args[0], kind.as_pointer()), args[1:])
        return context.get_dummy_value()

    return types.void(*[types.intp] * 5), codegen


@intrinsic
def fetch_and_increment(typingctx: Any, counter: Any) -> tuple[Any, Callable[..., Any]]:
    """Increment the first element of an int64 array, and return its old value.

    The operation is atomic: no two threads get the same value.
    """

    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        first = context.make_array(counter)(context, builder, args[0]).data
        return builder.atomic_rmw("add", first, ir.Constant(I64, 1), "monotonic")

    return types.int64(counter), codegen
