"""Trees of containers with leaves in them, under the names of torch.utils._pytree."""

from collections import OrderedDict, defaultdict, deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any, NamedTuple

from minigrad.core.public_names import show_public_names

__all__ = [
    "PyTree", "TreeSpec", "register_pytree_node", "tree_all", "tree_all_only", "tree_any",
    "tree_any_only", "tree_flatten", "tree_iter", "tree_leaves", "tree_map", "tree_map_",
    "tree_map_only", "tree_structure", "tree_unflatten",
]  # fmt: skip

PyTree = Any
Kind = type[Any] | None
IsLeaf = Callable[[Any], bool] | None


class _Node(NamedTuple):
    """How a container is taken apart, into children and what else it needs, and put together."""

    flatten: Callable[[Any], tuple[Iterable[Any], Any]]
    unflatten: Callable[[Iterable[Any], Any], Any]


def _from_items(kind: Callable[[Any], Any]) -> _Node:
    return _Node(
        lambda tree: (list(tree.values()), list(tree)),
        lambda children, keys: kind(zip(keys, children, strict=True)),
    )


_NODES: dict[type, _Node] = {
    tuple: _Node(lambda tree: (list(tree), None), lambda children, _: tuple(children)),
    list: _Node(lambda tree: (tree, None), lambda children, _: list(children)),
    dict: _from_items(dict),
    OrderedDict: _from_items(OrderedDict),
    defaultdict: _Node(
        lambda tree: (list(tree.values()), (tree.default_factory, list(tree))),
        lambda children, context: defaultdict(context[0], zip(context[1], children, strict=True)),
    ),
    deque: _Node(lambda tree: (list(tree), tree.maxlen), deque),
}
_NAMED_TUPLE = _Node(lambda tree: (list(tree), type(tree)), lambda children, kind: kind(*children))


def register_pytree_node(
    cls: type,
    flatten_fn: Callable[[Any], tuple[Iterable[Any], Any]],
    unflatten_fn: Callable[[Iterable[Any], Any], Any],
    **serialization: Any,
) -> None:
    """Let objects of a class be containers: flatten_fn(object) -> (children, context).

    unflatten_fn(children, context) makes an object again.  Raises ValueError for a class that is
    one already.  Names under which torch exports programs are taken, and not needed.
    """
    if cls in _NODES:
        raise ValueError(f"{cls} is already registered as pytree node.")
    _NODES[cls] = _Node(flatten_fn, unflatten_fn)


def _node(tree: Any, is_leaf: IsLeaf) -> _Node | None:
    """How the tree is taken apart; None for a leaf."""
    if is_leaf is not None and is_leaf(tree):
        return None
    kind = type(tree)
    found = _NODES.get(kind)
    if found is None and isinstance(tree, tuple) and hasattr(kind, "_fields"):
        return _NAMED_TUPLE
    return found


@dataclass(frozen=True)
class TreeSpec:
    """The structure of a tree: the type of the container, None for a leaf, and its children."""

    type: Kind = None
    context: Any = None
    children_specs: tuple["TreeSpec", ...] = ()

    @property
    def num_leaves(self) -> int:
        """The number of leaves below."""
        return 1 if self.is_leaf() else sum(child.num_leaves for child in self.children_specs)

    @property
    def num_children(self) -> int:
        """The number of children of the container itself."""
        return len(self.children_specs)

    def is_leaf(self) -> bool:
        """True for a leaf."""
        return self.type is None

    def unflatten(self, leaves: Iterable[Any]) -> Any:
        """The tree with these leaves."""
        return tree_unflatten(leaves, self)

    def _filled(self, leaves: Iterator[Any]) -> Any:
        if self.type is None:
            return next(leaves)
        children = [child._filled(leaves) for child in self.children_specs]
        return _NODES.get(self.type, _NAMED_TUPLE).unflatten(children, self.context)


def _flattened(tree: Any, is_leaf: IsLeaf, leaves: list[Any]) -> TreeSpec:
    node = _node(tree, is_leaf)
    if node is None:
        leaves.append(tree)
        return TreeSpec()
    children, context = node.flatten(tree)
    specs = tuple(_flattened(child, is_leaf, leaves) for child in children)
    return TreeSpec(type(tree), context, specs)


def tree_flatten(tree: PyTree, is_leaf: IsLeaf = None) -> tuple[list[Any], TreeSpec]:
    """The leaves of a tree in order, and its structure.

    Containers are tuples, lists, dictionaries, deques and registered classes; None is a leaf.
    `is_leaf(node)` makes leaves of others.

    >>> from minigrad.utils._pytree import tree_flatten
    >>> tree_flatten({"a": [1, 2], "b": 3})[0]
    [1, 2, 3]
    """
    leaves: list[Any] = []
    return leaves, _flattened(tree, is_leaf, leaves)


def tree_unflatten(leaves: Iterable[Any], treespec: TreeSpec) -> PyTree:
    """The tree of a structure.  Raises ValueError for another number of leaves."""
    if not isinstance(treespec, TreeSpec):
        raise TypeError(
            f"tree_unflatten(leaves, treespec): Expected `treespec` to be instance of TreeSpec but "
            f"got item of type {type(treespec)}."
        )
    given = list(leaves)
    if len(given) != treespec.num_leaves:
        raise ValueError(
            f"tree_unflatten(leaves, treespec): `leaves` has length {len(given)} but the spec "
            f"refers to a pytree that holds {treespec.num_leaves} items."
        )
    return treespec._filled(iter(given))


def tree_iter(tree: PyTree, is_leaf: IsLeaf = None) -> Iterator[Any]:
    """The leaves, one by one."""
    return iter(tree_leaves(tree, is_leaf))


def tree_leaves(tree: PyTree, is_leaf: IsLeaf = None) -> list[Any]:
    """The leaves in order."""
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree: PyTree, is_leaf: IsLeaf = None) -> TreeSpec:
    """The structure."""
    return tree_flatten(tree, is_leaf)[1]


def tree_map(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """A tree of func(leaf, ...) of trees of the same structure.

    Raises ValueError if another tree's structure is not the first one's.
    """
    leaves, treespec = tree_flatten(tree, is_leaf)
    others = [_leaves_as(treespec, rest, is_leaf) for rest in rests]
    return treespec.unflatten(list(map(func, leaves, *others)))


def _leaves_as(treespec: TreeSpec, tree: Any, is_leaf: IsLeaf) -> list[Any]:
    """What a tree has at the leaves of a structure."""
    if treespec.is_leaf():
        return [tree]
    node = _node(tree, is_leaf)
    if node is None or type(tree) is not treespec.type:
        raise ValueError(f"Node type mismatch; expected {treespec.type}, but got {type(tree)}.")
    children, context = node.flatten(tree)
    children = list(children)
    if len(children) != treespec.num_children:
        raise ValueError(
            f"Node arity mismatch; expected {treespec.num_children}, but got {len(children)}."
        )
    if isinstance(tree, dict):
        if set(tree) != set(_keys(treespec.context)):
            raise ValueError(f"Node keys mismatch; expected {treespec.context}, got {list(tree)}.")
        children = [tree[key] for key in _keys(treespec.context)]
    elif context != treespec.context:
        raise ValueError(f"Node context mismatch for {treespec.type}.")
    pairs = zip(treespec.children_specs, children, strict=True)
    return [leaf for spec, child in pairs for leaf in _leaves_as(spec, child, is_leaf)]


def _keys(context: Any) -> list[Any]:
    """The keys of a dictionary's context, to which a defaultdict adds its factory."""
    keys: list[Any] = context[1] if isinstance(context, tuple) else context
    return keys


def tree_map_(
    func: Callable[..., Any], tree: PyTree, *rests: PyTree, is_leaf: IsLeaf = None
) -> PyTree:
    """Call func(leaf, ...) for what it does; the tree itself."""
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def _chosen(types: Any) -> Callable[[Any], bool]:
    """A condition from a type, several types, or a condition."""
    if isinstance(types, FunctionType):
        return types
    return lambda leaf: isinstance(leaf, types)


def tree_map_only(
    type_or_types_or_pred: Any,
    /,
    func: Callable[[Any], Any],
    tree: PyTree,
    is_leaf: IsLeaf = None,
) -> PyTree:
    """tree_map over the leaves of a type, or of which a condition holds; the others stay."""
    holds = _chosen(type_or_types_or_pred)
    return tree_map(lambda leaf: func(leaf) if holds(leaf) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """True if the condition holds of all leaves."""
    return all(map(pred, tree_iter(tree, is_leaf)))


def tree_any(pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None) -> bool:
    """True if the condition holds of a leaf."""
    return any(map(pred, tree_iter(tree, is_leaf)))


def tree_all_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None
) -> bool:
    """True if the condition holds of all leaves of a type."""
    holds = _chosen(type_or_types)
    return all(pred(leaf) for leaf in tree_iter(tree, is_leaf) if holds(leaf))


def tree_any_only(
    type_or_types: Any, /, pred: Callable[[Any], bool], tree: PyTree, is_leaf: IsLeaf = None
) -> bool:
    """True if the condition holds of a leaf of a type."""
    holds = _chosen(type_or_types)
    return any(pred(leaf) for leaf in tree_iter(tree, is_leaf) if holds(leaf))


show_public_names(__name__)
