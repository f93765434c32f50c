"""Cases whose work is ten times the same operation."""

from benchmarks.verdicts.cases import cases

CASES = cases(10)
