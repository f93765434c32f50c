"""Translations of operations to ONNX, a file for each family; `table.py` holds all of them."""

from minigrad.onnx.translations import (
    activation,
    attention,
    elementwise,
    indexing,
    layers,
    linalg,
    recurrent,
    reduction,
    shape,
)
from minigrad.onnx.translations.shape import COPIES
from minigrad.onnx.translations.table import TABLE, Translation

__all__ = ["COPIES", "TABLE", "Translation"]
