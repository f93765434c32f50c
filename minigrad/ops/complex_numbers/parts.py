"""Complex tensors made of real ones, and their parts.

Gradients follow torch's convention: that of a real loss L with respect to x + iy is
dL/dx + i dL/dy.
"""

from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.complex_arrays import complex_of, parts_of
from minigrad.core.types import Array
from minigrad.core.warn import warn_caller
from minigrad.engine.complex_form import takes_complex
from minigrad.engine.graph import V, Value
from minigrad.engine.op import arr, composed, op, sample
from minigrad.ops.elementwise import elementary
from minigrad.ops.elementwise.elementary import where
from minigrad.ops.shape import copies
from minigrad.ops.shape.split import select

PAIRS_OF_PARTS = [
    sample(arr.of(3, 4), arr.of(3, 4)),
    sample(arr.of(2, 1, 3), arr.of(4, 1)),
    sample(arr.of(), arr.of()),
    sample(arr.of(0, 2), arr.of(2)),
]


def is_complex(input: Value) -> bool:
    """True for complex elements; also of a value that the engine has not marked yet."""
    return bool(input.array.dtype.kind == "c")


# --- casts ----------------------------------------------------------------------------------


@op(
    node="ToCopyBackward0",
    vjp=(lambda g, out, x, *, dtype: real(g).to(x.dtype),),
    samples=[sample(arr.of(3, 4), dtype=dtypes.complex128), sample(arr.of(), dtype=dtypes.cdouble)],
    takes_complex=True,
)
def as_complex(input: Array, *, dtype: dtypes.dtype) -> Array:
    """A real tensor as a complex one, whose imaginary part is 0."""
    return input.astype(dtype.numpy)


def cast(input: V, *, dtype: dtypes.dtype) -> V:
    """The elements cast to another dtype."""
    if dtype.is_complex and not is_complex(input):
        return as_complex(input, dtype=dtype)
    return copies.cast(input, dtype=dtype)


def _cast_complex(input: Array, *, dtype: dtypes.dtype) -> Array:
    if dtype.is_complex:
        return input.astype(dtype.numpy)
    if dtype is dtypes.bool_:
        return input != 0
    warn_caller(
        "Casting complex values to real discards the imaginary part (Triggered internally by a "
        "cast): take x.real, x.abs() or x.angle()"
    )
    return input.real.astype(dtype.numpy)


takes_complex(copies.cast, _cast_complex, is_real_linear=True)


# --- parts ----------------------------------------------------------------------------------


def _require_complex(name: str, input: Array) -> None:
    if input.dtype.kind != "c":
        raise RuntimeError(
            f"{name} is only supported for complex tensors, got {dtypes.of_numpy(input.dtype)}"
        )


@op(
    vjp=(lambda g, out, x: view_as_complex(g.contiguous()),),
    views=True,
    takes_complex=True,
)
def view_as_real(input: Array) -> Array:
    """The parts of a complex tensor as a last dimension of size 2; a view."""
    _require_complex("view_as_real", input)
    return parts_of(input)


@op(
    vjp=(lambda g, out, x: view_as_real(g),),
    views=True,
    samples=[sample(arr.of(3, 2)), sample(arr.of(2)), sample(arr.of(2, 0, 2))],
    takes_complex=True,
)
def view_as_complex(input: Array) -> Array:
    """A tensor (..., 2) of floats as complex numbers (...); a view.

    Raises RuntimeError for another last size, for other dtypes than float32 and float64, and where
    the parts do not lie side by side in memory.
    """
    dtype = dtypes.of_numpy(input.dtype)
    if dtype not in (dtypes.float32, dtypes.float64):
        raise RuntimeError(
            f"view_as_complex is only supported for half, float and double tensors, but got a "
            f"tensor of scalar type: {dtypes.torch_name(input.dtype)}"
        )
    if input.ndim == 0:
        raise RuntimeError("Input tensor must have one or more dimensions")
    if input.shape[-1] != 2:
        raise RuntimeError(
            f"Tensor must have a last dimension of size 2, got shape {list(input.shape)}"
        )
    size = input.itemsize
    if input.size and input.strides[-1] != size:
        raise RuntimeError("Tensor must have a last dimension with stride 1: use contiguous()")
    if input.size and any(stride % (2 * size) for stride in input.strides[:-1]):
        raise RuntimeError(
            f"Tensor must have a stride divisible by 2 for all but last dimension, got strides "
            f"{[stride // size for stride in input.strides]}"
        )
    return complex_of(input)


@composed
def real(input: V) -> V:
    """The real part, a view; a real tensor is its own."""
    return select(view_as_real(input), -1, 0) if is_complex(input) else input


@composed
def imag(input: V) -> V:
    """The imaginary part, a view.  Raises RuntimeError for a real tensor."""
    if not is_complex(input):
        raise RuntimeError("imag is not implemented for tensors with non-complex dtypes.")
    return select(view_as_real(input), -1, 1)


# --- complex numbers of two parts -----------------------------------------------------------


def _require_parts(name: str, first: Array, second: Array) -> np.dtype[Any]:
    kinds = [dtypes.of_numpy(x.dtype) for x in (first, second)]
    if any(kind not in (dtypes.float32, dtypes.float64) for kind in kinds):
        raise RuntimeError(
            f"Expected both inputs to be Half, Float or Double tensors but got "
            f"{dtypes.torch_name(first.dtype)} and {dtypes.torch_name(second.dtype)}"
        )
    if kinds[0] is not kinds[1]:
        raise RuntimeError(
            f"Expected object of scalar type {dtypes.torch_name(first.dtype)} but got scalar type "
            f"{dtypes.torch_name(second.dtype)} for second argument"
        )
    return kinds[0].to_complex().numpy


@op(
    vjp=(lambda g, out, re, im: real(g), lambda g, out, re, im: imag(g)),
    broadcasts=True,
    samples=PAIRS_OF_PARTS,
    tensors_at=(0, 1),
    takes_complex=True,
)
def complex(real: Array, imag: Array) -> Array:
    """real + i imag, of two tensors of one dtype, float32 or float64."""
    out = np.empty(
        np.broadcast_shapes(real.shape, imag.shape), _require_parts("complex", real, imag)
    )
    out.real, out.imag = real, imag
    return out


def _turned(g: V, out: V) -> V:
    """The imaginary part of conj(out) * g."""
    return imag(out.conj() * g)


@op(
    vjp=(
        lambda g, out, r, angle: real(g * _direction(angle).conj()),
        lambda g, out, r, angle: _turned(g, out),
    ),
    broadcasts=True,
    samples=PAIRS_OF_PARTS,
    tensors_at=(0, 1),
    takes_complex=True,
)
def polar(abs: Array, angle: Array) -> Array:
    """abs * (cos(angle) + i sin(angle)), of two tensors of one dtype, float32 or float64.

    PyTorch differs: its gradient of a negative `abs` has the wrong sign, and that of 0 is 0.
    """
    out = np.empty(np.broadcast_shapes(abs.shape, angle.shape), _require_parts("polar", abs, angle))
    out.real, out.imag = abs * np.cos(angle), abs * np.sin(angle)
    return out


def _direction(angle: V) -> Any:
    return complex(angle.cos(), angle.sin())


# --- conjugates, absolute values, angles ----------------------------------------------------


@op(node="ConjBackward0", vjp=(lambda g, out, x: conjugate(g),), takes_complex=True)
def conjugate(input: Array) -> Array:
    """The complex conjugates of a complex tensor, as a copy."""
    return np.conjugate(input)


@composed
def conj(input: V) -> V:
    """The complex conjugates; a real tensor itself.

    PyTorch differs: it gives a view that conjugates when it is read; here it is a copy.
    """
    return conjugate(input) if is_complex(input) else input


@composed(node="ConjPhysicalBackward0")
def conj_physical(input: V) -> V:
    """The complex conjugates, as a copy."""
    return conjugate(input) if is_complex(input) else input.clone()


@composed
def resolve_conj(input: V) -> V:
    """The tensor itself: conjugates are computed at once here."""
    return input


resolve_neg = resolve_conj


def _unit(x: V) -> V:
    """x / |x|, 0 at 0."""
    size = elementary.abs(x)
    return x * where(size.eq(0), 0.0, 1.0 / where(size.eq(0), 1.0, size))


takes_complex(elementary.abs, np.abs, vjp=(lambda g, out, x: g * _unit(x),))


def _angle_of_real(input: Array) -> Array:
    return np.where(np.isnan(input), input, np.where(input < 0, np.pi, 0)).astype(
        input.dtype if input.dtype.kind == "f" else dtypes.default_numpy()
    )


def _angle_rule(g: V, out: V, x: V) -> Any:
    if not is_complex(x):
        return elementary.nothing(g)
    re, im = real(x), imag(x)
    square = re * re + im * im
    slope = g * where(square.eq(0), 0.0, 1.0 / where(square.eq(0), 1.0, square))
    return complex(-im * slope, re * slope)


@op(
    vjp=(_angle_rule,),
    samples=[sample(arr.of(3, 4, away_from=(0.0,))), sample(arr.of(0, 2))],
    takes_complex=True,
)
def angle(input: Array) -> Array:
    """The angle of complex numbers in [-pi, pi]; of real ones 0, or pi below 0."""
    return np.angle(input) if input.dtype.kind == "c" else _angle_of_real(input)


def _sgn_rule(g: V, out: V, x: V) -> V:
    """The part of the cotangent across the direction of x, over |x|."""
    size = elementary.abs(x)
    inverse = where(size.eq(0), 0.0, 1.0 / where(size.eq(0), 1.0, size))
    along = real(out.conj() * g)
    return (g - out * along) * inverse


@op(node="SgnBackward0", vjp=(_sgn_rule,), takes_complex=True)
def sgn_of_complex(input: Array) -> Array:
    """input / |input|, 0 at 0."""
    size = np.abs(input)
    return np.where(size == 0, 0, input / np.where(size == 0, 1, size)).astype(input.dtype)


@composed
def sgn(input: V) -> V:
    """The sign of real numbers, input / |input| of complex ones; 0 at 0."""
    return sgn_of_complex(input) if is_complex(input) else elementary.sign(input)
