"""Seeds and states of devices' generators, where there is no device."""

from typing import Any, NoReturn

from minigrad.core.device import refuse_device
from minigrad.core.public_names import show_public_names

__all__ = [
    "get_rng_state", "get_rng_state_all", "initial_seed", "manual_seed", "manual_seed_all", "seed",
    "seed_all", "set_rng_state", "set_rng_state_all",
]  # fmt: skip


def manual_seed(seed: int) -> None:
    """Nothing: there is no device to seed."""


def manual_seed_all(seed: int) -> None:
    """Nothing: there is no device to seed."""


def seed() -> None:
    """Nothing: there is no device to seed."""


seed_all = seed


def get_rng_state_all() -> list[Any]:
    """The states of all devices' generators: an empty list."""
    return []


def set_rng_state(new_state: Any, device: Any = "cuda") -> None:
    """Nothing: there is no device whose generator has a state."""


def set_rng_state_all(new_states: list[Any]) -> None:
    """Nothing for an empty list, all there can be; raises RuntimeError for others."""
    if new_states:
        refuse_device("cuda")


def get_rng_state(device: Any = "cuda") -> NoReturn:
    """Raise RuntimeError: there is no device."""
    refuse_device(device)


def initial_seed() -> NoReturn:
    """Raise RuntimeError: there is no device."""
    refuse_device("cuda")


show_public_names(__name__)
