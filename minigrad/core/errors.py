"""Errors that PyTorch has no other name for."""


class OutOfMemoryError(RuntimeError, MemoryError):
    """There is no memory for a result, or to work in; no operand has been changed.

    PyTorch differs: its error is a RuntimeError only.
    """
