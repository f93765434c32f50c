"""How exact products of float32 numbers need to be; here they are always in full precision."""

from minigrad.core.public_names import show_public_names

__all__ = ["Float32Precision"]


class Float32Precision:
    """`fp32_precision` of one kind of operation of a library: "none", "ieee", "tf32" or "bf16"."""

    __slots__ = ("fp32_precision",)

    def __init__(self) -> None:
        self.fp32_precision = "none"


show_public_names(__name__)
