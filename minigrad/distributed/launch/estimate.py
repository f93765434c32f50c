"""How long a step takes on N machines: a model of data-parallel training.

Measured: when each bucket of gradients is ready in a step of one process, and how long exchanges
take between two processes here; with `reduction="fixed"`, what is exchanged once they are.
Assumed: all machines are like this one and have as many samples each; between any two of them there
is the network's bandwidth, whatever others send; a reduction takes the ring's time or that of
recursive doubling, whichever is less; exchanges go one after the other and take nothing from the
computation.
"""

import json
import math
import statistics
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

__all__ = ["NETWORKS", "Network", "Step", "fitted", "read_step", "table"]

COUNTS = (1, 2, 4, 8, 16, 64, 256, 1024)


class Network(NamedTuple):
    """What connects processes."""

    latency: float  # seconds for a message
    bandwidth: float  # bytes a second

    def all_reduce(self, size: float, ranks: int) -> float:
        """Seconds for a sum of so many bytes."""
        if ranks == 1:
            return 0.0
        ring = 2 * (ranks - 1) * self.latency + 2 * (ranks - 1) / ranks * size / self.bandwidth
        doubling = _rounds(ranks) * (self.latency + size / self.bandwidth)
        return min(ring, doubling)

    def broadcast(self, size: float, ranks: int) -> float:
        """Seconds to give so many bytes to all."""
        if not size or ranks == 1:
            return 0.0
        return _rounds(ranks) * (self.latency + size / self.bandwidth)

    def fixed_sum(self, size: float, nodes: int, ranks: int) -> float:
        """Seconds for a sum in a fixed order of so many nodes on each, of so many bytes.

        Every process gets its stretch of all nodes from each of the others, adds them up, and gives
        the sum to all.
        """
        others = (ranks - 1) / ranks * size / self.bandwidth
        return (ranks - 1) * self.latency + nodes * others + _rounds(ranks) * self.latency + others


def _rounds(ranks: int) -> int:
    return math.ceil(math.log2(ranks))


NETWORKS = {
    f"{speed} Gbit/s": Network(latency, speed * 1e9 / 8)
    for speed, latency in ((1, 50e-6), (10, 20e-6), (100, 5e-6))
}


class Step(NamedTuple):
    """A step of one process: medians over many, in seconds and bytes."""

    seconds: float  # of the whole step without waiting for exchanges
    ready: Sequence[float]  # of each bucket, from the beginning of the backward pass
    sizes: Sequence[int]  # of each bucket
    computed: float  # when all gradients are there
    waited: float  # for exchanges
    buffers: int = 0
    sums: Sequence[tuple[int, int]] = ()  # nodes and bytes of each sum in a fixed order
    small: int = 0  # exchanges of a few bytes

    def on(self, network: Network, ranks: int) -> "Prediction":
        """The step on so many processes, each with as many samples as here."""
        end = exchanged = 0.0
        for ready, size in zip(self.ready, self.sizes, strict=True):
            seconds = network.all_reduce(size, ranks)
            end = max(end, ready) + seconds
            exchanged += seconds
        if ranks == 1:
            return Prediction(self.seconds, 0.0, 0.0)
        visible = max(0.0, end - self.computed)
        shared = network.broadcast(self.buffers, ranks) + network.broadcast(8, ranks) * self.small
        shared += sum(network.fixed_sum(size, nodes, ranks) for nodes, size in self.sums)
        return Prediction(self.seconds + visible + shared, exchanged + shared, visible + shared)


class Prediction(NamedTuple):
    """A step of several processes, in seconds."""

    seconds: float
    exchanged: float  # in all exchanges
    visible: float  # of these, not behind the computation

    @property
    def hidden(self) -> float:
        """The share of the exchanges that is hidden behind the computation."""
        return 1 - self.visible / self.exchanged if self.exchanged else 1.0


def read_step(file: Path) -> Step:
    """The step that a script's timeline has.  Raises RuntimeError if it has none."""
    try:
        found: Mapping[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        steps = found["steps"]
    except OSError:
        steps = []
    if not steps:
        raise RuntimeError(
            "no steps were seen: the script has to train a DistributedDataParallel for five steps "
            "or more"
        )
    usual = len(steps[-1]["bytes"])
    steps = [step for step in steps if len(step["bytes"]) == usual]
    waited = [step["ended"] - step["computed"] for step in steps]
    return Step(
        statistics.median(s["period"] - w for s, w in zip(steps, waited, strict=True)),
        [statistics.median(step["ready"][i] for step in steps) for i in range(usual)],
        steps[-1]["bytes"],
        statistics.median(step["computed"] for step in steps),
        statistics.median(waited),
        found["buffers"],
        [(nodes, size) for nodes, size in steps[-1]["sums"]],
        steps[-1]["small"],
    )


def fitted(times: Mapping[int, float]) -> Network:
    """The network of two processes whose reductions of so many bytes take so many seconds."""
    smallest, largest = min(times), max(times)
    latency = times[smallest]
    bandwidth = (largest - smallest) / max(times[largest] - latency, 1e-9)
    return Network(latency, bandwidth)


def table(step: Step, networks: Mapping[str, Network], counts: Sequence[int]) -> Iterator[str]:
    """The lines of the report."""
    whole, computed = step.seconds * 1e3, step.computed * 1e3
    if step.sums:
        size = sum(nodes * size for nodes, size in step.sums) / 1e6
        yield (
            f"a step of one process: {whole:.1f} ms, of it {computed:.1f} ms over shards; then "
            f"{size:.2f} MB of sums in a fixed order, and {step.small} small exchanges"
        )
    else:
        yield (
            f"a step of one process: {whole:.1f} ms, of it {computed:.1f} ms backward; "
            f"{sum(step.sizes) / 1e6:.2f} MB of gradients in {len(step.sizes)} buckets"
        )
    yield f"{'network':<20} {'ranks':>6} {'step ms':>9} {'efficiency':>10} {'hidden':>7}"
    for name, network in networks.items():
        for ranks in counts:
            found = step.on(network, ranks)
            yield (
                f"{name:<20} {ranks:>6} {found.seconds * 1e3:>9.2f} "
                f"{step.seconds / found.seconds:>10.0%} {found.hidden:>7.0%}"
            )
    yield (
        "assumed: machines like this one, as many samples on each, the bandwidth between any two "
        "at once, and exchanges that take nothing from the computation"
    )
