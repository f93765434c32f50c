"""Settings under torch's names that choose among torch's implementations.

Here there is one implementation: of each setting it is kept what was asked for, and results are
the same.
"""

from typing import Literal

from minigrad.core.warn import warn_caller

Precision = Literal["highest", "high", "medium"]
_PRECISIONS = ("highest", "high", "medium")
_DEBUG_MODES = ("default", "warn", "error")


class _Asked:
    """What was asked for last."""

    precision: Precision = "highest"
    interop_threads = 1
    warn_always = False


def use_deterministic_algorithms(mode: bool, *, warn_only: bool = False) -> None:
    """Do nothing: all algorithms here are deterministic, for any number of threads."""


def are_deterministic_algorithms_enabled() -> bool:
    """True: all algorithms here are deterministic."""
    return True


def is_deterministic_algorithms_warn_only_enabled() -> bool:
    """False: no algorithm here has to be warned of."""
    return False


def set_deterministic_debug_mode(debug_mode: int | str) -> None:
    """Do nothing: all algorithms here are deterministic.  Raises RuntimeError for another mode."""
    if debug_mode not in (*_DEBUG_MODES, 0, 1, 2):
        raise RuntimeError(
            f"invalid value of debug_mode, expected one of {', '.join(_DEBUG_MODES)}, 0, 1, 2, but "
            f"got {debug_mode!r}"
        )


def get_deterministic_debug_mode() -> int:
    """2, an error for an algorithm that is not deterministic: there is none."""
    return 2


def set_float32_matmul_precision(precision: Precision) -> None:
    """Keep how exact products of float32 matrices need to be; here they are always "highest"."""
    if precision not in _PRECISIONS:
        warn_caller(
            f"{precision} is not one of 'highest', 'high', or 'medium'; the current "
            f"set_float32_matmul_precision call has no effect"
        )
        return
    _Asked.precision = precision


def get_float32_matmul_precision() -> Precision:
    """What `set_float32_matmul_precision` was given last."""
    return _Asked.precision


def set_num_interop_threads(n: int) -> None:
    """Keep the number; operations run one after another, each on `get_num_threads()` threads.

    Raises RuntimeError unless n is positive.
    """
    if n < 1:
        raise RuntimeError(f"set_num_interop_threads expects a positive integer, got {n}")
    _Asked.interop_threads = n


def get_num_interop_threads() -> int:
    """What `set_num_interop_threads` was given last."""
    return _Asked.interop_threads


def set_warn_always(b: bool) -> None:
    """Keep the setting; how often a warning is shown is Python's `warnings.simplefilter`."""
    _Asked.warn_always = b


def is_warn_always_enabled() -> bool:
    """What `set_warn_always` was given last."""
    return _Asked.warn_always
