"""ReduceOp: how the values of several processes become one."""

from enum import Enum
from typing import Any

import numpy as np

__all__ = ["ReduceOp", "combine"]


class ReduceOp(Enum):
    """How values of several processes become one."""

    SUM, AVG, PRODUCT, MIN, MAX, BAND, BOR, BXOR = range(8)


_UFUNCS: dict[ReduceOp, np.ufunc] = {
    ReduceOp.SUM: np.add,
    ReduceOp.AVG: np.add,
    ReduceOp.PRODUCT: np.multiply,
    ReduceOp.MIN: np.minimum,
    ReduceOp.MAX: np.maximum,
    ReduceOp.BAND: np.bitwise_and,
    ReduceOp.BOR: np.bitwise_or,
    ReduceOp.BXOR: np.bitwise_xor,
}


def combine(op: ReduceOp, into: np.ndarray[Any, Any], other: np.ndarray[Any, Any]) -> None:
    """`into` becomes `into` and `other`, combined; for AVG their sum."""
    _UFUNCS[op](into, other, out=into)
