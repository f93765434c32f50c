"""Random tensors, and the default generator (torch.random)."""

import contextlib
import operator
from collections.abc import Iterator, Sequence
from typing import Any, SupportsIndex, Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.core.complex_arrays import complex_of
from minigrad.core.public_names import show_public_names
from minigrad.core.types import Array, DTypeLike, Shape
from minigrad.engine.grad_mode import ignore_fp_errors
from minigrad.engine.overrides import overridable
from minigrad.kernels.drawing import normal as drawing
from minigrad.ops.generator import Generator, default_generator, stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import (
    LikeOptions,
    Placement,
    SizedPlacement,
    dtype_like,
    from_array,
    split_size,
)
from minigrad.tensor.methods.array import new_shape
from minigrad.tensor.methods.random import check_bounds, require_positive


def manual_seed(seed: int) -> Generator:
    """Seed the default generator: the numbers that follow are the same in every run."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with an unpredictable number, and return the number."""
    return default_generator.seed()


def initial_seed() -> int:
    """The number that seeded the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator: 48 bytes."""
    state: Tensor = default_generator.get_state()
    return state


def set_rng_state(new_state: Tensor) -> None:
    """Continue from a state that `get_rng_state` returned."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Sequence[Any] = (), enabled: bool = True) -> Iterator[None]:
    """Restore the state of the default generator at the end of the block.

    Raises RuntimeError if there are `devices` beside the CPU.
    """
    if devices:
        raise RuntimeError(f"minigrad computes on the CPU only, got devices={list(devices)}")
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)


# --- from a distribution --------------------------------------------------------------------


def _floating(dtype: DTypeLike) -> np.dtype[Any]:
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if found.kind not in "fc":
        raise RuntimeError(f"random numbers of this kind are floating, got dtype={dtype}")
    return found


def _drawn_as(dtype: np.dtype[Any]) -> Any:
    """The dtype that NumPy draws: float32 or float64; half is rounded from float32."""
    return np.float64 if dtype == np.float64 else np.float32


def _uniform(shape: Shape, dtype: np.dtype[Any], generator: Generator | None) -> Array:
    drawn: Array = ignore_fp_errors(_draw_uniform, shape, dtype, generator)
    return drawn


def _standard_normal(shape: Shape, dtype: np.dtype[Any], generator: Generator | None) -> Array:
    drawn: Array = ignore_fp_errors(_draw_normal, shape, dtype, generator)
    return drawn


def _integers(
    low: int, high: int, shape: Shape, dtype: np.dtype[Any], generator: Generator | None
) -> Array:
    drawn: Array = ignore_fp_errors(_draw_integers, low, high, shape, dtype, generator)
    return drawn


# The functions that draw: a compiled step calls them again in each replay.


def _draw_uniform(shape: Shape, dtype: np.dtype[Any], generator: Generator | None) -> Array:
    if dtype.kind == "c":
        return complex_of(_draw_uniform((*shape, 2), _part_of(dtype), generator))
    numbers = stream(generator).random(shape, _drawn_as(dtype))
    if dtype == np.float16:  # rounded down: rounding up could give 1
        numbers = np.floor(numbers * 2**11) / 2**11
    return np.asarray(numbers, dtype)


def _draw_normal(shape: Shape, dtype: np.dtype[Any], generator: Generator | None) -> Array:
    if dtype.kind == "c":  # with variance 1 as a complex number: 1/2 for each part
        parts = _draw_normal((*shape, 2), _part_of(dtype), generator)
        return complex_of(parts * parts.dtype.type(np.sqrt(0.5)))
    return np.asarray(drawing.standard_normal(stream(generator), shape, _drawn_as(dtype)), dtype)


def _draw_integers(
    low: int, high: int, shape: Shape, dtype: np.dtype[Any], generator: Generator | None
) -> Array:
    return np.asarray(stream(generator).integers(low, high, shape), dtype)


def _draw_permutation(n: int, dtype: np.dtype[Any], generator: Generator | None) -> Array:
    return np.asarray(stream(generator).permutation(n), dtype)


def _draw_around(
    shape: Shape, dtype: np.dtype[Any], generator: Generator | None, spread: Any, center: Any
) -> Array:
    numbers = drawing.standard_normal(stream(generator), shape, _drawn_as(dtype))
    return np.asarray(numbers * spread + center, dtype)


def _part_of(dtype: np.dtype[Any]) -> np.dtype[Any]:
    return dtypes.of_numpy(dtype).to_real().numpy


def rand(
    *sizes: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[SizedPlacement],
) -> Tensor:
    """Uniform on [0, 1), each part of complex numbers."""
    shape, placement = split_size(sizes, options)
    return from_array(_uniform(shape, _floating(dtype), generator), dtype=dtype, **placement)


def randn(
    *sizes: int | Sequence[int],
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[SizedPlacement],
) -> Tensor:
    """Normal with mean 0 and deviation 1; complex numbers too, whose parts have variance 1/2."""
    shape, placement = split_size(sizes, options)
    return from_array(
        _standard_normal(shape, _floating(dtype), generator), dtype=dtype, **placement
    )


def randint(
    low: int | None = None,
    high: int | Sequence[int] | None = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """Whole numbers from low ... high - 1: `randint(high, size)` or `randint(low, high, size)`.

    Raises RuntimeError unless low < high and the dtype holds them, TypeError for floats.
    """
    first: Any
    last: Any
    if isinstance(high, SupportsIndex | float):
        first, last = 0 if low is None else low, high
    else:
        first, last = 0, low
        size = high if size is None else size
    if size is None or isinstance(size, int):
        raise TypeError(f"randint(): size must be a tuple of ints, got {size!r}")
    first, last = operator.index(first), operator.index(last)
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    check_bounds("randint", first, last, found)
    numbers = _integers(first, last, new_shape((size,)), found, generator)
    return from_array(numbers, dtype=dtype, **options)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """0 ... n - 1 in random order.  Raises RuntimeError if the dtype does not hold n - 1."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    check_bounds("randperm", 0, max(n, 1), found)
    numbers = ignore_fp_errors(_draw_permutation, n, found, generator)
    return from_array(numbers, dtype=dtype, **options)


def normal(
    mean: float | Tensor = 0.0,
    std: float | Tensor = 1.0,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[Placement],
) -> Tensor:
    """Normal numbers; mean and std are numbers (then give a size) or tensors, which broadcast.

    Raises RuntimeError for a negative std.  No gradient reaches mean and std.
    """
    arrays = [given.array for given in (mean, std) if isinstance(given, Tensor)]
    center, spread = (getattr(given, "array", given) for given in (mean, std))
    require_positive("normal", "std", spread, zero=True)
    if arrays:
        if size is not None or dtype is not None:
            raise TypeError("normal(): size and dtype are those of the tensors mean and std")
        shape, found = np.broadcast_shapes(*(a.shape for a in arrays)), arrays[0].dtype
    elif size is None:
        raise TypeError("normal(): mean and std are numbers, so that a size is needed")
    else:
        shape, found = new_shape((size,)), _floating(dtype)
    numbers = ignore_fp_errors(_draw_around, shape, found, generator, spread, center)
    return from_array(numbers, dtype=dtype, **options)


# --- like another tensor --------------------------------------------------------------------


@overridable
def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`."""
    found = _floating(dtype_like(input, dtype))
    return from_array(_uniform(input.shape, found, generator), **options)


@overridable
def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Standard normal, in the shape and dtype of `input`."""
    found = _floating(dtype_like(input, dtype))
    return from_array(_standard_normal(input.shape, found, generator), **options)


@overridable
def randint_like(
    input: Tensor,
    low: int = 0,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: DTypeLike = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Whole numbers from low ... high - 1, or below `low`, in the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    found = dtype_like(input, dtype)
    check_bounds("randint_like", low, high, found)
    return from_array(_integers(low, high, input.shape, found, generator), **options)


__all__ = [
    "fork_rng",
    "get_rng_state",
    "initial_seed",
    "manual_seed",
    "seed",
    "set_rng_state",
]

show_public_names(__name__)
