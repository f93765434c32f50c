"""Why a case is slow: its time by kernel, its bytes and operations under each roof, what to try.

`kernels.observation` counts kernels inside a fresh process, `counters` reads what the CPU counts
through perf, `inner_loop` looks at the machine code with `loops` and `simulator`, `advice` draws
conclusions.
"""

from minigrad.bench.explain.advice import advice
from minigrad.bench.explain.explain import explain
from minigrad.bench.explain.explanation import Explanation
from minigrad.bench.explain.report import report

__all__ = ["Explanation", "advice", "explain", "report"]
