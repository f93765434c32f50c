"""`python -m benchmarks.verdicts`: verdicts on identical code, and on a planted tenth more work.

Prints how many of the comparisons were called slower or faster, and writes JSON beside the others'.
"""

import argparse
import json
import os
import sys
from collections import Counter
from pathlib import Path

from benchmarks.published.kinds import RESULTS, own_folder
from benchmarks.published.pages import publish
from minigrad.bench import ab
from minigrad.bench.case import load_suite
from minigrad.bench.record import describe_machine

HERE = Path(__file__).parent


def main() -> None:
    """Compare, and report the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--same", type=int, default=8, help="runs of 130 identical cases")
    parser.add_argument("--slower", type=int, default=1, help="runs of 130 cases slower by a tenth")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="of N cases the first")
    options = parser.parse_args()
    found = {
        name: sum((_verdicts(file, seed, options.every) for seed in range(runs)), Counter())
        for name, file, runs in (
            ("identical", "same.py", options.same),
            ("a tenth more work", "slower.py", options.slower),
        )
    }
    machine = describe_machine()
    machine["load"] = os.getloadavg()  # processes that wanted a core, in the last minutes
    text = json.dumps({"machine": machine, "verdicts": found}, indent=1) + "\n"
    (own_folder() / "verdicts.json").write_text(text)
    publish(RESULTS)
    for name, counts in found.items():
        total = sum(counts.values())
        shares = ", ".join(f"{count} {word}" for word, count in counts.items())
        print(f"{name}: {total} comparisons: {shares}")


def _verdicts(file: str, seed: int, every: int) -> Counter[str]:
    old = ab.version_of(HERE / "same.py", ())
    new = ab.version_of(None, [HERE / file])
    cases = load_suite(HERE / "same.py")[::every]
    found = ab.compare_versions(
        old, new, cases, seed=seed, progress=lambda words: print(file, seed, words, file=sys.stderr)
    )
    for c in found:
        if c.verdict.verdict != ab.UNRESOLVED or c.failure:
            print(file, seed, c, file=sys.stderr)
    return Counter("failed" if c.failure else c.verdict.verdict for c in found)


if __name__ == "__main__":
    main()
