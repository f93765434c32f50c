"""torch.onnx as far as programs ask it: nothing is exported.

>>> minigrad.onnx.is_in_onnx_export()
False
"""

from typing import Any, NoReturn

from minigrad.core.public_names import show_public_names
from minigrad.core.unsupported import refuse

__all__ = ["export", "is_in_onnx_export"]


def is_in_onnx_export() -> bool:
    """False: no model is being exported."""
    return False


def export(*args: Any, **settings: Any) -> NoReturn:
    """Raises NotImplementedError: minigrad writes no programs, in whatever format."""
    refuse(
        "onnx.export",
        "an ONNX file holds a program, and minigrad's files hold data only; save a model's "
        "state_dict(), load it into the model in PyTorch, and export that",
    )


show_public_names(__name__)
