"""Scaled dot-product attention, of products, masks and softmax."""

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.sizes import varies
from minigrad.onnx.translations.table import translates
from minigrad.ops.nn import attention as operation


@translates(operation.attention)
def _attention(c: Call) -> str:
    """softmax(query @ key.T * scale + mask) @ value; rows that see nothing give zeros."""
    query = c.node("Mul", c.input(0), c.scalar(c.settings["scale"]))
    scores = c.node("MatMul", query, c.node("Transpose", c.input(1), perm=[0, 1, 3, 2]))
    scores, opened = _masked(c, scores)
    weights = c.node("Softmax", scores, axis=-1)
    if opened is not None and len(c.args) > 3 and c.args[3] is not None:
        weights = c.node("Where", opened, weights, c.scalar(0))
    return c.node("MatMul", weights, c.input(2))


def _masked(c: Call, scores: str) -> tuple[str, str | None]:
    """Scores with the lowest number where a query may not look, and where it may."""
    mask = c.args[3] if len(c.args) > 3 else None
    opened = None
    if c.settings["causal"]:
        opened = _causal(c)
    if mask is not None and mask.dtype == bool:
        given = c.of(mask)
        opened = given if opened is None else c.node("And", opened, given)
    elif mask is not None:
        scores = c.node("Add", scores, c.of(mask))
        given = c.node("Greater", c.of(mask), np.asarray(-np.inf, mask.dtype))
        opened = given if opened is None else c.node("And", opened, given)
    if opened is not None:
        lowest = np.finfo(c.args[0].dtype).min
        scores = c.node("Where", opened, scores, c.scalar(lowest))
    return scores, opened


def _causal(c: Call) -> str:
    """(L, S), True at and below the diagonal."""
    queries, keys = c.shape(0)[-2], c.shape(1)[-2]
    if not varies((queries, keys)):
        return c.graph.constant(np.tri(queries, keys, dtype=bool))
    ranges = []
    for size, axis in ((queries, 1), (keys, 0)):
        count = c.node("Squeeze", c.ints([size]), np.array([0], np.int64))
        numbers = c.node("Range", np.int64(0), count, np.int64(1))
        ranges.append(c.node("Unsqueeze", numbers, np.array([axis], np.int64)))
    return c.node("GreaterOrEqual", *ranges)
