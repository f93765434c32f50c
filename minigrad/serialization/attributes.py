"""Attributes that users give to tensors, which are saved with them."""

from collections.abc import Mapping
from typing import Any

from minigrad.tensor import Tensor


def attributes_of(tensor: Tensor) -> dict[str, Any]:
    """The attributes of a tensor that its class does not know."""
    return {name: value for name, value in vars(tensor).items() if _is_free(tensor, name)}


def set_attributes(tensor: Tensor, attributes: Mapping[Any, Any]) -> None:
    """Set attributes.  Raises ValueError if one would hide another that every tensor has."""
    for name, value in attributes.items():
        if type(name) is not str or not _is_free(tensor, name):
            raise ValueError("a tensor has an attribute that minigrad does not set")
        setattr(tensor, name, value)


def _is_free(tensor: Tensor, name: str) -> bool:
    # Looked up in the class: an instance would compute its properties.
    return not (name.startswith("_") or name == "array" or hasattr(type(tensor), name))
