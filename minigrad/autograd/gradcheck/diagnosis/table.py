"""The entries that disagree most, as a table."""

import numpy as np

from minigrad.autograd.gradcheck.diagnosis.evidence import Evidence

# Entries that a report lists, the worst first.
LISTED = 8


def worst_entries(evidence: Evidence) -> list[tuple[int, ...]]:
    """Indices of the entries to list, those that disagree most first."""

    def off(index: tuple[int, ...]) -> float:
        verdict = evidence.verdicts[index]
        error = verdict.error if np.isfinite(verdict.error) else np.inf
        return -error * (not verdict.right)

    count = min(LISTED, max(int(evidence.wrong.sum()), 1))
    return sorted(evidence.verdicts, key=off)[:count]


def table(evidence: Evidence) -> str:
    """Index, analytic, numeric (at a kink the slopes of both sides), the bound, the ratio."""
    lines = [f"  {'index':<14}{'analytic':>16}{'numeric':>16}{'within':>10}{'ratio':>12}"]
    for index in worst_entries(evidence):
        verdict, analytic = evidence.verdicts[index], float(evidence.analytic[index])
        numeric = f"{verdict.numeric:.8g}"
        if verdict.slopes is not None:
            numeric = f"{verdict.slopes[0]:.5g}..{verdict.slopes[1]:.5g}"
        ratio = analytic / verdict.numeric if verdict.numeric else float("nan")
        lines.append(
            f"  {index!s:<14}{analytic:>16.8g}{numeric:>16}{verdict.allowed:>10.1g}{ratio:>12.6g}"
        )
    more = int(evidence.wrong.sum()) - LISTED
    return "\n".join([*lines, f"  and {more} more"] if more > 0 else lines)
