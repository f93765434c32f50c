"""Is the curve of two ranks that of one process?  ResNet-18 on CIFAR-10, or on images like them.

    python -m benchmarks.distributed_curve [--steps 30] [--ranks 2] [--root FOLDER]

With `reduction="fixed"` every loss and every weight has the same bits.  By default, in float32, the
curves part as rounding differs; so do those of one process that takes the samples of each batch in
reversed order, which is the same mathematics and stands beside it.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.page import add_page, publish

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


def table(ranks: int, steps: int, root: str | None, only_mean: bool = False) -> Iterator[str]:
    """The losses beside each other, as Markdown, and how far apart they are."""
    ways = [("mean", 1), ("mean", ranks), ("reversed", 1)]
    if not only_mean:
        ways = [("fixed", 1), ("fixed", ranks), *ways]
    found = {(name, n): curve(n, name, steps, root) for name, n in ways}
    yield "| step | " + " | ".join(f"{name}, {n} ranks" for name, n in found) + " |"
    yield "|---|" + "---|" * len(found)
    for step in (*range(0, steps, 5), steps - 1):
        losses = [f"{each['losses'][step]:.9f}" for each in found.values()]
        yield f"| {step} | {' | '.join(losses)} |"
    for way in (way for way in ways if way not in (("fixed", 1), ("mean", 1))):
        one = found["fixed" if way[0] == "fixed" else "mean", 1]
        several = found[way]
        gaps = [abs(a - b) for a, b in zip(one["losses"], several["losses"], strict=True)]
        same = "equal bits" if one["weights"] == several["weights"] else "other bits"
        speeds = [f"{each['seconds'] / steps * 1e3:.0f}" for each in (one, several)]
        yield (
            f"\n{way[0]}, {way[1]} ranks: losses differ from those of one process by "
            f"{max(gaps):.1e} at most, by {gaps[0]:.1e} in the first step; weights have {same}; "
            f"{' and '.join(speeds)} ms a step"
        )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--ranks", type=int, default=2)
    parser.add_argument("--root", help="folder of CIFAR-10 (images are drawn)")
    parser.add_argument("--only-mean", action="store_true", help="the default reduction alone")
    add_page(parser)
    options = parser.parse_args()
    lines = table(options.ranks, options.steps, options.root, options.only_mean)
    publish(lines, "distributed_curve", options.page)


if __name__ == "__main__":
    main()
