"""Is the curve of two ranks that of one process?  ResNet-18 on CIFAR-10.

    python -m benchmarks.distributed_curve [--steps 30] [--ranks 2] [--root FOLDER]

With `reduction="fixed"` every loss and every weight has the same bits; by default, in float32, the
curves part as rounding differs.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SCRIPT = Path(__file__).with_name("curve_script.py")


def curve(ranks: int, reduction: str, steps: int, root: str | None) -> dict[str, Any]:
    """The losses of the steps, the seconds of all, and a name of the weights in the end."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "curve.json"
        command = [sys.executable, "-m", "minigrad", "run", "-n", str(ranks), str(SCRIPT)]
        more = [] if root is None else [root]
        subprocess.run([*command, str(out), reduction, str(steps), *more], check=True)
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def table(ranks: int, steps: int, root: str | None) -> Iterator[str]:
    """The losses beside each other, as Markdown, and how far apart they are."""
    names = ("fixed", "mean")
    counts = (1, ranks)
    found = {(name, n): curve(n, name, steps, root) for name in names for n in counts}
    yield "| step | " + " | ".join(f"{name}, {n} ranks" for name, n in found) + " |"
    yield "|---|" + "---|" * len(found)
    for step in (*range(0, steps, 5), steps - 1):
        losses = [f"{each['losses'][step]:.9f}" for each in found.values()]
        yield f"| {step} | {' | '.join(losses)} |"
    for name in names:
        one, several = found[name, 1], found[name, ranks]
        gaps = [abs(a - b) for a, b in zip(one["losses"], several["losses"], strict=True)]
        same = "equal bits" if one["weights"] == several["weights"] else "other bits"
        speeds = [f"{each['seconds'] / steps * 1e3:.0f}" for each in (one, several)]
        yield (
            f"\n{name}: losses differ by {max(gaps):.1e} at most, weights have {same}; "
            f"{' and '.join(speeds)} ms a step"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--root", help="folder of the data files (MINIGRAD_DATA, or the cache)")
    options = parser.parse_args()
    for line in table(options.ranks, options.steps, options.root):
        print(line, flush=True)


if __name__ == "__main__":
    main()
