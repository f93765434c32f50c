"""What was found about a case, and the numbers that follow from it."""

from dataclasses import dataclass

from minigrad.bench.case import Case
from minigrad.bench.explain.inner_loop import InnerLoop
from minigrad.bench.peaks import Peaks
from minigrad.kernels.observation.kernel_clock import KernelTime


@dataclass(frozen=True)
class Explanation:
    """A case of minigrad's, once called.

    seconds: of a call, without the clock; kernels: of one call, the longest first; counters: by
    perf, or why there are none; loop: of the kernel that takes most.
    """

    case: Case
    dtype: str
    threads: int
    seconds: float
    kernels: list[KernelTime]
    peaks: Peaks
    counters: dict[str, float] | str
    loop: InnerLoop | None = None

    @property
    def flops(self) -> float:
        """Operations, as the case counts them."""
        return self.case.flops

    @property
    def bytes(self) -> float:
        """Bytes that have to be read or written once, as the case counts them."""
        return self.case.bytes(self.dtype)

    @property
    def kernel_share(self) -> float:
        """The share of the time that kernels take; the rest is Python's and NumPy's."""
        return min(1.0, sum(k.seconds for k in self.kernels) / self.seconds)

    @property
    def moved(self) -> int:
        """Bytes of the arrays that kernels were given."""
        return sum(k.bytes for k in self.kernels)

    @property
    def share_of_flops(self) -> float:
        """Of the peak of multiply-adds."""
        return self.flops / self.seconds / self.peaks.flops

    def share_of_bandwidth(self, size: int) -> float:
        """Of the bandwidth that a working set of this size has."""
        return self.bytes / self.seconds / self.peaks.bandwidth(size)

    @property
    def share_of_roof(self) -> float:
        """The least time that the machine needs, as a share of the time."""
        return self.peaks.least_time(self.flops, self.bytes) / self.seconds
