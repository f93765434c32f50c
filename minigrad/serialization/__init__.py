"""Saving and loading, under the names of torch.serialization; no file can run code unasked."""

from minigrad.serialization.reader import load
from minigrad.serialization.safe_globals import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from minigrad.serialization.writer import save

__all__ = [
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]
