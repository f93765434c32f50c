"""The table of optimizer steps and their targets."""

from collections.abc import Iterator
from pathlib import Path

from benchmarks.published.tables import rows
from minigrad.bench import Run

BEYOND = (
    "Shares beyond 100 %: the loop that measures the bandwidth writes an array that the memory "
    "reads first, which is not counted. A step writes what it has read, and the cache still holds "
    "a part."
)
LARGE, SMALL = "ResNet-18", "24 layers of 42"


def target_rows(run: Run) -> Iterator[tuple[str, str, str]]:
    """What was to be reached, the target, and what was found."""
    by_name = {entry.name.removeprefix("optimizer "): entry for entry in run.entries}
    targets = {
        "chain by hand": ("chain of five, ResNet-18: times as fast as by hand in foreach", 5.0),
        "chain fused Adam": ("chain of five, ResNet-18: times as fast as torch's fused Adam", 0.9),
        "muon": ("Muon, GPT 4x128: times as fast as torch's", 1.5),
    }
    for name, (what, target) in targets.items():
        ratio = by_name[name].ratio("torch") if name in by_name else None
        if ratio is not None:
            yield what, f">= {target}", f"{ratio:.2f}"
    shares = {
        entry.name.split()[-1]: entry.share_of_roof("minigrad", run.peaks) or 0.0
        for entry in run.entries
        if " rules " in entry.name and LARGE in entry.label
    }
    times = {
        entry.name.split()[-1]: entry.timings["minigrad"].best * 1e6
        for entry in run.entries
        if " rules " in entry.name and SMALL in entry.label
    }
    if shares:
        least, most = min(shares, key=shares.__getitem__), max(times, key=times.__getitem__)
        reached = sum(share >= 0.8 for share in shares.values())
        yield (
            f"{len(shares)} rules over elements, ResNet-18: share of the memory's bandwidth",
            ">= 80 %",
            f"{reached} of {len(shares)}; least {100 * shares[least]:.0f} % ({least})",
        )
        quick = sum(time <= 60 for time in times.values())
        yield (
            f"{len(times)} rules over elements, 48 small parameters: time of a step",
            "<= 60 us",
            f"{quick} of {len(times)}; most {times[most]:.0f} us ({most})",
        )
        for name, share in sorted(shares.items(), key=lambda pair: pair[1]):
            yield f"{name}", "", f"{100 * share:.0f} %, {times[name]:.0f} us"


def report(run: Run) -> str:
    """The table, and the machine it was made on."""
    peak = run.peaks.bandwidth(2**60) / 1e9
    versions = ", ".join(f"{name} {version}" for name, version in run.libraries.items())
    heading = (
        f"{versions}; {run.threads} threads, {run.machine['cpu']}, {peak:.1f} GB/s of memory "
        "measured in the run; best of the turns."
    )
    return f"{heading}\n\n{BEYOND}\n\n{rows(['step', 'target', 'found'], target_rows(run))}"


def optimizer_targets(path: Path) -> str:
    """The section of a kind's page."""
    return f"## Optimizer steps against their targets\n\n{report(Run.load(path))}"
