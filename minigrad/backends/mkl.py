"""torch.backends.mkl: minigrad's LAPACK is NumPy's."""

import contextlib

from minigrad.core.public_names import show_public_names

__all__ = ["VERBOSE_OFF", "VERBOSE_ON", "is_available", "verbose"]

VERBOSE_OFF, VERBOSE_ON = range(2)


def is_available() -> bool:
    """False: minigrad does not call MKL."""
    return False


class verbose(contextlib.nullcontext[None]):  # noqa: N801  torch's name
    """A block in which calls of MKL are printed: there are none."""

    def __init__(self, enable: int) -> None:
        super().__init__()
        self.enable = enable


show_public_names(__name__)
