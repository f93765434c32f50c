"""Nested tuples, lists and dictionaries of tensors."""

from collections.abc import Callable, Iterable
from typing import Any


def mapped(function: Callable[..., Any], tree: Any, *others: Any) -> Any:
    """A tree of `function(leaf, ...)` for the leaves of trees of the same structure."""
    if isinstance(tree, dict):
        return type(tree)(
            (key, mapped(function, tree[key], *(other[key] for other in others))) for key in tree
        )
    if isinstance(tree, tuple | list):
        items = [mapped(function, *each) for each in zip(tree, *others, strict=True)]
        return type(tree)(*items) if hasattr(tree, "_fields") else type(tree)(items)
    return function(tree, *others)


def leaves(tree: Any) -> list[Any]:
    """The leaves in order."""
    found: list[Any] = []
    mapped(found.append, tree)
    return found


def rebuilt(tree: Any, new: Iterable[Any]) -> Any:
    """A tree of the same structure with other leaves."""
    following = iter(new)
    return mapped(lambda _: next(following), tree)


def alike(tree: Any, other: Any) -> bool:
    """True if both have the same structure."""
    if isinstance(tree, dict):
        return (
            isinstance(other, dict)
            and tree.keys() == other.keys()
            and all(alike(tree[key], other[key]) for key in tree)
        )
    if isinstance(tree, tuple | list):
        return (
            type(tree) is type(other) and len(tree) == len(other) and all(map(alike, tree, other))
        )
    return not isinstance(other, dict | tuple | list)
