"""Arguments of torch.autograd.functional: one tensor, or a tuple of tensors."""

from collections.abc import Sequence
from typing import Any

from minigrad.engine.forward_mode import detached
from minigrad.tensor import Tensor

Tensors = tuple[Any, ...]


def as_tuple(given: Any, argument: str, function: str) -> tuple[bool, Tensors]:
    """True if a tuple was given; the tensors as a tuple.  Raises TypeError for other objects."""
    is_tuple = isinstance(given, tuple)
    tensors = given if is_tuple else (given,)
    for i, each in enumerate(tensors):
        if not isinstance(each, Tensor):
            what = f"the value at index {i}" if is_tuple else f"the given {argument}"
            raise TypeError(
                f"The {argument} given to {function} must be either a Tensor or a tuple of Tensors "
                f"but {what} has type {type(each)}."
            )
    return is_tuple, tensors


def as_given(tensors: Sequence[Any], is_tuple: bool, create_graph: bool) -> Any:
    """The tensors as a tuple, or the only one; in the graph only with create_graph."""
    found = tuple(t if create_graph else detached(t) for t in tensors)
    return found if is_tuple else found[0]


def stand_ins(tensors: Tensors, create_graph: bool, requires_grad: bool = True) -> Tensors:
    """New tensors, so that other uses of the originals inside the function do not count."""
    return tuple(
        t.view_as(t)
        if create_graph and t.requires_grad
        else detached(t).requires_grad_(requires_grad)
        for t in tensors
    )


def vector_for(v: Any, like: Tensors, is_tuple: bool, create_graph: bool, function: str) -> Tensors:
    """The vector of a product, checked against `like`; ones where it may be left out."""
    if v is None:
        what = "input to" if function in ("jvp", "vhp", "hvp") else "output of"
        if len(like) != 1 or like[0].numel() != 1:
            raise RuntimeError(
                f"The vector v can only be None if the {what} the user-provided function is a "
                f"single Tensor with a single element, but its shapes are "
                f"{[list(t.shape) for t in like]}."
            )
        return (like[0].new_ones(like[0].shape),)
    _, given = as_tuple(v, "v", function)
    if len(given) != len(like):
        if is_tuple:
            raise RuntimeError(
                f"v is a tuple of invalid length: should be {len(like)} but got {len(given)}."
            )
        raise RuntimeError("The given v should contain a single Tensor.")
    for i, (each, other) in enumerate(zip(given, like, strict=True)):
        if each.shape != other.shape:
            entry = f"Entry {i} in " if is_tuple else ""
            raise RuntimeError(
                f"{entry}v has invalid size: should be {list(other.shape)} but got "
                f"{list(each.shape)}."
            )
    return stand_ins(given, create_graph, requires_grad=False)
