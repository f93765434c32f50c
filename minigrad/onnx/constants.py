"""Constants whose shape or content follows from the sizes of dynamic axes: counts and fillings."""

from collections.abc import Sequence

import numpy as np

from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.graph import Graph
from minigrad.onnx.sizes import merged


def varying_constant(graph: Graph, arrays: Sequence[np.ndarray]) -> str:
    """Nodes that make an array of one number, or of numbers at equal distances.

    Raises OnnxExporterError for any other array that is not the same for all sizes.
    """
    first = arrays[0]
    if not graph.sources:
        raise OnnxExporterError(
            f"it reads an array of shape {list(first.shape)} that follows from the inputs by other "
            f"ways than operations, by NumPy or numbers in Python; a file would hold that of the "
            f"example for ever"
        )
    shape = merged([array.shape for array in arrays])
    if all(array.size and (array == first.flat[0]).all() for array in arrays):
        return graph.node("Expand", first.reshape(-1)[0], graph.ints(shape))
    if first.ndim == 1 and first.size > 1 and all(_is_range(array, arrays) for array in arrays):
        step = first[1] - first[0]
        count = graph.node("Squeeze", graph.size(shape[0]), np.array([0], np.int64))
        numbers = graph.node("Range", np.int64(0), count, np.int64(1))
        if first.dtype != np.int64:
            numbers = graph.node("Cast", numbers, to=first.dtype)
        if step != 1:
            numbers = graph.node("Mul", numbers, np.asarray(step))
        return graph.node("Add", numbers, first[:1][0]) if first[0] != 0 else numbers
    raise OnnxExporterError(
        f"it reads a constant of shape {list(first.shape)} whose elements follow from the size of "
        f"a dynamic axis; such a constant may hold one number, or numbers at equal distances"
    )


def _is_range(array: np.ndarray, arrays: Sequence[np.ndarray]) -> bool:
    """True for a vector that begins and steps as the first one does."""
    first = arrays[0]
    if array.ndim != 1 or array.dtype.kind not in "if":
        return False
    step = first[1] - first[0]
    return bool((array == first[0] + step * np.arange(array.size)).all())
