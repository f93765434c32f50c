"""Scaled dot-product attention: forward alone, and with the gradients of all that is given."""

from typing import Any

from minigrad.bench.case import Array, Case, Draw, both
from minigrad.bench.cases.timing_modes import forward, round_trip

# Sequences, heads, positions, features of a head; whether it is causal.
SIZES = (
    (8, 8, 512, 64, True),
    (12, 4, 64, 32, True),
    (8, 6, 128, 64, True),
    (2, 4, 2048, 64, False),
)


def attention(batch: int, heads: int, length: int, features: int, causal: bool) -> list[Case]:
    """Self-attention of sequences of one length, and with its gradients."""

    def inputs(draw: Draw) -> list[Array]:
        return [draw(batch, heads, length, features) for _ in range(3)]

    def call(library: Any, *operands: Any) -> Any:
        function = library.nn.functional.scaled_dot_product_attention
        return function(*operands, is_causal=causal)

    shared: dict[str, Any] = {
        "sizes": {"B": batch, "H": heads, "L": length, "E": features},
        "elements": 4 * batch * heads * length * features,
    }
    flops = 4.0 * batch * heads * length * length * features / (2 if causal else 1)
    name = "causal attention" if causal else "attention"
    return [
        Case(
            name=f"{name} forward",
            inputs=inputs,
            implementations=both(forward(call)),
            flops=flops,
            **shared,
        ),
        Case(
            name=f"{name} round trip",
            inputs=lambda draw: [*inputs(draw), draw(batch, heads, length, features)],
            implementations=both(round_trip(call, 0, 1, 2)),
            flops=3.5 * flops,
            **shared,
        ),
    ]


CASES = [case for sizes in SIZES for case in attention(*sizes)]
