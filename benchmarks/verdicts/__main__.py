"""`python -m benchmarks.verdicts`: verdicts on identical code, and on a planted tenth more work.

Records launches of both, and draws a thousand comparisons of each kind from them (`campaign`).
Prints how many were called slower or faster, and writes JSON beside the others' results.
"""

import argparse
import json
import os

from benchmarks.published.kinds import RESULTS, own_folder
from benchmarks.published.pages import publish
from benchmarks.published.sections import verdicts
from benchmarks.verdicts.campaign import campaign
from minigrad.bench.ab.measure import AT_MOST
from minigrad.bench.record import describe_machine


def main() -> None:
    """Compare, and report the rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--every", type=int, default=5, metavar="N", help="of N cases the first")
    parser.add_argument("--launches", type=int, default=AT_MOST, help="of each case and kind")
    parser.add_argument("--comparisons", type=int, default=1000, help="drawn of each kind")
    options = parser.parse_args()
    machine = describe_machine()
    found = campaign(options.every, options.launches, options.comparisons)
    machine["load"] = os.getloadavg()  # processes that wanted a core, in the last minutes
    path = own_folder() / "verdicts.json"
    path.write_text(json.dumps({"machine": machine, "verdicts": found}) + "\n")
    publish(RESULTS)
    print(verdicts(path))


if __name__ == "__main__":
    main()
