"""Compilation of kernels, their disk cache, threads and memory."""
