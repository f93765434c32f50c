"""Names in the file for the arrays of a recording.

An array is known by its memory and layout, so that two arrays of one place have one name.  What
follows from no input is a constant: nothing is written of it until something reads it.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.compiler.tape import same_bits
from minigrad.onnx.constants import varying_constant
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.graph import Graph
from minigrad.onnx.sizes import Source, Varying, merged
from minigrad.onnx.views import write_view
from minigrad.tensor.memory import owner_of

Key = tuple[Any, ...]


def key_of(array: np.ndarray) -> Key:
    """The place of an array: memory and layout."""
    address = array.__array_interface__["data"][0]
    return address, array.shape, array.strides, array.dtype.str


@dataclass
class Known:
    """What is known of an array: its name, and its content if that is constant."""

    name: str | None = None
    array: np.ndarray | None = None  # the content of a constant
    write: Callable[[], str] | None = None  # writes the nodes of a constant that is no initializer
    stale: str = ""  # why the name must not be read
    error: OnnxExporterError | None = None  # why there is no name: raised where it is read
    hint: str = "constant"
    is_weight: bool = False  # a parameter or buffer of the model, whose memory the file shares

    def is_unusable(self) -> bool:
        """True if the name cannot be read."""
        return bool(self.stale) or self.error is not None


class Values:
    """The arrays of a recording, by their places."""

    def __init__(self, graph: Graph, holds_weights: bool) -> None:
        self.graph = graph
        self._holds_weights = holds_weights  # whether parameters are constants of the file
        self._known: dict[Key, Known] = {}
        self._places: dict[int, list[tuple[Key, np.ndarray]]] = {}  # by the id of an owner
        self._others: dict[Key, tuple[np.ndarray, ...]] = {}  # the array in all recordings
        self._alive: list[Any] = []

    # --- what is known ---

    def add(self, array: np.ndarray, known: Known) -> None:
        """Note what an array is."""
        key = key_of(array)
        owner = owner_of(array)
        if key not in self._known:
            self._places.setdefault(id(owner), []).append((key, array))
            self._alive += (array, owner)
        self._known[key] = known

    def add_weight(self, name: str, array: np.ndarray) -> None:
        """Note a parameter or buffer of the model; equal ones have one name."""
        if key_of(array) in self._known:
            return
        constant = array if self._holds_weights else None
        known = Known(array=constant, hint=name, is_weight=True)
        if constant is None:
            known.name = self._weight(array, name)
        self.add(array, known)

    def _weight(self, array: np.ndarray, name: str) -> str:
        made = self.graph.initializer(array, name)
        self.graph.weights.add(made)
        return made

    def note_twins(self, array: np.ndarray, twins: tuple[np.ndarray, ...]) -> None:
        """Note what an array is in all recordings; what was noted first holds."""
        self._others.setdefault(key_of(array), twins)

    def twins(self, array: np.ndarray) -> tuple[np.ndarray, ...]:
        """The array in all recordings."""
        return self._others.get(key_of(array), (array,))

    def varies(self, array: np.ndarray) -> bool:
        """True if the array is another one in other recordings."""
        first, *others = self.twins(array)
        return any(key_of(a) != key_of(first) and not same_bits(a, first) for a in others)

    def shape(self, array: np.ndarray) -> tuple[Any, ...]:
        """The sizes, with a `Varying` for each that dynamic axes decide."""
        shape: tuple[Any, ...] = merged([each.shape for each in self.twins(array)])
        return shape

    def find(self, array: np.ndarray) -> Known:
        """What is known of an array; one of unknown memory is a constant."""
        key = key_of(array)
        if key not in self._known:
            self.add(array, self._of_view(array) or Known(array=array))
        return self._known[key]

    def is_constant(self, array: np.ndarray) -> bool:
        """True if the array follows from no input."""
        return self.find(array).array is not None

    def is_weight(self, array: np.ndarray) -> bool:
        """True for a parameter or buffer of the model, or a view of one."""
        return self.find(array).is_weight

    def _of_view(self, array: np.ndarray) -> Known | None:
        """A view that no operation has made: nodes that take it, or an error."""
        reason: OnnxExporterError | None = None
        for key, other in reversed(self._places.get(id(owner_of(array)), ())):
            known = self._known[key]
            if known.array is not None or not np.may_share_memory(other, array):
                continue
            if known.is_unusable():
                reason = known.error or OnnxExporterError(known.stale)
                continue
            name = write_view(self.graph, self.name(other), self.twins(other), self.twins(array))
            if name is not None:
                return Known(name)
            reason = OnnxExporterError("it reads a part of a tensor that no operation has taken")
        if reason is not None:
            raise reason
        return None

    # --- names ---

    def name(self, array: np.ndarray) -> str:
        """The name of an array in the file."""
        known = self.find(array)
        if known.error is not None:
            raise known.error
        if known.stale:
            raise OnnxExporterError(known.stale)
        if known.name is None:
            known.name = self._written(known, array)
        return known.name

    def _written(self, known: Known, array: np.ndarray) -> str:
        if known.write is not None:
            return known.write()
        assert known.array is not None
        if self.varies(array):
            return varying_constant(self.graph, self.twins(array))
        if known.is_weight:
            return self._weight(known.array, known.hint)
        return self.graph.constant(known.array, known.hint)

    def sources(self, arrays: Iterable[np.ndarray]) -> list[Source]:
        """The sizes of arrays that dynamic axes decide, for the file to read."""
        return [
            Source(self.name(array), axis, size.values)
            for array in arrays
            if not self.is_constant(array)
            for axis, size in enumerate(self.shape(array))
            if isinstance(size, Varying)
        ]

    def alias(self, array: np.ndarray, other: np.ndarray) -> None:
        """Note that an array is a copy of another."""
        if self.known_place(array) is None:
            self.add(array, self.find(other))

    def known_place(self, array: np.ndarray) -> Known | None:
        """What is known of an array, or None if nothing is."""
        return self._known.get(key_of(array))

    def require_own(self, array: np.ndarray) -> None:
        """Raise OnnxExporterError if an array was there before the forward."""
        known = self.known_place(array)
        if known is None or known.is_weight:
            called = f"{known.hint!r}" if known else "a tensor that is kept"
            raise OnnxExporterError(
                f"it changes {called} in place, and a file keeps nothing from one call to the "
                f"next; in eval mode, layers change nothing"
            )

    def overwrite(self, array: np.ndarray, name: str, by: str) -> None:
        """Give an array that was changed in place a new name; its views have none any more."""
        for key, other in self._places[id(owner_of(array))]:
            if key != key_of(array) and np.may_share_memory(other, array):
                self._known[key] = Known(
                    stale=f"it reads a tensor that `{by}` has changed through a view of the same "
                    f"memory; change a clone() instead"
                )
        self.add(array, Known(name))
