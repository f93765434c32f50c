"""Random number generators: `Generator`, and the default one for calls without a generator."""

import secrets
import threading
from typing import Any

import numpy as np

from minigrad.core.device import device as Device
from minigrad.core.types import DeviceLike
from minigrad.engine.grad_mode import thread
from minigrad.engine.graph import Value, wrap


class Generator:
    """A stream of random numbers, as torch.Generator; `generator` is the NumPy generator in it.

    PyTorch differs: the same seed gives other numbers.
    """

    def __init__(self, device: DeviceLike = "cpu") -> None:
        if str(device) != "cpu":
            raise RuntimeError(f"minigrad computes on the CPU only, got device={device!r}")
        self.device = Device(device)
        self.manual_seed(0)

    def manual_seed(self, seed: int) -> "Generator":
        """Start the stream of `seed`, an int of 64 bits.  Raises ValueError for others."""
        if not -(2**63) <= int(seed) < 2**64:
            raise ValueError(f"a seed must lie in -2**63 ... 2**64 - 1, got {seed}")
        self._seed = int(seed)
        bits = np.random.SFC64(self._seed % 2**64)
        self.generator = np.random.Generator(bits)
        return self

    def seed(self) -> int:
        """Start a stream from a random seed, and return the seed."""
        self.manual_seed(secrets.randbits(63))
        return self._seed

    def initial_seed(self) -> int:
        """The seed that started the stream."""
        return self._seed

    def get_state(self) -> Any:
        """The state of the stream, a tensor of 48 bytes."""
        state: Any = self.generator.bit_generator.state
        words = [*state["state"]["state"], state["has_uint32"], state["uinteger"]]
        return wrap(Value.kind, np.array(words, np.uint64).view(np.uint8))

    def set_state(self, new_state: Value) -> None:
        """Continue from a state that `get_state` has returned.

        Raises TypeError for other dtypes, RuntimeError for another size.
        """
        words = np.array(getattr(new_state, "array", new_state))
        if words.dtype != np.uint8:
            raise TypeError(f"a generator's state is a tensor of uint8, got {words.dtype}")
        if words.shape != (48,):
            raise RuntimeError(f"a generator's state is 48 bytes, got shape {list(words.shape)}")
        *state, has_uint32, uinteger = words.view(np.uint64)
        self.generator.bit_generator.state = {
            "bit_generator": "SFC64",
            "state": {"state": np.array(state, np.uint64)},
            "has_uint32": int(has_uint32),
            "uinteger": int(uinteger),
        }

    def __repr__(self) -> str:
        return f"<minigrad.Generator seed={self._seed}>"


class ScopedGenerator(Generator):
    """A generator that stands in for the default one, and starts its stream at the first draw.

    Most batches of a DataLoader draw nothing, and a stream takes longer to start than to draw from.
    `key` seeds the stream; `initial_seed` is the number that `initial_seed()` reports.
    """

    def __init__(self, key: tuple[int, ...], initial_seed: int) -> None:
        self.device = Device("cpu")
        self._key, self._seed = key, initial_seed

    def __getattr__(self, name: str) -> Any:
        if name != "generator":
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        self.generator = np.random.Generator(np.random.SFC64(np.random.SeedSequence(self._key)))
        return self.generator


class _Scope(threading.local):
    """The generator of the scope that the current thread is in; outside, that of the process."""

    generator = Generator()


_scope = _Scope()
_scope.generator.seed()


class DefaultGenerator(Generator):
    """The default generator: the stream of the process, or that of the scope a thread is in."""

    def __init__(self) -> None:
        self.device = _scope.generator.device

    @property
    def generator(self) -> np.random.Generator:
        return _scope.generator.generator

    @generator.setter
    def generator(self, stream: np.random.Generator) -> None:
        _scope.generator.generator = stream

    @property
    def _seed(self) -> int:
        return _scope.generator._seed

    @_seed.setter
    def _seed(self, seed: int) -> None:
        _scope.generator._seed = seed

    def __reduce__(self) -> str:
        return "default_generator"  # the default generator of the process that unpickles it


default_generator: Generator = DefaultGenerator()


class default_generator_scope:  # noqa: N801  used as a function
    """The block in which `generator` stands in for the default one, in this thread only.

    What the block draws, seeds or restores leaves the stream outside untouched.  Blocks may nest.
    """

    __slots__ = ("_generator", "_outside")

    def __init__(self, generator: Generator) -> None:
        self._generator = generator

    def __enter__(self) -> None:
        self._outside = _scope.generator
        _scope.generator = self._generator

    def __exit__(self, *_: object) -> None:
        _scope.generator = self._outside


def stream(generator: Generator | None) -> np.random.Generator:
    """NumPy's generator in the given generator, or in the default one."""
    recorder = thread.mode.step_recorder
    if recorder is not None:
        recorder.drawn()
    return (generator or _scope.generator).generator
