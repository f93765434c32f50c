"""Random tensors, and the seed of them all (torch.random)."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any, Unpack

import numpy as np

from minigrad.core import dtypes
from minigrad.ops.generator import Generator, default_generator, stream
from minigrad.tensor import Tensor
from minigrad.tensor.creation import LikeOptions, Placement, like, made, shape_of
from minigrad.tensor.methods.array import new_shape
from minigrad.tensor.methods.random import check_bounds, require_positive


def manual_seed(seed: int) -> Generator:
    """Seed the default generator: what follows is the same in every run."""
    return default_generator.manual_seed(seed)


def seed() -> int:
    """Seed the default generator with a number nobody can foresee, and give it."""
    return default_generator.seed()


def initial_seed() -> int:
    """The number that seeded the default generator."""
    return default_generator.initial_seed()


def get_rng_state() -> Tensor:
    """The state of the default generator: 48 bytes."""
    state: Tensor = default_generator.get_state()
    return state


def set_rng_state(new_state: Tensor) -> None:
    """Continue from a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(devices: Sequence[Any] = (), enabled: bool = True) -> Iterator[None]:
    """Put the default generator back, at the end of the block, to where it was.

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


def _floating(dtype: Any) -> np.dtype[Any]:
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if found.kind != "f":
        raise RuntimeError(f"random numbers of this kind are floating, got dtype={dtype}")
    return found


def _drawn_as(dtype: np.dtype[Any]) -> Any:
    """NumPy draws float32 and float64; half is rounded from float32."""
    return np.float64 if dtype == np.float64 else np.float32


def rand(
    *size: Any, generator: Generator | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """Uniform on [0, 1)."""
    found = _floating(dtype)
    numbers = stream(generator).random(shape_of(size, options), _drawn_as(found))
    if found == np.float16:  # rounded down, lest it reach 1
        numbers = np.floor(numbers * 2**11) / 2**11
    return made(np.asarray(numbers, found), **options)


def randn(
    *size: Any, generator: Generator | None = None, dtype: Any = None, **options: Any
) -> Tensor:
    """Normal with mean 0 and deviation 1."""
    found = _floating(dtype)
    numbers = stream(generator).standard_normal(shape_of(size, options), _drawn_as(found))
    return made(np.asarray(numbers, found), **options)


def randint(
    low: int,
    high: Any = None,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    **options: Unpack[Placement],
) -> Tensor:
    """Whole numbers from low ... high - 1: `randint(high, size)` or `randint(low, high, size)`.

    Raises RuntimeError unless low < high and the dtype holds them.
    """
    if size is None and high is not None and not isinstance(high, int):
        low, high, size = 0, low, high
    elif high is None:
        low, high = 0, low
    if size is None or isinstance(size, int):
        raise TypeError(f"randint(): size must be a tuple of ints, got {size!r}")
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    check_bounds("randint", low, high, found)
    numbers = stream(generator).integers(low, high, new_shape((size,)))
    return made(np.asarray(numbers, found), **options)


def randperm(
    n: int,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    **options: Unpack[Placement],
) -> Tensor:
    """0 ... n - 1 in random order.  Raises RuntimeError if the dtype does not hold n - 1."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    check_bounds("randperm", 0, max(n, 1), found)
    return made(np.asarray(stream(generator).permutation(n), found), **options)


def normal(
    mean: Any = 0.0,
    std: Any = 1.0,
    size: Any = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
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
    numbers = stream(generator).standard_normal(shape, _drawn_as(found))
    return made(np.asarray(numbers * spread + center, found), **options)


# --- like another tensor --------------------------------------------------------------------


def rand_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`."""
    return rand(input.shape, generator=generator, dtype=_dtype_like(input, dtype), **options)


def randn_like(
    input: Tensor,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Standard normal, in the shape and dtype of `input`."""
    return randn(input.shape, generator=generator, dtype=_dtype_like(input, dtype), **options)


def randint_like(
    input: Tensor,
    low: int,
    high: int | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    **options: Unpack[LikeOptions],
) -> Tensor:
    """Whole numbers from low ... high - 1, or below `low`, in the shape and dtype of `input`."""
    low, high = (0, low) if high is None else (low, high)
    found = like(input, dtype)
    check_bounds("randint_like", low, high, found)
    numbers = stream(generator).integers(low, high, input.shape)
    return made(np.asarray(numbers, found), **options)


def _dtype_like(input: Tensor, dtype: Any) -> dtypes.dtype:
    return dtypes.of_numpy(like(input, dtype))
