"""Update rules as kernels: generated source, one pass over all parameters of a batch.

A rule reaches this file as a `Program`, plain data.  `compiled` writes it out as a Python module
in the cache directory, because Numba keeps machine code on disk only for functions that have a
file.  The file's name is a digest of all that went into it, so an edit is never answered from an
old one.
"""

import atexit
import hashlib
import importlib.util
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from functools import cache, cached_property
from pathlib import Path
from typing import Any, NamedTuple

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from minigrad.kernels.build import Kernel, cache_dir, kernel

Array = np.ndarray[Any, Any]
carray: Any = vars(numba)["carray"]

# Elements per unit of parallel work: a few pages of each array.
SPAN = 4096


class Program(NamedTuple):
    """What happens to one element: straight-line code over numbered values.

    Values 0 ... inputs-1 are the arrays' elements, each instruction `(name, *operands)` makes the
    next.  An operand below zero, `~k`, is the scalar number k, the same for all elements.
    `outputs` pairs an input's number with the operand stored back into it.
    """

    name: str
    inputs: int
    instructions: tuple[tuple[Any, ...], ...]
    outputs: tuple[tuple[int, int], ...]


# How an instruction reads in the generated source.  Operands are names, so repeating one is free.
EXPRESSIONS = {
    "add": "{0} + {1}",
    "subtract": "{0} - {1}",
    "multiply": "{0} * {1}",
    "divide": "{0} / {1}",
    "power": "{0} ** {1}",
    "negative": "-{0}",
    "absolute": "abs({0})",
    "sqrt": "sqrt({0})",
    "exp": "exp({0})",
    "log": "log({0})",
    "tanh": "tanh({0})",
    # The last branch also answers for zero and nan.
    "sign": "one if {0} > zero else (-one if {0} < zero else {0})",
    # A nan on either side is kept, as numpy.maximum does.
    "maximum": "{0} if {0} >= {1} or {0} != {0} else {1}",
    "minimum": "{0} if {0} <= {1} or {0} != {0} else {1}",
    "less": "{0} < {1}",
    "less_equal": "{0} <= {1}",
    "greater": "{0} > {1}",
    "greater_equal": "{0} >= {1}",
    "equal": "{0} == {1}",
    "not_equal": "{0} != {1}",
    "and": "{0} & {1}",
    "or": "{0} | {1}",
    "not": "not {0}",
    "number": "one if {0} else zero",
    "where": "{1} if {0} else {2}",
}

_MODULE = '''\
"""Generated from the update rule `{name}`.  Edits are undone: change the rule instead."""

from math import exp, log, sqrt, tanh

import numpy as np
from numba import carray

from minigrad.kernels.build import kernel, prange
from minigrad.kernels.update import pointer

real = np.{dtype}
one, zero = real(1), real(0)


@kernel
def update(addresses, starts, first, last, scalars):
{scalars}
    for span in prange(first.size):
        low, high = span * {span}, (span + 1) * {span}
        for p in range(first[span], last[span]):
            begin, end = max(low, starts[p]), min(high, starts[p + 1])
            skipped, n = (begin - starts[p]) * {itemsize}, end - begin
{arrays}
            for i in range(n):
{body}
'''


def _pointer(typing_context: Any, address: Any) -> Any:
    """The address, an integer, as a pointer."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.inttoptr(arguments[0], ir.IntType(8).as_pointer())

    return types.voidptr(types.int64), codegen


pointer: Any = intrinsic(_pointer)


def source(program: Program, dtype: np.dtype[Any]) -> str:
    """The module that applies `program` to arrays of `dtype`."""
    read = {o for _, *operands in program.instructions for o in operands}
    read |= {operand for _, operand in program.outputs}
    stored = {number for number, _ in program.outputs}
    touched = [k for k in range(program.inputs) if k in read | stored]

    def named(operand: int) -> str:
        return f"s{~operand}" if operand < 0 else f"x{operand}"

    loop = [f"x{k} = a{k}[i]" for k in touched if k in read]
    for number, (name, *operands) in enumerate(program.instructions, program.inputs):
        loop.append(f"x{number} = " + EXPRESSIONS[name].format(*map(named, operands)))
    loop += [f"a{number}[i] = {named(operand)}" for number, operand in program.outputs]
    scalars = [f"s{k} = real(scalars[{k}])" for k in sorted(~o for o in read if o < 0)]
    arrays = [f"a{k} = carray(pointer(addresses[{k}, p] + skipped), (n,), real)" for k in touched]
    return _MODULE.format(
        name=program.name,
        dtype=dtype.name,
        itemsize=dtype.itemsize,
        span=SPAN,
        scalars=_indented(scalars, 4),
        arrays=_indented(arrays, 12),
        body=_indented(loop, 16),
    )


def _indented(lines: list[str], by: int) -> str:
    return "\n".join(" " * by + line for line in lines)


@cache
def compiled(program: Program, dtype: np.dtype[Any]) -> Kernel:
    """The kernel for `program` on float32 or float64 arrays; it compiles on its first call."""
    text = source(program, dtype)
    digest = hashlib.sha256(text.encode() + Path(__file__).read_bytes()).hexdigest()[:16]
    name = re.sub(r"\W", "_", program.name)
    path = _written(f"{name}_{digest}", text)
    spec = importlib.util.spec_from_file_location(f"minigrad_rule_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise RuntimeError(f"cannot import the generated update rule {path}")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # where Numba looks for it when it loads machine code
    spec.loader.exec_module(module)
    update: Kernel = module.update
    return update


def _written(stem: str, text: str) -> Path:
    """The file that holds `text`, in the cache, or for this process where that is read-only."""
    try:
        return _write(cache_dir() / "rules", stem, text)
    except OSError:
        return _write(_temporary_folder(), stem, text)


def _write(folder: Path, stem: str, text: str) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{stem}.py"
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return path
    # Renamed into place, so that another process never reads half a file.
    handle, partial = tempfile.mkstemp(dir=folder, prefix=stem, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)
    return path


@cache
def _temporary_folder() -> Path:
    folder = tempfile.mkdtemp(prefix="minigrad-rules-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return Path(folder)


# --- handing many arrays to one kernel ---------------------------------------------------------

# Where the fields of NumPy's `PyArrayObject` lie behind the object's header.  They are part of
# its C interface.  Asking Python for an array's address takes 1.4 us, reading it here 5 ns.
_HEADER = object.__basicsize__
_NDIM, _SHAPE, _DTYPE, _FLAGS = _HEADER + 8, _HEADER + 16, _HEADER + 40, _HEADER + 48
_C_CONTIGUOUS_AND_ALIGNED = 0x0001 | 0x0100


@kernel
def find(addresses: Any, objects: Any, alike: Any) -> Any:
    """Write the data addresses of the arrays with these ids; -1, or the first that is unfit.

    Fit is a C-contiguous array of the same shape and dtype as the array whose id is in `alike`.
    """
    for k in range(objects.size):
        a, b = objects[k], alike[k]
        ndim = carray(pointer(a + _NDIM), (1,), np.int32)[0]
        flags = carray(pointer(a + _FLAGS), (1,), np.int32)[0]
        fit = flags & _C_CONTIGUOUS_AND_ALIGNED == _C_CONTIGUOUS_AND_ALIGNED
        fit &= ndim == carray(pointer(b + _NDIM), (1,), np.int32)[0]
        fit &= (
            carray(pointer(a + _DTYPE), (1,), np.int64)[0]
            == carray(pointer(b + _DTYPE), (1,), np.int64)[0]
        )
        if fit:
            mine = carray(
                pointer(carray(pointer(a + _SHAPE), (1,), np.int64)[0]), (ndim,), np.int64
            )
            other = carray(
                pointer(carray(pointer(b + _SHAPE), (1,), np.int64)[0]), (ndim,), np.int64
            )
            for axis in range(ndim):
                fit &= mine[axis] == other[axis]
        if not fit:
            return k
        addresses[k] = carray(pointer(a + _HEADER), (1,), np.int64)[0]
    return -1


@cache
def _headers_are_known() -> bool:
    """Whether `find` reads this NumPy rightly: then it may be trusted."""
    plain = np.zeros((2, 3))
    others = [np.zeros((3, 2)).T, np.zeros((3, 2)), np.zeros(6), np.zeros((2, 3), np.float32)]
    found, ids = np.zeros(1, np.int64), np.array([id(plain)], np.int64)
    return bool(
        find.serial(found, ids, ids) == -1
        and found[0] == plain.ctypes.data
        and all(find.serial(found, np.array([id(a)], np.int64), ids) == 0 for a in others)
    )


def refuse_misfit(
    parameters: Sequence[Array], others: Sequence[Array], what: str = "gradient"
) -> None:
    """Raise RuntimeError if an array's shape is not that of its parameter."""
    for array, other in zip(parameters, others, strict=True):
        if other.shape != array.shape:
            raise RuntimeError(
                f"a {what} of shape {other.shape} does not fit its parameter of shape {array.shape}"
            )


class Batch:
    """Arrays that one kernel call updates: parameters, their gradients, and each state of them.

    The kernel works in the parameters' dtype.  Raises RuntimeError if an array to be updated is
    read-only, or a state's shape is not its parameter's.
    """

    def __init__(self, parameters: Sequence[Array], states: Sequence[Sequence[Array]]) -> None:
        self.parameters = list(parameters)
        self.dtype = self.parameters[0].dtype.newbyteorder("=")
        # A kernel wants contiguous memory: arrays that are not stand aside for a copy of theirs.
        self._copies: list[tuple[Array, Array]] = []
        self._updated = [[self._plain(a) for a in row] for row in (parameters, *states)]
        for row in states:
            refuse_misfit(self.parameters, row, "state")
        n = len(self.parameters)
        self._addresses = np.zeros((2 + len(states), n), np.int64)
        for k, row in enumerate(self._updated):
            self._addresses[k + (k > 0)] = [a.ctypes.data for a in row]
        self._ids = np.array([id(a) for a in self._updated[0]], np.int64)
        self._gradients: list[Array] = []

    def _plain(self, array: Array) -> Array:
        if not array.flags.writeable:
            raise RuntimeError(
                f"cannot update an array of shape {array.shape} in place: it is read-only"
            )
        if array.flags.c_contiguous and array.flags.aligned and array.dtype == self.dtype:
            return array
        copy = np.empty(array.shape, self.dtype)
        self._copies.append((array, copy))
        return copy

    @cached_property
    def _spans(self) -> tuple[Array, Array, Array]:
        """Where each parameter starts in one row of all, and which parameters each span meets."""
        starts = np.cumsum([0, *(a.size for a in self.parameters)], dtype=np.int64)
        lows = np.arange(0, starts[-1], SPAN)
        first = np.searchsorted(starts, lows, side="right") - 1
        last = np.searchsorted(starts, lows + SPAN, side="left")
        return starts, first, np.minimum(last, len(self.parameters))

    def aim(self, gradients: list[Array]) -> None:
        """Take these gradients for the next run.  Raises RuntimeError if a shape is wrong."""
        self._gradients = gradients  # they must outlive the run, which knows only addresses
        ids = np.array(list(map(id, gradients)), np.int64)
        if _headers_are_known() and find.serial(self._addresses[1], ids, self._ids) < 0:
            return
        refuse_misfit(self.parameters, gradients)
        self._gradients = [np.require(g, self.dtype, ["C", "A"]) for g in gradients]
        self._addresses[1] = [g.ctypes.data for g in self._gradients]

    def run(self, program: Program, scalars: Sequence[float]) -> None:
        """Apply `program`, whose inputs are parameter, gradient and states, to every element."""
        if not program.outputs:
            return
        starts, first, last = self._spans
        for array, copy in self._copies:
            copy[...] = array
        update = compiled(program, self.dtype).on(int(starts[-1]) * program.inputs)
        update(self._addresses, starts, first, last, np.array(scalars, np.float64))
        for array, copy in self._copies:
            array[...] = copy
        self._gradients = []
