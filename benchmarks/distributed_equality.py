"""Do N processes come to what one comes to?  Models x optimizers x ranks.

    python -m benchmarks.distributed_equality [--ranks 1 2 3 4] [MODEL...]

With `reduction="fixed"` the table says in how many cases (optimizers, and float32 and float64) all
bits of parameters and buffers are equal to those of one process; otherwise the largest difference,
in float64, and in which array it is.  Beside it stands what one process comes to that takes the
samples of each batch in reversed order: the same mathematics, with sums in another order.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.page import add_page, publish

SCRIPT = Path(__file__).with_name("equality_script.py")
Arrays = Mapping[str, np.ndarray[Any, Any]]


def results(ranks: int, reduction: str, models: Sequence[str]) -> Arrays:
    """What the models come to, by model, optimizer, dtype and number of the array."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "found.npz"
        command = [sys.executable, "-m", "minigrad", "run", "-n", str(ranks), str(SCRIPT)]
        subprocess.run([*command, str(out), reduction, *models], check=True, env=os.environ)
        with np.load(out) as found:
            return dict(found)


def differences(found: Arrays, expected: Arrays) -> dict[str, tuple[float, str]]:
    """The largest difference of each model, optimizer and dtype, and the array that has it.

    It is 0 only if all bits are equal.
    """
    largest: dict[str, tuple[float, str]] = {}
    for name, array in expected.items():
        key, _, own = name.rpartition(" ")
        gap = 0.0
        if array.tobytes() != found[name].tobytes():
            gap = float(np.abs(found[name].astype(float) - array.astype(float)).max()) or 1e-300
        largest[key] = max(largest.get(key, (0.0, "")), (gap, own if gap else ""))
    return largest


def table(ranks: Sequence[int], models: Sequence[str]) -> Iterator[str]:
    """The rows, as Markdown."""
    heads = [*(f"{n} ranks" for n in ranks), "1 process, reversed batches"]
    yield f"| model, optimizer | reduction | {' | '.join(heads)} |"
    yield f"|---|---|{'---|' * len(heads)}"
    one = results(1, "fixed", models)
    found = [differences(results(n, "fixed", models), one) for n in ranks]
    for model in dict.fromkeys(name.partition(",")[0] for name in found[0]):
        cells = [_equal(each, model) for each in found]
        yield f"| {model}, all | fixed | {' | '.join(cells)} | |"
    one = results(1, "mean", models)
    found = [differences(results(n, "mean", models), one) for n in ranks]
    found.append(differences(results(1, "reversed", models), one))
    for name in found[0]:
        cells = [_cell(*each[name]) for each in found]
        yield f"| {name.removesuffix(', float64')} | mean | {' | '.join(cells)} |"


def _equal(found: Mapping[str, tuple[float, str]], model: str) -> str:
    gaps = [gap for name, (gap, _) in found.items() if name.partition(",")[0] == model]
    return f"equal bits in {gaps.count(0.0)} of {len(gaps)}"


def _cell(gap: float, array: str) -> str:
    return f"{gap:.1e} in {array}" if gap else "equal bits"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*")
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 3, 4])
    add_page(parser)
    options = parser.parse_args()
    publish(table(options.ranks, options.models), "distributed_equality", options.page)


if __name__ == "__main__":
    main()
