"""The same cases with a tenth more work."""

from benchmarks.verdicts.cases import cases

CASES = cases(11)
