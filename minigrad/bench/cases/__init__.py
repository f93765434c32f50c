"""minigrad's own cases: what is published, from single operations to whole training steps."""

from minigrad.bench.cases import (
    attention,
    conv,
    elementwise,
    indexing,
    language_models,
    matmul,
    optimizers,
    overhead,
    recurrent,
    reduce,
    training,
)

CASES = [
    case
    for family in (
        matmul,
        conv,
        elementwise,
        reduce,
        indexing,
        recurrent,
        attention,
        overhead,
        optimizers,
        training,
        language_models,
    )
    for case in family.CASES
]
