"""torch's switch for results that repeat: minigrad's always do, for any number of threads."""


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Nothing: there are no other algorithms here, whatever is asked for."""


def are_deterministic_algorithms_enabled() -> bool:
    """True."""
    return True
