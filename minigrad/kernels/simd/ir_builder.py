"""A builder of vector code in LLVM's intermediate language.

Numba compiles scalar loops and leaves vectorisation to LLVM.  Each method of `Emitter` (load,
store, splat, multiply_add, loop) emits a line or two of vector code instead.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils

from minigrad.kernels.compiler.pointers import I64
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES

_ELEMENT = {types.float32: ir.FloatType(), types.float64: ir.DoubleType()}


class Emitter:
    """Emits vector code for one element type, at the position of `builder`."""

    def __init__(self, builder: ir.IRBuilder, dtype: Any) -> None:
        self.builder = builder
        self.element = _ELEMENT[dtype]
        self.bytes = dtype.bitwidth // 8
        self.lanes = VECTOR_BYTES // self.bytes
        self.vector = ir.VectorType(self.element, self.lanes)

    def integer(self, value: int) -> Any:
        return ir.Constant(I64, value)

    def add(self, *terms: Any) -> Any:
        total, *rest = (self.integer(t) if isinstance(t, int) else t for t in terms)
        for term in rest:
            total = self.builder.add(total, term)
        return total

    def multiply(self, a: Any, b: Any) -> Any:
        return self.builder.mul(*(self.integer(t) if isinstance(t, int) else t for t in (a, b)))

    def fields(self, record: Any, count: int) -> list[Any]:
        return [self.builder.extract_value(record, i) for i in range(count)]

    def at(self, pointer: Any, *index: Any) -> Any:
        return self.builder.gep(pointer, [self.add(*index)])

    def load(self, pointer: Any) -> Any:
        """Load a vector of consecutive elements, which need not be aligned."""
        vector = self.builder.load(self.builder.bitcast(pointer, self.vector.as_pointer()))
        vector.align = self.bytes
        return vector

    def store(self, vector: Any, pointer: Any) -> None:
        target = self.builder.bitcast(pointer, self.vector.as_pointer())
        self.builder.store(vector, target).align = self.bytes

    def prefetch(self, pointer: Any) -> None:
        """Prefetch the cache line of `pointer`, which is read soon."""
        byte, i32 = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [byte, i32, i32, i32])
        prefetch = cgutils.get_or_insert_function(self.builder.module, kind, "llvm.prefetch.p0")
        line = self.builder.bitcast(pointer, byte)
        self.builder.call(prefetch, [line, *(ir.Constant(i32, flag) for flag in (0, 3, 1))])

    def zero(self) -> Any:
        return ir.Constant(self.vector, [0.0] * self.lanes)

    def splat(self, scalar: Any) -> Any:
        """Return a vector with `scalar` in every lane."""
        undefined = ir.Constant(self.vector, ir.Undefined)
        first = self.builder.insert_element(undefined, scalar, ir.Constant(ir.IntType(32), 0))
        lane_zero = ir.Constant(ir.VectorType(ir.IntType(32), self.lanes), [0] * self.lanes)
        return self.builder.shuffle_vector(first, undefined, lane_zero)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, in one instruction where the CPU has it."""
        name = f"llvm.fmuladd.v{self.lanes}f{8 * self.bytes}"
        kind = ir.FunctionType(self.vector, [self.vector] * 3)
        return self.builder.call(
            cgutils.get_or_insert_function(self.builder.module, kind, name), [a, b, c]
        )

    def interleave(self, a: Any, b: Any, width: int) -> tuple[Any, Any]:
        """Swap the odd blocks of `width` lanes of `a` with the even blocks of `b`."""
        low = [i if not i & width else i - width + self.lanes for i in range(self.lanes)]
        high = [i + width if not i & width else i + self.lanes for i in range(self.lanes)]
        mask = ir.VectorType(ir.IntType(32), self.lanes)
        return (
            self.builder.shuffle_vector(a, b, ir.Constant(mask, low)),
            self.builder.shuffle_vector(a, b, ir.Constant(mask, high)),
        )

    def totals(self, vectors: list[Any]) -> list[Any]:
        """Return the sum over each vector's lanes, packed into vectors."""
        vectors = vectors + [self.zero()] * (-len(vectors) % self.lanes)
        width = 1
        while width < self.lanes:  # two vectors of partial sums become one, of wider blocks
            pairs = zip(vectors[::2], vectors[1::2], strict=True)
            vectors = [self.builder.fadd(*self.interleave(a, b, width)) for a, b in pairs]
            width *= 2
        return vectors

    @contextmanager
    def loop(
        self, count: Any, carried: list[Any], unrolls: bool = True
    ) -> Iterator[tuple[Any, list[Any]]]:
        """Repeat the code that is emitted inside `count` times.

        Yields the counter and a list of the values carried from one iteration to the next.  The
        body replaces the list's items by their new values.  After the loop, `carried` holds the
        last ones.  Where `unrolls` is false, LLVM leaves a round of the loop as it is.
        """
        before = self.builder.block
        head = self.builder.append_basic_block("head")
        body = self.builder.append_basic_block("body")
        done = self.builder.append_basic_block("done")
        self.builder.branch(head)

        self.builder.position_at_end(head)
        counter = self.builder.phi(I64)
        counter.add_incoming(self.integer(0), before)
        entering = [self.builder.phi(value.type) for value in carried]
        for phi, value in zip(entering, carried, strict=True):
            phi.add_incoming(value, before)
        self.builder.cbranch(self.builder.icmp_signed("<", counter, count), body, done)

        self.builder.position_at_end(body)
        values = list(entering)
        yield counter, values
        for phi, value in zip(entering, values, strict=True):
            phi.add_incoming(value, self.builder.block)
        counter.add_incoming(self.add(counter, 1), self.builder.block)
        back = self.builder.branch(head)
        if not unrolls:
            back.set_metadata("llvm.loop", self._never_unrolled())

        self.builder.position_at_end(done)
        carried[:] = entering

    def _never_unrolled(self) -> Any:
        """A loop's identity, as LLVM wants it: a node whose first operand is itself."""
        module = self.builder.module
        never = module.add_metadata(["llvm.loop.unroll.disable"])
        identity = ir.MDValue(module, [never, never], name=str(len(module.metadata)))
        identity.operands = (identity, never)
        return identity
