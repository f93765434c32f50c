"""Compiled loops over arrays.  They know arrays, addresses and numbers, and nothing above."""

from minigrad.kernels.compiler.kernel import kernel, prange
