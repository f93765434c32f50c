"""Memory over many replays of a compiled training step: it has to be flat.

    python -m benchmarks.replays [--count N]

Prints the resident memory after each tenth of the replays, in KiB, and ends with status 1 if the
last tenths have added more than a page for each thousand replays.
"""

import argparse
import sys
from pathlib import Path

import minigrad as mg
from minigrad import nn, optim
from minigrad.nn import functional as F


def resident() -> int:
    """The resident memory of this process in KiB; Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def main() -> None:
    """Replay a step, and print the memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=100_000)
    count = parser.parse_args().count
    mg.manual_seed(0)
    model = nn.Sequential(nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
    optimizer = optim.Adam(model.parameters())

    @mg.compile
    def step(x: mg.Tensor, y: mg.Tensor) -> mg.Tensor:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    found = []
    for _ in range(10):
        for _ in range(count // 10):
            step(mg.randn(16, 32), mg.randint(0, 2, (16,)))
        found.append(resident())
        print(f"{step.replays} replays: {found[-1]} KiB", flush=True)
    allowed = 4 * count // 1000
    sys.exit(found[-1] - found[2] > max(allowed, 256))


if __name__ == "__main__":
    main()
