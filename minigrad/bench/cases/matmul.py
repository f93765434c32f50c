"""Matrix products, in all transposition cases."""

from typing import Any

from minigrad.bench.case import Case, Draw, both
from minigrad.bench.cases.timing_modes import forward

SQUARES = (32, 64, 128, 256, 512, 1024, 2048)
SKINNY = ((100, 784, 100), (64, 9216, 128), (256, 784, 30), (16, 32, 32))

PRODUCTS = {
    "NN": lambda _, a, b: a @ b,
    "NT": lambda _, a, b: a @ b.mT,
    "TN": lambda _, a, b: a.mT @ b,
}


def product(layout: str, M: int, K: int, N: int, *batch: int) -> Case:
    """(*batch, M, K) times (*batch, K, N), one of them stored transposed where there is a T."""
    left = (K, M) if layout[0] == "T" else (M, K)
    right = (N, K) if layout[1] == "T" else (K, N)

    def inputs(draw: Draw) -> tuple[Any, ...]:
        return draw(*batch, *left), draw(*batch, *right)

    count = batch[0] if batch else 1
    run = forward(PRODUCTS[layout])
    return Case(
        name=f"matmul {layout}" + (" batched" if batch else ""),
        sizes=({"B": batch[0]} if batch else {}) | {"M": M, "K": K, "N": N},
        inputs=inputs,
        implementations=both(run) | {"numpy": run},
        reference=lambda a, b: PRODUCTS[layout](None, a, b),
        flops=2.0 * count * M * K * N,
        elements=count * (M * K + K * N + M * N),
    )


CASES = [
    *(product(layout, n, n, n) for layout in PRODUCTS for n in SQUARES),
    *(product(layout, *sizes) for layout in PRODUCTS for sizes in SKINNY),
    *(product(layout, 128, 64, 128, 96) for layout in PRODUCTS),
    *(product(layout, 96, 128, 64, 8) for layout in PRODUCTS),
]
