"""An explanation in words."""

from collections.abc import Iterator

from minigrad.bench.explain.advice import advice
from minigrad.bench.explain.counters import in_words
from minigrad.bench.explain.explanation import Explanation
from minigrad.bench.report import seconds
from minigrad.bench.roofline import LINES
from minigrad.utils import terminal

MOST_KERNELS = 12


def report(e: Explanation, width: int | None = None) -> str:
    """Time by kernel and by Python, operations and bytes, shares of every roof, what to try."""
    head = (
        f"{e.case.label}: {seconds(e.seconds)} a call, {e.dtype}, {e.threads} "
        f"thread{'s' * (e.threads > 1)}; kernels {e.kernel_share:.0%}, Python and NumPy "
        f"{1 - e.kernel_share:.0%}"
    )
    facts = "\n".join(f"  {line}" for line in _facts(e))
    tries = "\n".join(f"  - {line}" for line in advice(e))
    parts = [terminal.fitted(head, width), terminal.table(_HEAD, _rows(e), width)]
    return "\n\n".join([*parts, terminal.fitted(f"{facts}\n\nwhat to try:\n{tries}", width)])


_HEAD = ["kernel", "calls", "time", "share", "arrays", "rate", "threads", "workspace"]


def _rows(e: Explanation) -> list[list[str]]:
    rows = []
    for kernel in e.kernels[:MOST_KERNELS]:
        rate = kernel.bytes / kernel.seconds / 1e9 if kernel.seconds else 0.0
        rows.append([
            kernel.name, str(kernel.calls), seconds(kernel.seconds),
            f"{kernel.seconds / e.seconds:.0%}", size(kernel.bytes), f"{rate:.3g} GB/s",
            "all" if kernel.shared and e.threads > 1 else "1",
            size(kernel.workspace) if kernel.workspace else "",
        ])  # fmt: skip
    if len(e.kernels) > MOST_KERNELS:
        rest = e.kernels[MOST_KERNELS:]
        spent = sum(k.seconds for k in rest)
        rows.append([f"{len(rest)} more", str(sum(k.calls for k in rest)), seconds(spent),
                     f"{spent / e.seconds:.0%}", "", "", "", ""])  # fmt: skip
    python = e.seconds * (1 - e.kernel_share)
    rows.append(["Python and NumPy", "", seconds(python), f"{1 - e.kernel_share:.0%}", "", "", "",
                 ""])  # fmt: skip
    return rows


def _facts(e: Explanation) -> Iterator[str]:
    if e.flops or e.bytes:
        ratio = f", {e.flops / e.bytes:.3g} FLOP/B" if e.flops and e.bytes else ""
        yield f"counted: {e.flops:.3g} FLOP, {size(e.bytes)} that have to be moved{ratio}"
    if e.flops:
        yield (f"multiply-adds: {e.share_of_flops:.0%} of the peak, "
               f"{e.peaks.flops / 1e9:.0f} GFLOP/s")  # fmt: skip
    if e.bytes:
        for name, working_set in LINES.items():
            rate = e.peaks.bandwidth(working_set) / 1e9
            share = e.share_of_bandwidth(working_set)
            yield f"{name}: {share:.0%} of the bandwidth, {rate:.0f} GB/s"
        if e.moved < e.bytes:
            yield f"kernels were given arrays of {size(e.moved)}, and addresses of what they move"
        else:
            times = f"{e.moved / e.bytes:.2g} times what has to be moved"
            yield f"kernels were given arrays of {size(e.moved)}, {times}"
    yield f"counters: {in_words(e.counters)}"
    if e.loop is not None:
        yield _loop(e)


def _loop(e: Explanation) -> str:
    loop = e.loop
    assert loop is not None
    words = (f"inner loop of {e.kernels[0].name}: {loop.instructions} instructions, "
             f"{loop.multiply_adds} of them multiply-adds of vectors, {loop.memory} with memory, "
             f"{loop.spills} vectors on the stack")  # fmt: skip
    if loop.cycles is None:
        return f"{words}; {loop.simulator}"
    share = "" if loop.share is None else f", {loop.share:.0%} of the peak of multiply-adds"
    return f"{words}; {loop.cycles:.1f} cycles a round{share} ({loop.simulator})"


def size(count: float) -> str:
    """Bytes with a unit."""
    for unit in ("B", "KB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
