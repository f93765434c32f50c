"""The classes of a tensor's memory, under the path that torch defines them at."""

from minigrad.core.public_names import show_public_names
from minigrad.tensor.storage import TypedStorage, UntypedStorage

__all__ = ["TypedStorage", "UntypedStorage"]

show_public_names(__name__)
