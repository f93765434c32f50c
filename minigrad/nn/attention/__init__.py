"""The names of torch.nn.attention: the choice among torch's implementations of attention."""

import enum
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from minigrad.core.public_names import show_public_names
from minigrad.nn.attention import flex_attention


class SDPBackend(enum.IntEnum):
    """torch's implementations of `scaled_dot_product_attention`."""

    ERROR = -1
    MATH = 0
    FLASH_ATTENTION = 1
    EFFICIENT_ATTENTION = 2
    CUDNN_ATTENTION = 3
    OVERRIDEABLE = 4


@contextmanager
def sdpa_kernel(
    backends: Sequence[SDPBackend] | SDPBackend, set_priority: bool = False
) -> Iterator[dict[str, Any]]:
    """A block in which torch takes one of these implementations; here it changes nothing.

    There is one implementation here, with exact results for all shapes and masks, so there is
    nothing to choose.  Raises AssertionError for what is no SDPBackend and no list of them.
    """
    if not isinstance(backends, list | SDPBackend):
        raise AssertionError(
            "Backend must be an instance of SDPBackend or a list of SDPBackend instances, got "
            f"{type(backends).__name__}"
        )
    yield {}


if TYPE_CHECKING:  # imported when it is first read
    from minigrad.nn.attention import bias

__all__ = ["SDPBackend", "bias", "flex_attention", "sdpa_kernel"]

show_public_names(__name__, lazy=("bias",))
