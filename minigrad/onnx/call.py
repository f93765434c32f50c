"""One recorded operation, as a translation sees it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.tape import Entry
from minigrad.engine.operation import Op
from minigrad.onnx.graph import Graph
from minigrad.onnx.sizes import Source, Varying, merged
from minigrad.onnx.values import Values, key_of


class Call:
    """An operation that was called: its inputs by name, its settings, and where results go."""

    def __init__(
        self, values: Values, entries: Sequence[Entry], operation: Op | None, makers: dict[Any, Any]
    ) -> None:
        first = entries[0]
        self.graph: Graph = values.graph
        self.opset = values.graph.opset
        self.operation = operation
        self.values = values
        self.called, self.where = first.called, first.where
        self.args: tuple[Any, ...] = merged([entry.args for entry in entries])
        defaults = {} if operation is None else operation.defaults
        self.settings: dict[str, Any] = defaults | merged([entry.settings for entry in entries])
        several = isinstance(first.result, tuple | list)
        self.results: list[Any] = list(first.result) if several else [first.result]
        self.parts: dict[int, str] = {}  # of a flat result: what begins at each position
        self._makers = makers  # the call that has made each array

    # --- inputs ---

    def arrays(self) -> list[np.ndarray]:
        """The arrays among arguments and settings."""
        return arrays_in([self.args, self.settings])

    def input(self, position: int) -> str:
        """The name of an argument; a number becomes a constant of the dtype that it takes."""
        return self.of(self.args[position])

    def optional(self, position: int) -> str | None:
        """The name of an argument, or None if it was not given."""
        given = self.args[position] if position < len(self.args) else None
        return None if given is None else self.of(given)

    def of(self, given: Any) -> str:
        """The name of an array or number."""
        if isinstance(given, np.ndarray):
            return self.values.name(given)
        dtype = self.dtype_of_numbers()
        if isinstance(given, Varying):
            one = self.graph.size(given, self.sources())
            number = self.graph.node("Squeeze", one, np.array([0], np.int64))
            return number if dtype == np.int64 else self.graph.node("Cast", number, to=dtype)
        return self.graph.constant(np.asarray(given).astype(dtype))

    def dtype_of_numbers(self) -> np.dtype[Any]:
        """The dtype that numbers among the arguments take: that of the arrays beside them."""
        dtypes = [a.dtype for a in self.args if isinstance(a, np.ndarray) and a.dtype != bool]
        result = self.results[0]
        if not dtypes or (isinstance(result, np.ndarray) and result.dtype.kind == "f"):
            dtypes = [result.dtype]
        found: np.dtype[Any] = dtypes[0]
        return found

    def shape(self, position: int) -> tuple[Any, ...]:
        """The sizes of an argument, with a `Varying` for each that dynamic axes decide."""
        given = self.args[position]
        return self.values.shape(given) if isinstance(given, np.ndarray) else ()

    def ndim(self, position: int = 0) -> int:
        """The number of dimensions of an argument."""
        return len(self.shape(position))

    def axis(self, given: int, position: int = 0) -> int:
        """An axis of an argument, counted from the front."""
        return given % max(1, self.ndim(position))

    def maker(self, position: int) -> "Call | None":
        """The call that has made an argument, or None."""
        found: Call | None = self._makers.get(key_of(self.args[position]))
        return found

    # --- writing ---

    def node(self, kind: str, *inputs: Any, **attributes: Any) -> str:
        """Add a node of one output; see `Graph.node`."""
        return self.graph.node(kind, *inputs, **attributes)

    def ints(self, given: Iterable[Any]) -> str:
        """A vector of int64, of which some numbers may follow from sizes of dynamic axes."""
        return self.graph.ints(given, self.sources())

    def sources(self) -> list[Source]:
        """The sizes of the inputs that dynamic axes decide."""
        return self.values.sources(self.arrays())

    def scalar(self, number: float, position: int = 0) -> np.ndarray:
        """A constant of the dtype of an argument."""
        return np.asarray(number, self.args[position].dtype)

    def cast(self, name: str, dtype: Any) -> str:
        """A node that converts to a NumPy dtype."""
        return self.node("Cast", name, to=np.dtype(dtype))

    def reshape(self, name: str, shape: Sequence[Any]) -> str:
        """Another shape, in which one size may be -1."""
        return self.node("Reshape", name, self.ints(shape))


def arrays_in(given: Any) -> list[np.ndarray]:
    """The arrays in nested sequences and dicts."""
    if isinstance(given, np.ndarray):
        return [given]
    if isinstance(given, dict):
        given = list(given.values())
    if isinstance(given, tuple | list):
        return [array for each in given for array in arrays_in(each)]
    return []
