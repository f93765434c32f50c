"""torch.backends.cuda: there is no such device; the settings of its products can be set."""

from minigrad.core.public_names import show_public_names

__all__ = ["is_built", "matmul"]


class _MatmulSettings:
    """How products of matrices may be rounded on a device that is not there."""

    allow_tf32 = False
    allow_fp16_reduced_precision_reduction = True
    allow_bf16_reduced_precision_reduction = True


matmul = _MatmulSettings()


def is_built() -> bool:
    """False: minigrad computes on the CPU."""
    return False


show_public_names(__name__)
