"""The state that a step may change: arrays, and streams of random numbers."""

from collections.abc import Sequence

import numpy as np

from minigrad.compiler.tape import Snapshot
from minigrad.ops.generator import Generator, default_generator


class State:
    """What a step may change: arrays and streams of random numbers."""

    def __init__(
        self, arrays: Sequence[np.ndarray], generators: Sequence[Generator],
        snapshots: Sequence[Snapshot] = (),
    ) -> None:  # fmt: skip
        # One of the snapshots of these arrays that still holds, which saves their memory once more.
        self.arrays = next((s for s in snapshots if s.holds()), None) or Snapshot.of(arrays)
        self.generators = [(g, g.generator.bit_generator.state) for g in generators]

    def restore(self) -> None:
        """Make everything what it was."""
        self.arrays.restore()
        for generator, state in self.generators:
            generator.generator.bit_generator.state = state


def generators_of(given: Sequence[Generator]) -> list[Generator]:
    """The default generator and those that recorded functions were given, each once."""
    return list({id(each): each for each in (default_generator, *given)}.values())
