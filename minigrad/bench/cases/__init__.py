"""minigrad's own cases: what is published, from single operations to whole training steps."""

from minigrad.bench.cases import (
    conv,
    elementwise,
    matmul,
    optimizers,
    overhead,
    places,
    reduce,
    training,
)

CASES = [
    case
    for family in (matmul, conv, elementwise, reduce, places, overhead, optimizers, training)
    for case in family.CASES
]
