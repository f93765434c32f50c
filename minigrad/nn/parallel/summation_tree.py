"""Sums in an order that does not depend on who adds: a binary tree over numbered terms.

The node (level, place) is the sum of the terms place * 2**level ... (place + 1) * 2**level - 1, and
always that of its two halves.  A process with some of the terms, one after the other, adds up what
makes whole nodes; the nodes of all processes then make the same sum, bit for bit, as one process
with all terms.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

Array = np.ndarray[Any, Any]


class Node(NamedTuple):
    """The sum of 2**level terms, and its place among those."""

    level: int
    place: int
    total: Array


class SummationTree:
    """The nodes that the terms so far make, from left to right."""

    def __init__(self, nodes: Iterable[Node] = ()) -> None:
        self.nodes: list[Node] = []
        for node in nodes:
            self.add(node)

    def add(self, node: Node) -> None:
        """Take the next node to the right; it may be changed."""
        self.nodes.append(node)
        while len(self.nodes) > 1 and _are_halves(*self.nodes[-2:]):
            right, left = self.nodes.pop(), self.nodes.pop()
            np.add(left.total, right.total, out=left.total)
            self.nodes.append(Node(left.level + 1, left.place // 2, left.total))

    def total(self) -> Array:
        """The sum of all: what is left over is added from the right."""
        nodes = [node.total for node in self.nodes]
        while len(nodes) > 1:
            right = nodes.pop()
            np.add(nodes[-1], right, out=nodes[-1])
        return nodes[0]


def _are_halves(left: Node, right: Node) -> bool:
    return left.level == right.level and left.place % 2 == 0 and right.place == left.place + 1
