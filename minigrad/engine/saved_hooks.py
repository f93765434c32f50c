"""Tensors that the graph saves, handed to a user's hooks: packed when saved, unpacked when read.

The hooks are in the thread's mode, and a node that has packed tensors is of another class, so that
other nodes pay nothing for them.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from minigrad.engine.grad_mode import Mode, thread
from minigrad.engine.graph import Node, Value, wrap
from minigrad.engine.node_interface import class_named

Pack = Callable[[Any], Any]
Unpack = Callable[[Any], Any]

# What an unpacked tensor takes over from the one that was saved: its place in the graph.
_PLACE = ("node", "_requires_grad", "position", "_tangents")


def observe(mode: Mode, node: Node) -> None:
    """Look at a new node, where the mode asks for it."""
    if mode.anomaly:
        node.remember_where()
    if mode.names is not None:
        mode.names.append(node.name())
    if mode.saved_hooks:
        pack, unpack = mode.saved_hooks[-1]
        pack_node(node, pack, unpack)


def pack_node(node: Node, pack: Pack, unpack: Unpack) -> None:
    """Replace all tensors that a node has saved by what `pack` makes of them."""
    inputs = node.inputs
    if any(isinstance(kept, Value) for kept in inputs):
        node.inputs = tuple(
            Packed(kept, pack, unpack) if isinstance(kept, Value) else kept for kept in inputs
        )
        restoring(node)
    out = node.out
    if type(out) is tuple:
        array, kind = out
        node.out = Packed(wrap(kind, array), pack, unpack)
        restoring(node)
    elif out is not None:
        node.out = [Packed(kept, pack, unpack) for kept in out]
        restoring(node)


def restoring(node: Node) -> "RestoringNode":
    """The same node, of the class that restores what it saved."""
    if not isinstance(node, RestoringNode):
        named = node._is_named
        node.__class__ = class_named(RestoringNode, node.name()) if named else RestoringNode
    return node  # type: ignore[return-value]


class RestoringNode(Node):
    """A node that restores what it saved: it unpacks tensors, and gives the output its tangents."""

    out_tangents: dict[int, Any] | None = None

    def saved_values(self) -> tuple[Any, tuple[Any, ...]]:
        self._check_kept()
        out = self.out
        if isinstance(out, Packed):
            out = out.unpacked()
            out.node, out._requires_grad = self, True
        elif type(out) is list:
            out = [kept.unpacked() if isinstance(kept, Packed) else kept for kept in out]
        else:
            out, _ = super().saved_values()
        if self.out_tangents is not None and isinstance(out, Value):
            out._tangents, out._needs_check = self.out_tangents, True
        return out, tuple(k.unpacked() if isinstance(k, Packed) else k for k in self.inputs)

    def saved_arrays(self) -> list[Any]:
        out, inputs = self.saved_values()
        return [v.array if isinstance(v, Value) else v for v in (out, *inputs)]


class Packed:
    """What a hook has made of one saved tensor."""

    def __init__(self, value: Value, pack: Pack, unpack: Unpack) -> None:
        self.kind, self.shape, self.dtype = type(value), value.array.shape, value.array.dtype
        self.place = {name: vars(value)[name] for name in _PLACE if name in vars(value)}
        if value.node is None and value._requires_grad:
            self.place["node"] = leaf_alias(value)
        if value._tangents is not None:
            self.place["_needs_check"] = True
        self.unpack = unpack
        mode = thread.mode
        version, recording = value._version, mode.grad
        mode.grad = False
        try:
            self.given = pack(value)
        finally:
            mode.grad = recording
        if value._version != version:
            raise RuntimeError(
                "A saved tensor pack hook is modifying its input in place. Tensors provided as "
                "input to pack hook cannot be modified by in-place operations as this can lead to "
                "unexpected side-effects; change a clone() of it."
            )

    def unpacked(self) -> Value:
        """The tensor that the other hook gives, at the place in the graph of the saved one."""
        found = self.unpack(self.given)
        if not isinstance(found, Value):
            raise TypeError(
                f"Output of saved tensor unpack_hook expected to be a Tensor but got result of "
                f"type {type(found).__name__}"
            )
        value: Value = wrap(self.kind, found.array)
        vars(value).update(self.place)
        return value


class _Identity:
    """Passes a cotangent on to a leaf: the place of a tensor that stands for the leaf."""

    name = "alias"
    named_by_inputs = False
    returns_fresh = True
    tensors: tuple[str, ...] = ("input",)
    array_vjp: Sequence[Callable[..., Any]] = ()
    add_part: Callable[..., None] | None = None

    def node_name(self, node: Any) -> str:
        return "AliasBackward0"

    def operands(self, node: Any) -> Sequence[int]:
        return (0,)

    def vjp(
        self,
        g: Any,
        out: Any,
        inputs: Sequence[Any],
        settings: Mapping[str, Any],
        wanted: Sequence[int],
    ) -> Sequence[Any]:
        return [g]


_IDENTITY = _Identity()


def leaf_alias(leaf: Value) -> Node:
    """The node of a tensor that stands for a leaf: gradients that arrive there go to the leaf."""
    return Node(_IDENTITY, (0,), (leaf,), (), {})
