"""Random tensors, and the seed of them all (torch.random)."""

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from minigrad import dtypes
from minigrad.creation import from_numpy
from minigrad.device import require_cpu
from minigrad.generator import Generator, default_generator, stream
from minigrad.methods.array import new_shape
from minigrad.tensor import Tensor


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
    """The state of the default generator."""
    return from_numpy(default_generator.get_state())


def set_rng_state(new_state: Tensor) -> None:
    """Continue from a state that `get_rng_state` gave."""
    default_generator.set_state(new_state)


@contextlib.contextmanager
def fork_rng(enabled: bool = True) -> Iterator[None]:
    """Put the default generator back, at the end of the block, to where it was."""
    state = default_generator.get_state()
    try:
        yield
    finally:
        if enabled:
            default_generator.set_state(state)


def _made(array: Any, dtype: Any, device: Any, requires_grad: bool) -> Tensor:
    require_cpu(device)
    new = from_numpy(np.asarray(array, dtype))
    return new.requires_grad_() if requires_grad else new


def _floating(dtype: Any) -> np.dtype[Any]:
    found = dtypes.default_numpy() if dtype is None else dtypes.to_numpy(dtype)
    if found.kind != "f":
        raise RuntimeError(f"random numbers of this kind are floating, got dtype={dtype}")
    return found


def _drawn_as(dtype: np.dtype[Any]) -> Any:
    """NumPy draws float32 and float64; half is rounded from float32."""
    return np.float64 if dtype == np.float64 else np.float32


def rand(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Uniform on [0, 1)."""
    found = _floating(dtype)
    numbers = stream(generator).random(new_shape(size), _drawn_as(found))
    return _made(numbers, found, device, requires_grad)


def randn(
    *size: Any,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Normal with mean 0 and deviation 1."""
    found = _floating(dtype)
    numbers = stream(generator).standard_normal(new_shape(size), _drawn_as(found))
    return _made(numbers, found, device, requires_grad)


def rand_like(input: Tensor, *, dtype: Any = None) -> Tensor:
    """Uniform on [0, 1), in the shape and dtype of `input`."""
    return rand(input.shape, dtype=dtype or input.dtype)


def randn_like(input: Tensor, *, dtype: Any = None) -> Tensor:
    """Standard normal, in the shape and dtype of `input`."""
    return randn(input.shape, dtype=dtype or input.dtype)


def randint(
    low: int,
    high: Any = None,
    size: Sequence[int] | None = None,
    *,
    generator: Generator | None = None,
    dtype: Any = None,
    device: Any = None,
    requires_grad: bool = False,
) -> Tensor:
    """Whole numbers from low ... high - 1: `randint(high, size)` or `randint(low, high, size)`."""
    if size is None:
        low, high, size = 0, low, high
    if size is None or isinstance(size, int):
        raise TypeError(f"randint(): size must be a tuple of ints, got {size!r}")
    if low >= high:
        raise RuntimeError(f"random_ expects 'from' to be less than 'to', got {low} >= {high}")
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    numbers = stream(generator).integers(low, high, tuple(size))
    return _made(numbers, found, device, requires_grad)


def randperm(
    n: int, *, generator: Generator | None = None, dtype: Any = None, device: Any = None
) -> Tensor:
    """0 ... n - 1 in random order."""
    if n < 0:
        raise RuntimeError(f"n must be non-negative, got {n}")
    found = np.dtype(np.int64) if dtype is None else dtypes.to_numpy(dtype)
    return _made(stream(generator).permutation(n), found, device, False)


def normal(
    mean: Any, std: Any = 1.0, size: Any = None, *, generator: Generator | None = None
) -> Tensor:
    """Normal numbers; mean and std are numbers (then give a size) or tensors."""
    if size is None:
        size = np.broadcast_shapes(np.shape(mean), np.shape(std))
    drawn: Tensor = randn(size, generator=generator) * std + mean
    return drawn


def bernoulli(input: Tensor, *, generator: Generator | None = None) -> Tensor:
    """1 with the probabilities that `input` holds, else 0.  Raises RuntimeError outside [0, 1]."""
    p = input.array
    if not bool(((p >= 0) & (p <= 1)).all()):
        raise RuntimeError("bernoulli expects all probabilities to be in [0, 1]")
    return _made(stream(generator).random(p.shape) < p, p.dtype, None, False)


def multinomial(
    input: Tensor,
    num_samples: int,
    replacement: bool = False,
    *,
    generator: Generator | None = None,
) -> Tensor:
    """Draw indices of the last dimension with probabilities proportional to `input`."""
    weights = input.array.astype(np.float64)
    if input.ndim not in (1, 2) or not np.isfinite(weights).all() or (weights < 0).any():
        raise RuntimeError(
            "multinomial expects 1 or 2 dimensions of finite weights that are not negative"
        )
    rows = np.atleast_2d(weights)
    enough = (rows.sum(1) > 0).all() and (replacement or ((rows > 0).sum(1) >= num_samples).all())
    if num_samples <= 0 or not enough:
        raise RuntimeError(
            f"multinomial: cannot draw num_samples={num_samples} "
            f"{'with' if replacement else 'without'} replacement from weights with too few "
            f"positive entries"
        )
    draw = stream(generator)
    picks = [
        draw.choice(len(row), num_samples, replacement, row / row.sum(), shuffle=True)
        for row in rows
    ]
    return from_numpy(np.array(picks[0] if input.ndim == 1 else picks, np.int64))
