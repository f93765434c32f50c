"""What kernels' innermost loops look like on CPUs that are not here.

They are compiled for each CPU and not run: `loops` counts what stands in the assembly, and LLVM's
simulator says how many cycles that takes.  `python -m benchmarks.inner_loops` prints a report.
"""
