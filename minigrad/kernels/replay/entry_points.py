"""Entry points: C functions that take the arguments of a compiled kernel from an array of words.

A kernel's machine code takes its arguments in registers, an array as seven of them and more.  An
entry point reads these from memory, calls the machine code, and writes what it returns into memory.
It depends on the types alone, so that few of them serve all kernels.  A record of words is:

    the address of the kernel's machine code
    whether the kernel has failed
    the numbers that it returned, one word for each
    its arguments, one word for each number
"""

import inspect
import struct
from functools import cache
from itertools import count
from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import types
from numba.core.compiler_lock import global_compiler_lock

from minigrad.kernels.compiler.kernel import Kernel

Array = np.ndarray[Any, Any]

_I64 = ir.IntType(64)
# The first words of a record.
CODE, FAILED, RETURNED = 0, 1, 2
# Of the words of an array, the address of its elements.
ARRAY_DATA = 4
# Codes with which Numba's functions say that they have not failed: with a value, or with None.
_SUCCESSES = (0, -2)

_numbers = count()
_alive: list[Any] = []  # the machine code of entry points


class Entry(NamedTuple):
    """How a kernel is called for arguments of some types."""

    address: int  # of the entry point
    code: int  # of the kernel's machine code
    returned: int  # the number of words that it returns


def entry_of(kernel: Kernel, arguments: tuple[Any, ...]) -> Entry | None:
    """The entry of a kernel for such arguments, or None if only Python can call it.

    It is compiled if it was never called with arguments of these types.
    """
    dispatcher: Any = kernel.run
    if not hasattr(dispatcher, "overloads"):  # it takes a lock, or runs as Python
        return None
    code = dispatcher.py_func.__code__
    if code.co_flags & inspect.CO_VARARGS:
        arguments = (*arguments[: code.co_argcount], arguments[code.co_argcount :])
    kinds = tuple(dispatcher.typeof_pyval(argument) for argument in arguments)
    if kinds not in dispatcher.overloads:
        dispatcher.compile(kinds)
    compiled = dispatcher.overloads[kinds]
    address = compiled.library.get_pointer_to_function(compiled.fndesc.llvm_func_name)
    found = _entry_point(_Context(compiled), compiled.fndesc.restype, compiled.fndesc.argtypes)
    return None if not address or found is None else Entry(found[0], address, found[1])


class _Context:
    """The compiler's context of a kernel; all of them are equal as keys of a cache."""

    def __init__(self, compiled: Any) -> None:
        self.compiled = compiled

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Context)

    def __hash__(self) -> int:
        return 0


@cache
def _entry_point(
    context: _Context, returned: types.Type, arguments: tuple[types.Type, ...]
) -> tuple[int, int] | None:
    """The address of the entry point for kernels of these types, and the words that they return."""
    compiled = context.compiled
    kind = compiled.target_context.call_conv.get_function_type(returned, arguments)
    library = compiled.library.codegen.create_library("minigrad entry point")
    module = library.create_ir_module("minigrad entry point")
    name = f"minigrad_entry_point_{next(_numbers)}"
    function = ir.Function(module, ir.FunctionType(ir.VoidType(), [_I64] * 4), name)
    words = _write(ir.IRBuilder(function.append_basic_block()), function.args[0], kind)
    if words is None:
        return None
    with global_compiler_lock:
        library.add_ir_module(module)
        library.finalize()
    _alive.append(library)
    return int(library.get_pointer_to_function(name)), words


def _write(builder: Any, record: Any, kind: Any) -> int | None:
    """Write the code; the number of words that the kernel returns, None for unknown types."""
    words = builder.inttoptr(record, _I64.as_pointer())
    result_type = kind.args[0].pointee
    parts = list(getattr(result_type, "elements", [result_type]))
    if isinstance(parts[0], ir.PointerType):  # None
        parts = []
    result, error = (builder.alloca(pointer.pointee) for pointer in kind.args[:2])
    builder.store(ir.Constant(result_type, None), result)
    given = []
    for number, wanted in enumerate(kind.args[2:], RETURNED + len(parts)):
        word = builder.load(builder.gep(words, [_I64(number)]))
        converted = _from_word(builder, word, wanted)
        if converted is None:
            return None
        given.append(converted)
    code = builder.load(words)
    status = builder.call(builder.inttoptr(code, kind.as_pointer()), [result, error, *given])
    good = [builder.icmp_signed("==", status, ir.Constant(status.type, s)) for s in _SUCCESSES]
    failed = builder.select(builder.or_(*good), _I64(0), _I64(1))
    builder.store(failed, builder.gep(words, [_I64(FAILED)]))
    value = builder.load(result)
    for number, part in enumerate(parts):
        single = builder.extract_value(value, number) if hasattr(result_type, "elements") else value
        word = _to_word(builder, single, part)
        if word is None:
            return None
        builder.store(word, builder.gep(words, [_I64(RETURNED + number)]))
    builder.ret_void()
    return len(parts)


def _from_word(builder: Any, word: Any, wanted: Any) -> Any:
    if isinstance(wanted, ir.PointerType):
        return builder.inttoptr(word, wanted)
    if isinstance(wanted, ir.IntType):
        return word if wanted.width == 64 else builder.trunc(word, wanted)
    if isinstance(wanted, ir.DoubleType):
        return builder.bitcast(word, wanted)
    if isinstance(wanted, ir.FloatType):
        return builder.bitcast(builder.trunc(word, ir.IntType(32)), wanted)
    return None


def _to_word(builder: Any, value: Any, kind: Any) -> Any:
    if isinstance(kind, ir.IntType):
        return value if kind.width == 64 else builder.zext(value, _I64)
    return builder.bitcast(value, _I64) if isinstance(kind, ir.DoubleType) else None


def words_of(argument: Any) -> list[int]:
    """The words of an argument; that at `ARRAY_DATA` of an array is still to be its address."""
    if isinstance(argument, np.ndarray):
        return [0, 0, argument.size, argument.itemsize, 0, *argument.shape, *argument.strides]
    if isinstance(argument, tuple):
        return [word for each in argument for word in words_of(each)]
    if isinstance(argument, np.float32):
        return list(struct.unpack("<q", struct.pack("<fxxxx", argument)))
    if isinstance(argument, float):
        return list(struct.unpack("<q", struct.pack("<d", argument)))
    return [int(argument)]
