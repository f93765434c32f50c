"""Numbers that are given to calls, and may be others in each of them."""

from collections.abc import Collection, Sequence

import numpy as np


class FloatArguments:
    """The floats among the arguments of a recorded call: which may be others in a replay."""

    def __init__(self, given: Sequence[float], varying: Collection[int]) -> None:
        self.memory = np.zeros(len(given))  # those of a call, for native tasks
        # By `float.hex`, the numbers of those that were others in the recording before.
        self.numbers = {given[number].hex(): number for number in varying}
        self._fixed = [(k, x.hex()) for k, x in enumerate(given) if k not in varying]
        # Pairs that were equal, so that the recording cannot tell them apart.
        pairs = [(k, self.numbers[given[k].hex()]) for k in varying]
        self._equal = [(k, other) for k, other in pairs if k != other]

    def hold(self, floats: Sequence[float]) -> bool:
        """True if a replay is right for these."""
        return all(floats[k].hex() == given for k, given in self._fixed) and all(
            floats[k].hex() == floats[other].hex() for k, other in self._equal
        )
