"""Trees of containers: utils._pytree."""

import importlib
from collections import OrderedDict, defaultdict, deque, namedtuple

import pytest

Point = namedtuple("Point", "x y")


def pytree(torch):
    return importlib.import_module(f"{torch.__name__}.utils._pytree")


TREES = [
    3,
    None,
    [1, (2, 3)],
    {"b": [1, 2], "a": None},
    OrderedDict(z=1, a={"k": (2,)}),
    defaultdict(list, {"x": [1, 2]}),
    deque([1, [2]], maxlen=5),
    Point(1, [2, 3]),
    [],
    {"empty": (), "full": "text"},
]


def check_trees_are_taken_apart_and_put_together(torch):
    tree = pytree(torch)
    for each in TREES:
        leaves, spec = tree.tree_flatten(each)
        again = tree.tree_unflatten(leaves, spec)
        assert again == each
        assert type(again) is type(each)
        assert tree.tree_structure(again) == spec
        assert spec.num_leaves == len(leaves) == len(tree.tree_leaves(each))
        assert spec.is_leaf() == (each in (3, None))
    assert tree.tree_leaves({"b": [1, 2], "a": None}) == [1, 2, None]


def check_functions_are_mapped_over_leaves(torch):
    tree = pytree(torch)
    assert tree.tree_map(lambda v: v + 1, {"a": [1, (2,)]}) == {"a": [2, (3,)]}
    assert tree.tree_map(lambda v, w: v * w, [1, 2], [3, 4]) == [3, 8]
    assert tree.tree_map(lambda v, w: (v, w), {"a": 1, "b": 2}, {"b": 3, "a": 4}) == {
        "a": (1, 4), "b": (2, 3),
    }  # fmt: skip
    assert tree.tree_map(len, [[1, 2], [3]], is_leaf=lambda v: v and v[0] in (1, 3)) == [2, 1]
    assert tree.tree_map_only(int, str, [1, 2.0]) == ["1", 2.0]
    assert tree.tree_map_only((int, float), str, [1, 2.0, None]) == ["1", "2.0", None]
    found = []
    assert tree.tree_map_(found.append, [1, [2]]) == [1, [2]]
    assert found == [1, 2]


def check_tensors_are_leaves(torch):
    tree = pytree(torch)
    batch = {"x": torch.ones(2), "y": [torch.zeros(1), 3]}
    moved = tree.tree_map_only(torch.Tensor, lambda v: v.double(), batch)
    assert moved["x"].dtype == moved["y"][0].dtype == torch.float64
    assert moved["y"][1] == 3


def check_conditions_of_leaves(torch):
    tree = pytree(torch)
    assert tree.tree_all(bool, [1, (2,)])
    assert tree.tree_any(bool, [0, (2,)])
    assert not tree.tree_any(bool, [])
    assert tree.tree_all_only(int, lambda v: v > 0, [1, -2.0])
    assert not tree.tree_any_only(int, lambda v: v > 1, [1, 2.0])
    assert list(tree.tree_iter((1, [2]))) == [1, 2]


def check_other_structures_are_refused(torch):
    tree = pytree(torch)
    for other in ([1], (1, 2), {"a": 1}, 3):
        with pytest.raises(ValueError, match="mismatch"):
            tree.tree_map(lambda v, w: v, [1, 2], other)
    with pytest.raises(ValueError, match=r"`leaves` has length 1 but the spec refers to"):
        tree.tree_unflatten([1], tree.tree_structure([1, 2]))


def check_classes_of_users_are_containers(torch):
    tree = pytree(torch)

    class Pair:
        def __init__(self, first, second, name):
            self.first, self.second, self.name = first, second, name

    pair = Pair(1, [2], "p")
    assert tree.tree_leaves(pair) == [pair]
    tree.register_pytree_node(
        Pair, lambda p: ([p.first, p.second], p.name), lambda c, name: Pair(*c, name)
    )
    assert tree.tree_leaves(pair) == [1, 2]
    doubled = tree.tree_map(lambda v: 2 * v, pair)
    assert (doubled.first, doubled.second, doubled.name) == (2, [4], "p")
    with pytest.raises(ValueError, match="already registered"):
        tree.register_pytree_node(Pair, None, None)
