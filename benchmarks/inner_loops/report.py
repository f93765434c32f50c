"""What is found in the innermost loops, and how it is shown."""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from benchmarks.inner_loops.micro_kernels import MICRO_KERNELS, assemble
from benchmarks.inner_loops.targets import TARGETS
from minigrad.bench.explain.loops import Counts, count, functions_of, innermost_loops, main_loop
from minigrad.bench.explain.simulator import cycles, simulator_version

HEAD = ("target", "micro-kernel", *(f.replace("_", "-") for f in Counts._fields), "cycles", "share")


class Judged(NamedTuple):
    """The innermost loop of a micro-kernel on a CPU."""

    target: str
    micro_kernel: str
    counts: Counts
    cycles: float | None
    """Of one round, without a simulator None."""
    share: float | None
    """Of the peak of multiply-adds, likewise; None also where there is no loop or none of these."""

    @property
    def cells(self) -> list[str]:
        """A line of the report."""
        taken = "" if self.cycles is None else f"{self.cycles:.1f}"
        share = "" if self.share is None else f"{self.share:.0%}"
        return [self.target, self.micro_kernel, *map(str, self.counts), taken, share]


def judge(
    targets: Iterable[str] = TARGETS,
    micro_kernels: Iterable[str] = MICRO_KERNELS,
    dtype: str = "float32",
) -> Iterator[Judged]:
    """Compile micro-kernels for these CPUs, and look at their loops."""
    for each in assemble(targets, micro_kernels, [dtype]):
        [code] = functions_of(each.assembly)
        loop, target = main_loop(code), TARGETS[each.target]
        counts, taken, share = count(loop, code), cycles(loop, target.triple, target.model), None
        if taken is not None and counts.multiply_adds and innermost_loops(code):
            share = counts.multiply_adds / taken / target.peak
        yield Judged(each.target, each.micro_kernel, counts, taken, share)


def summary() -> dict[str, Any]:
    """By target and micro-kernel: the share of the peak, in percent, and what else its loop holds.

    Of what keeps a loop from its peak, only what is there is named.
    """
    found: dict[str, dict[str, str]] = {target: {} for target in TARGETS}
    for judged in judge():
        if judged.share is not None:
            costs = {"spills": judged.counts.spills, "moves": judged.counts.moves}
            named = "".join(f", {n} {what}" for what, n in costs.items() if n)
            found[judged.target][judged.micro_kernel] = f"{judged.share:.0%}{named}"
    return {"simulator": simulator_version(), "loops": found}
