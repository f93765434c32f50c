"""make_tensor, under the name of torch.testing."""

import math
from collections.abc import Sequence
from typing import Any

from minigrad import random
from minigrad.core import dtypes
from minigrad.core.device import require_cpu
from minigrad.core.memory_format import memory_format as MemoryFormat
from minigrad.core.types import DeviceLike, DTypeLike
from minigrad.tensor import Tensor
from minigrad.tensor.typeinfo import finfo, iinfo


def make_tensor(
    *shape: int | Sequence[int],
    dtype: DTypeLike,
    device: DeviceLike,
    low: float | None = None,
    high: float | None = None,
    requires_grad: bool = False,
    noncontiguous: bool = False,
    exclude_zero: bool = False,
    memory_format: MemoryFormat | None = None,
) -> Tensor:
    """A tensor of numbers drawn evenly from [low, high): by default from -9 to 9.

    noncontiguous: every other element of a tensor twice as wide.  exclude_zero: 1, or the
    smallest positive normal number, in place of 0.
    Raises ValueError for an empty range, for a range beyond the dtype's, and for requires_grad of
    integers.
    """
    require_cpu(device)
    sizes: Any = shape[0] if len(shape) == 1 and isinstance(shape[0], Sequence) else shape
    kind = dtypes.of_numpy(dtypes.to_numpy(dtype))
    floating = kind.is_floating_point
    if noncontiguous and memory_format is not None:
        raise ValueError(
            f"The parameters `noncontiguous` and `memory_format` are mutually exclusive, but got "
            f"{noncontiguous=} and {memory_format=}"
        )
    if requires_grad and not floating:
        raise ValueError(
            f"`requires_grad=True` is not supported for boolean and integral dtypes, but got "
            f"dtype={kind}"
        )
    low, high = _range(kind, low, high)
    apart = noncontiguous and math.prod(sizes) > 1
    drawn = (*sizes[:-1], 2 * sizes[-1]) if apart else tuple(sizes)
    if floating:
        result = low + (high - low) * random.rand(drawn, dtype=kind)
    else:
        result = random.randint(math.ceil(low), math.ceil(high), drawn, dtype=kind)
    if apart:
        result = result[..., 1::2]
    if exclude_zero:
        result[result == 0] = finfo(kind).tiny if floating else 1
    return result.requires_grad_(requires_grad) if floating else result


def _range(kind: dtypes.dtype, low: float | None, high: float | None) -> tuple[float, float]:
    """The range to draw from, inside what the dtype holds.  Raises ValueError for an empty one."""
    if kind is dtypes.bool_:
        least, most, usual = 0.0, 2.0, (0.0, 2.0)
    elif kind.is_floating_point:
        least, most, usual = finfo(kind).min, finfo(kind).max, (-9.0, 9.0)
    else:
        # randint's bound is an int64, too
        above = 0 if kind is dtypes.int64 else 1
        least, most, usual = iinfo(kind).min, iinfo(kind).max + above, (-9.0, 10.0)
    low, high = usual[0] if low is None else low, usual[1] if high is None else high
    if math.isnan(low) or math.isnan(high):
        raise ValueError(f"`low` and `high` cannot be NaN, but got {low=} and {high=}")
    if low >= high and not (low == high and kind.is_floating_point):
        raise ValueError(f"`low` must be less than `high`, but got {low} >= {high}")
    if high < least or low >= most:
        raise ValueError(
            f"The value interval specified by `low` and `high` is [{low}, {high}), but {kind} only "
            f"supports [{least}, {most})"
        )
    return min(max(low, least), most), min(max(high, least), most)
