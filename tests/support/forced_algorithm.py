"""Convolutions by an algorithm that a test chooses: all of them ask `plan.select_algorithm`."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest import mock

from minigrad.kernels.conv import plan, subpixel
from minigrad.kernels.conv.axis import Axis
from minigrad.kernels.conv.plan import Algorithm, Sizes

select = plan.select_algorithm


@contextmanager
def forced(algorithm: Algorithm, tile: int = 0) -> Iterator[None]:
    """Use this algorithm wherever it can be used, and "implicit_gemm" elsewhere.

    A source is dilated, where that is fast, for "direct" only: no other algorithm reads it so.
    """

    def select_forced(
        sizes: Sizes, axes: tuple[Axis, Axis], taps: int
    ) -> tuple[Algorithm, int] | None:
        if any(axis.source_dilation > 1 for axis in axes):
            return select(sizes, axes, taps) if algorithm == "direct" else None
        if algorithm == "winograd" and not all(axis.has_even_taps() for axis in axes):
            return "implicit_gemm", 0
        if algorithm == "depthwise" and not plan.can_be_depthwise(sizes, axes):
            return "implicit_gemm", 0
        return algorithm, tile

    with mock.patch.object(plan, "select_algorithm", select_forced):
        _forget()
        yield
    _forget()


def _forget() -> None:
    plan.forward_steps.cache_clear()
    plan.backward_steps.cache_clear()
    subpixel._select.cache_clear()
