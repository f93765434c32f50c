"""Memory and time of training over 10^5 steps, of one shape and of shapes that change.

    python -m benchmarks.long_runs [--steps 100000] [--way NAME]

Each way runs in a process of its own; a row has, for each tenth of its steps, the memory that the
process holds and the CPU time of a step.  Both should stay as they are after the first tenth.
"""

import argparse
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import minigrad as mg
from benchmarks.page import add_page, publish
from minigrad import Tensor, nn, optim
from minigrad.nn import functional as F

PARTS = 10
MOST_GROWTH = 4 << 20  # bytes from the second tenth on
MOST_SLOWER = 1.25


def _network() -> nn.Module:
    return nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 3))


def _rows(draw: random.Random, batch: int) -> tuple[Tensor, Tensor]:
    return mg.randn(batch, 8), mg.randint(0, 3, (batch,))


def one_shape(draw: random.Random) -> Callable[[], None]:
    """A small network on batches of 16."""
    return _step(_network(), lambda: _rows(draw, 16))


def changing_batches(draw: random.Random) -> Callable[[], None]:
    """A small network on batches of 1 to 200 rows."""
    return _step(_network(), lambda: _rows(draw, draw.randint(1, 200)))


def compiled_changing_batches(draw: random.Random) -> Callable[[], None]:
    """The same, compiled, on 1 to 80 rows: more shapes than are kept."""
    model = _network()
    return _step(model, lambda: _rows(draw, draw.randint(1, 80)), mg.compile(model))


def changing_images(draw: random.Random) -> Callable[[], None]:
    """A convolution and a pool on images of 6 to 16 pixels by 6 to 16, one to three of them."""
    model = nn.Sequential(
        nn.Conv2d(1, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(4, 3),
    )  # fmt: skip

    def batch() -> tuple[Tensor, Tensor]:
        n = draw.randint(1, 3)
        images = mg.randn(n, 1, draw.randint(6, 16), draw.randint(6, 16))
        return images, mg.randint(0, 3, (n,))

    return _step(model, batch)


def changing_lengths(draw: random.Random) -> Callable[[], None]:
    """An LSTM on sequences of 1 to 12 steps."""
    recurrent, head = nn.LSTM(4, 8, batch_first=True), nn.Linear(8, 3)

    class Last(nn.Module):
        """The scores of the last step."""

        def __init__(self) -> None:
            super().__init__()
            self.recurrent, self.head = recurrent, head

        def forward(self, x: Tensor) -> Tensor:
            """The scores."""
            return self.head(self.recurrent(x)[0][:, -1])  # type: ignore[no-any-return]

    return _step(Last(), lambda: (mg.randn(2, draw.randint(1, 12), 4), mg.randint(0, 3, (2,))))


WAYS: dict[str, Callable[[random.Random], Callable[[], None]]] = {
    way.__name__: way
    for way in (
        one_shape, changing_batches, compiled_changing_batches, changing_images, changing_lengths,
    )
}  # fmt: skip


def _step(
    model: nn.Module,
    batch: Callable[[], tuple[Tensor, Tensor]],
    called: Callable[[Tensor], Tensor] | None = None,
) -> Callable[[], None]:
    """A function that does a step of Adam."""
    optimizer = optim.Adam(model.parameters(), lr=1e-3)
    run = model if called is None else called

    def step() -> None:
        inputs, labels = batch()
        optimizer.zero_grad()
        F.cross_entropy(run(inputs), labels).backward()
        optimizer.step()

    return step


def memory() -> int:
    """Bytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096


def measure(way: str, steps: int) -> list[tuple[int, float]]:
    """Memory after each tenth of the steps, and seconds of CPU time that one of its steps took."""
    mg.manual_seed(0)
    mg.set_num_threads(1)
    step, found = WAYS[way](random.Random(0)), []
    for _ in range(PARTS):
        began = time.process_time()
        for _ in range(steps // PARTS):
            step()
        found.append((memory(), (time.process_time() - began) / (steps // PARTS)))
    return found


def is_flat(found: list[tuple[int, float]]) -> bool:
    """Whether memory and time stay what they are after the second tenth."""
    memories, times = zip(*found[1:], strict=True)
    grows = max(memories) - memories[0] >= MOST_GROWTH
    return bool(not grows and min(times[-3:]) < MOST_SLOWER * times[0])


def row(way: str, steps: int) -> str:
    """A row of the table: one way."""
    found = measure(way, steps)
    memories = ", ".join(f"{held / 2**20:.1f}" for held, _ in found)
    times = ", ".join(f"{seconds * 1e6:.0f}" for _, seconds in found)
    flat = "flat" if is_flat(found) else "NOT FLAT"
    return f"| {WAYS[way].__doc__} | {steps} | {memories} | {times} | {flat} |"


def table(steps: int) -> Iterator[str]:
    """All ways, each in a process of its own, as Markdown."""
    yield "| what is trained | steps | MiB after each tenth | us a step in each tenth | |"
    yield "|---|---|---|---|---|"
    for way in WAYS:
        command = [sys.executable, "-m", "benchmarks.long_runs", "--steps", str(steps)]
        done = subprocess.run(
            [*command, "--way", way], stdout=subprocess.PIPE, text=True, check=True
        )
        yield done.stdout.strip()


def main() -> int:
    """Measure all ways; status 1 if one is not flat."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--steps", type=int, default=100_000)
    parser.add_argument("--way", choices=WAYS)
    add_page(parser)
    options = parser.parse_args()
    if options.way is not None:
        print(row(options.way, options.steps))
        return 0
    lines = publish(table(options.steps), "long_runs", options.page)
    return int(any("NOT FLAT" in line for line in lines))


if __name__ == "__main__":
    sys.exit(main())
