"""What to try, from the numbers; each rule speaks only where its own numbers say so."""

from collections.abc import Callable, Iterator

from minigrad.bench.explain.explanation import Explanation

MUCH = 0.5  # of the time
NEAR = 0.7  # of a roof
TWICE = 1.8  # the bytes that have to be moved

Rule = Callable[[Explanation], str | None]


def advice(e: Explanation) -> Iterator[str]:
    """Every rule's sentence, or one that nothing stands out."""
    found = [words for rule in RULES if (words := rule(e)) is not None]
    yield from found or ["nothing stands out: look at the kernels that take most"]


def _calls(e: Explanation) -> str | None:
    if not e.peaks.bound_by_calls(e.flops, e.bytes):
        return None
    return (
        "the work is smaller than a call: do more of it in one (a larger batch), or let "
        "minigrad.compile take the calls away"
    )


def _python(e: Explanation) -> str | None:
    if e.kernel_share > 1 - MUCH or e.peaks.bound_by_calls(e.flops, e.bytes):
        return None
    return (
        f"Python and NumPy take {1 - e.kernel_share:.0%} of the time: minigrad.compile replays a "
        "step without the graph's work; a larger batch spreads it"
    )


def _threads(e: Explanation) -> str | None:
    if not e.kernels:
        return None
    first = e.kernels[0]
    if e.threads == 1 and first.shared and e.kernel_share > MUCH:
        return f"{first.name} is large enough for several threads: --threads 2 shows what they give"
    if e.threads > 1 and first.work and not first.shared:
        return (
            f"{first.name} stays on one thread: its work is {first.work} of the {first.least} that "
            "make it worth a second one"
        )
    return None


def _memory(e: Explanation) -> str | None:
    if not e.bytes or not e.peaks.bound_by_memory(e.flops, e.bytes) or e.share_of_roof < NEAR:
        return None
    return (
        "at the roof of memory: only fewer bytes help, so fuse it with what comes before and "
        "after, or take a smaller dtype"
    )


def _passes(e: Explanation) -> str | None:
    if not e.bytes or e.moved < TWICE * e.bytes or e.kernel_share < MUCH:
        return None
    return (
        f"kernels are given {e.moved / e.bytes:.1f} times the bytes that have to be moved: several "
        "passes go over the same arrays, which one fused kernel would not"
    )


def _peak(e: Explanation) -> str | None:
    if not e.flops or e.peaks.bound_by_memory(e.flops, e.bytes) or e.share_of_flops < NEAR:
        return None
    if e.share_of_flops > 1:
        return "more than the peak: an algorithm with fewer operations than were counted does it"
    return "near the peak of multiply-adds: only fewer operations help"


def _spills(e: Explanation) -> str | None:
    if e.loop is None or not e.loop.spills:
        return None
    return (
        f"the inner loop keeps {e.loop.spills} vectors on the stack: a smaller tile would keep "
        "them in registers"
    )


RULES: tuple[Rule, ...] = (_calls, _python, _threads, _memory, _passes, _peak, _spills)
