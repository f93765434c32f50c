"""Errors that PyTorch has no other name for."""


class OutOfMemoryError(RuntimeError, MemoryError):
    """There is no memory for a result, or to work in; no operand has been changed.

    PyTorch differs: its error is a RuntimeError only.
    """


class AcceleratorError(RuntimeError):
    """An error of a device beside the CPU; none is raised here, and programs catch it."""
