"""Saving and loading, under the names of torch.serialization; no file can run code."""

from minigrad.serialization.reader import load
from minigrad.serialization.writer import save

__all__ = ["load", "save"]
