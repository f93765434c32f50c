"""Types for annotations, under torch's names.

Names with an underscore stand for what the top level hides behind a dtype's name, as in torch.
"""

import builtins
import os
from collections.abc import Sequence
from typing import IO

from minigrad.core.device import device as _device
from minigrad.core.dtypes import dtype as _dtype
from minigrad.core.memory_format import layout as _layout
from minigrad.core.public_names import show_public_names
from minigrad.core.symbolic import SymBool, SymFloat, SymInt
from minigrad.core.types import Size
from minigrad.tensor import Tensor
from minigrad.tensor.storage import UntypedStorage as Storage

__all__ = ["Device", "FileLike", "Number", "Storage"]

_bool, _int, _float, _complex = builtins.bool, builtins.int, builtins.float, builtins.complex
_str, _bytes = builtins.str, builtins.bytes

_TensorOrTensors = Tensor | Sequence[Tensor]
_TensorOrOptionalTensors = Tensor | Sequence[Tensor | None]
_size = Size | list[int] | tuple[int, ...]
_symsize = Size | Sequence[int | SymInt]

IntLikeType = int | SymInt
FloatLikeType = float | SymFloat
BoolLikeType = bool | SymBool
PySymType = SymInt | SymFloat | SymBool
py_sym_types = (SymInt, SymFloat, SymBool)

Number = int | float | bool
_Number = (int, float, bool)  # for isinstance

FileLike = str | os.PathLike[str] | IO[bytes]
Device = _device | str | int | None

show_public_names(__name__)
