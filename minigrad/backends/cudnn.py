"""torch.backends.cudnn: `benchmark`, `deterministic` and the others can be set; nothing reads them.

There is no cuDNN; minigrad's convolutions choose their algorithm by the shape, and give the same
bits in every run.
"""

import contextlib
from collections.abc import Iterator

from minigrad.core.public_names import show_public_names

__all__ = [
    "allow_tf32", "benchmark", "benchmark_limit", "deterministic", "enabled", "flags",
    "is_available", "version",
]  # fmt: skip

enabled = True
benchmark = deterministic = False
allow_tf32 = True
benchmark_limit = 10


def is_available() -> bool:
    """False: there is no cuDNN."""
    return False


def version() -> int | None:
    """None: there is no cuDNN."""
    return None


@contextlib.contextmanager
def flags(
    enabled: bool = False,
    benchmark: bool = False,
    benchmark_limit: int = 10,
    deterministic: bool = False,
    allow_tf32: bool = True,
) -> Iterator[None]:
    """Set the settings inside a `with` block."""
    settings, before = dict(locals()), globals()
    kept = {name: before[name] for name in settings}
    before.update(settings)
    try:
        yield
    finally:
        before.update(kept)


show_public_names(__name__)
