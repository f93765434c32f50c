"""map_location: where storages go, of which there is one place."""

from collections.abc import Callable, Mapping
from typing import Any

from minigrad.core.device import device, require_cpu
from minigrad.tensor import Tensor

MapLocation = Callable[[Tensor, str], Any] | Mapping[str, str] | device | str | None


class Locations:
    """The argument `map_location`, applied to each storage of a file.

    Raises TypeError, RuntimeError for an argument that is none or names another device than the
    CPU.  A mapping counts for the locations that the file has; those that it leaves out are read
    to the CPU, too.
    """

    def __init__(self, given: MapLocation) -> None:
        self._given = given
        if not (given is None or callable(given) or isinstance(given, Mapping)):
            if not isinstance(given, str | device):
                raise TypeError(
                    f"map_location expects a device, its name, a mapping of names or a function, "
                    f"not {type(given).__name__}"
                )
            require_cpu(given)

    def check(self, location: str) -> None:
        """Raise RuntimeError if the mapping sends a location elsewhere than to the CPU."""
        if isinstance(self._given, Mapping):
            require_cpu(self._given.get(location))

    def map(self, storage: Tensor, location: str) -> None:
        """Call the function, if one was given, with the elements of a storage and its location."""
        if not callable(self._given) or isinstance(self._given, device):
            return
        result = self._given(storage, location)
        if result is not None and result is not storage:
            raise ValueError(
                f"map_location should return the storage that it was given, or None, "
                f"not {type(result).__name__}"
            )
