"""Hypothesis strategies: tensors, shapes that broadcast, domains without kinks and poles.

>>> from hypothesis import given
>>> from minigrad.testing import strategies
>>> @given(strategies.broadcastable_tensors(2))
... def test_addition_commutes(pair):
...     a, b = pair
...     assert (a + b).equal(b + a)
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.engine.graph import wrap
from minigrad.engine.op import arr
from minigrad.tensor import Tensor
from minigrad.testing.samples import draw

try:
    from hypothesis import strategies as st
    from hypothesis.strategies import SearchStrategy
except ImportError as error:  # pragma: no cover
    raise ImportError(
        "minigrad.testing.strategies needs hypothesis: pip install 'minigrad[test]'"
    ) from error

Shape = tuple[int, ...]

MEMORY_LAYOUTS = ("contiguous", "transposed", "every second", "reversed")


def shapes(
    *, min_dims: int = 0, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> SearchStrategy[Shape]:
    """Shapes; with 0-d and 0-size ones unless min_dims and min_side are larger than 0."""
    side = st.integers(min_side, max_side)
    return st.lists(side, min_size=min_dims, max_size=max_dims).map(tuple)


@st.composite
def broadcastable_shapes(
    draw_from: Any, count: int = 2, *, max_dims: int = 3, min_side: int = 0, max_side: int = 4
) -> tuple[Shape, ...]:
    """`count` shapes that broadcast against each other."""
    whole = draw_from(shapes(max_dims=max_dims, min_side=min_side, max_side=max_side))
    return tuple(draw_from(_broadcastable_to(whole)) for _ in range(count))


@st.composite
def _broadcastable_to(draw_from: Any, whole: Shape) -> Shape:
    dropped = draw_from(st.integers(0, len(whole)))
    return tuple(1 if draw_from(st.booleans()) else side for side in whole[dropped:])


@st.composite
def tensors(
    draw_from: Any,
    shape: Shape | SearchStrategy[Shape] | None = None,
    *,
    dtype: Any = dtypes.float64,
    low: float = -2.0,
    high: float = 2.0,
    away_from: Sequence[float] = (),
    distinct: bool = False,
    layouts: Sequence[str] = ("contiguous",),
    requires_grad: bool = False,
) -> Tensor:
    """Tensors of a shape, or of shapes drawn from a strategy, with elements in [low, high].

    away_from: kinks and poles, from which elements keep a twentieth of the range, so that
        derivatives can be compared with differences.
    distinct: no two elements are near each other, as sorting, max and median want them.
    layouts: how they may lie in memory: "contiguous", "transposed", "every second", "reversed".

    Raises ValueError for an empty range, or a layout of another name.

        >>> from hypothesis import given
        >>> from minigrad.testing import strategies
        >>> @given(strategies.tensors(strategies.shapes(), away_from=(0.0,), requires_grad=True))
        ... def test_reciprocal(x):
        ...     assert minigrad.testing.gradcheck(minigrad.reciprocal, x)
    """
    if not low < high:
        raise ValueError(f"tensors: low must be below high, got low={low} and high={high}")
    for layout in layouts:
        if layout not in MEMORY_LAYOUTS:
            raise ValueError(f"tensors: layouts are {', '.join(MEMORY_LAYOUTS)}, got {layout!r}")
    chosen = shapes() if shape is None else shape
    sides = draw_from(chosen) if isinstance(chosen, SearchStrategy) else tuple(chosen)
    rng = np.random.default_rng(draw_from(st.integers(0, 2**32 - 1)))
    array = draw(arr(sides, low, high, tuple(away_from), distinct=distinct), rng)
    array = _laid_out(array.astype(dtypes.to_numpy(dtype)), draw_from(st.sampled_from(layouts)))
    made: Tensor = wrap(Tensor, array)
    return made.requires_grad_() if requires_grad else made


def broadcastable_tensors(count: int = 2, **options: Any) -> SearchStrategy[tuple[Tensor, ...]]:
    """`count` tensors whose shapes broadcast against each other; options as of `tensors`."""
    return broadcastable_shapes(count).flatmap(
        lambda found: st.tuples(*(tensors(shape, **options) for shape in found))
    )


def _laid_out(array: np.ndarray[Any, Any], layout: str) -> np.ndarray[Any, Any]:
    """The same elements, lying in memory in another order."""
    if array.ndim == 0 or layout == "contiguous":
        return array
    if layout == "transposed":
        return np.ascontiguousarray(array.T).T
    if layout == "every second":
        return np.repeat(array, 2, axis=-1)[..., ::2]
    return np.ascontiguousarray(array[::-1])[::-1]
