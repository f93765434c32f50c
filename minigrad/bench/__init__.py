"""Benchmarks: what a case is, how it is timed against other libraries, how it is reported.

A file with a list `CASES` is a suite; `minigrad bench FILE` times it, and so does `run`.
"""

from minigrad.bench.case import BUILT_IN, Case, Draw, Implementation, both, load_suite
from minigrad.bench.peaks import Peaks
from minigrad.bench.record import Entry, Run, Timing
from minigrad.bench.regression import Change, compare
from minigrad.bench.report import geometric_mean, heading, summary, table, threads_table
from minigrad.bench.roofline import draw_roofline
from minigrad.bench.runner import run

__all__ = [
    "BUILT_IN",
    "Case",
    "Change",
    "Draw",
    "Entry",
    "Implementation",
    "Peaks",
    "Run",
    "Timing",
    "both",
    "compare",
    "draw_roofline",
    "geometric_mean",
    "heading",
    "load_suite",
    "run",
    "summary",
    "table",
    "threads_table",
]
