"""`python -m benchmarks.false_alarms`: right functions that a check fails, and how many there are.

Prints each alarm as it comes, and in the end a table by family; that of all families goes to
`benchmarks/results/false-alarms.md`.
"""

import argparse
import sys
import time
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from benchmarks.false_alarms.compositions import drawn
from benchmarks.false_alarms.of_frameworks import of_others, of_torch
from benchmarks.false_alarms.subjects import Subject, operations, seeds
from benchmarks.published.kinds import RESULTS
from minigrad.autograd import GradcheckError

HEADING = (
    "# Right functions that a gradient check fails\n\n"
    "Made by {command}. Functions of minigrad, PyTorch, JAX, HIPS "
    "autograd and MyGrad, NumPy's with derivatives written by hand, and expressions drawn at "
    "random, at random points. In float64 the first and second order, in float32 the first, at "
    "inputs that are float32 themselves. An *error* is the function's own: it does not take the "
    "input, or has no derivative of an order."
)


def main() -> None:
    """Check, and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.false_alarms", description=__doc__)
    parser.add_argument("--points", type=int, default=1, help="of each function (1)")
    parser.add_argument("--family", help="check those alone whose family has this in its name")
    parser.add_argument("--drawn", type=int, default=200, help="expressions (200)")
    parser.add_argument("--seed", type=int, default=0, help="of points and expressions (0)")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    subjects: Iterator[Subject] = chain(operations(), of_torch(), of_others(),
                                       drawn(options.drawn, options.seed))  # fmt: skip
    wanted = (s for s in subjects if options.family is None or options.family in s.family)
    text = table(counted(wanted, seeds(options.points, options.seed)))
    print(text)
    if options.family is None:
        command = f"`python -m benchmarks.false_alarms{_given(options, parser)}`"
        page = f"{HEADING.format(command=command)}\n\n{text}\n"
        (RESULTS / "false-alarms.md").write_text(page, encoding="utf-8")


def _given(options: argparse.Namespace, parser: argparse.ArgumentParser) -> str:
    """The options that are not as usual, as they are written."""
    pairs = [(name, value) for name, value in vars(options).items()
             if value != parser.get_default(name)]  # fmt: skip
    return "".join(f" --{name} {value}" for name, value in pairs)


def counted(subjects: Iterable[Subject], points: Sequence[int]) -> dict[str, Counter[str]]:
    """By family: functions, checks, alarms, and errors, which are the function's own."""
    found: dict[str, Counter[str]] = {}
    for subject in subjects:
        family = found.setdefault(subject.family, Counter())
        family["functions"] += 1
        start = time.process_time()
        for seed in points:
            family["checks"] += 1
            try:
                subject.check(seed)
            except GradcheckError as alarm:
                family["alarms"] += 1
                print(f"ALARM {subject.family}: {subject.name}\n{alarm}\n", file=sys.stderr)
            except Exception as error:
                family["errors"] += 1
                print(f"ERROR {subject.family}: {subject.name}: {error!r}"[:400], file=sys.stderr)
        family["seconds"] += round(1000 * (time.process_time() - start))
    return found


def table(found: dict[str, Counter[str]]) -> str:
    """The counts in Markdown."""
    columns = ("functions", "checks", "alarms", "errors")
    total = sum(found.values(), Counter[str]())
    lines = ["| family | functions | checks | false alarms | errors | CPU time |", "|---" * 6 + "|"]
    for family, counts in (*found.items(), ("all", total)):
        cells = [str(counts[c]) for c in columns]
        lines.append(f"| {family} | {' | '.join(cells)} | {counts['seconds'] / 1000:.0f} s |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
