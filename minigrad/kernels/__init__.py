"""Compiled loops over arrays.  They know arrays, addresses and numbers, nothing above."""
