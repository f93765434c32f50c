"""Saving and loading, under the names of torch.serialization; no file can run code unasked."""

from minigrad.serialization.map_location import MapLocation
from minigrad.serialization.reader import load
from minigrad.serialization.safe_globals import (
    add_safe_globals,
    clear_safe_globals,
    get_safe_globals,
    safe_globals,
)
from minigrad.serialization.writer import save

MAP_LOCATION = MapLocation

__all__ = [
    "MAP_LOCATION",
    "add_safe_globals",
    "clear_safe_globals",
    "get_safe_globals",
    "load",
    "safe_globals",
    "save",
]
