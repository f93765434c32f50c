"""The table of declared operations, from which gradient checks and property tests are made."""

from types import ModuleType
from typing import Any

from minigrad.engine.op import Op, Operation
from minigrad.ops.elementwise import (
    arithmetic,
    bessel,
    binary,
    comparison,
    elementary,
    float_parts,
    incomplete_gamma,
    normal,
    polynomials,
    special,
)
from minigrad.ops.indexing import embedding, gather_scatter, getitem, masks
from minigrad.ops.linalg import determinants, factorizations, ldl, lobpcg, lu, matmul, norms, solve
from minigrad.ops.nn import (
    activation,
    attention,
    batch_norm,
    conv,
    conv3d,
    ctc,
    layer_norm,
    loss,
    piecewise_activation,
    pool,
    pool3d,
    random,
    recurrent,
    softmax,
)
from minigrad.ops.reduction import extrema, histogram, reduce, scan, sorting, statistics
from minigrad.ops.shape import copies, diagonal, strided, views

FAMILIES = (
    arithmetic, elementary, special, float_parts, binary, comparison,
    bessel, incomplete_gamma, normal, polynomials,
    activation, piecewise_activation,
    reduce, extrema, scan, sorting, statistics, histogram,
    copies, views, diagonal, getitem, masks, gather_scatter, embedding,
    matmul, conv, conv3d, pool, pool3d, loss, ctc, batch_norm, layer_norm, softmax, random,
    recurrent, attention, strided,
    norms, solve, factorizations, lu, ldl, lobpcg, determinants,
)  # fmt: skip


def declared() -> dict[str, Operation]:
    """The callable of every declared operation, by name."""
    found: dict[str, Operation] = {}
    for family in FAMILIES:
        found.update(declared_in(family))
    return found


def declared_in(family: ModuleType) -> dict[str, Any]:
    """The operations that one module declares, by name."""
    return {
        call.op.name: call
        for call in vars(family).values()
        if isinstance(getattr(call, "op", None), Op) and call.__module__ == family.__name__
    }
