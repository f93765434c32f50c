"""The random numbers of a program, as a part of a checkpoint."""

import random
from collections.abc import Mapping
from typing import Any

import numpy as np

from minigrad.ops.generator import default_generator


class RandomState:
    """The generators of the whole process: minigrad's default one, Python's and NumPy's.

    In a checkpoint, `{"random": RandomState(), ...}`, they go on where they were.
    """

    def state_dict(self) -> dict[str, Any]:
        """The states."""
        return {
            "seed": default_generator.initial_seed(),
            "minigrad": default_generator.get_state(),
            "python": random.getstate(),
            "numpy": np.random.get_state(legacy=False),  # noqa: NPY002
        }

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> None:
        """Set the states."""
        default_generator.manual_seed(state_dict["seed"])
        default_generator.set_state(state_dict["minigrad"])
        random.setstate(state_dict["python"])
        np.random.set_state(state_dict["numpy"])  # noqa: NPY002
