"""The graph of a computation: values, and the nodes that made them.

A `Value` is an array that belongs to a graph.  A `Node` is one application of an operation: its
inputs, and how a cotangent is pulled back through it.  A node never refers to its output, so
graphs hold no reference cycles, and memory is freed the moment the last user is gone.
"""

import traceback
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self, TypeVar

import numpy as np

from minigrad.core.warn import warn_caller
from minigrad.engine.grad_mode import thread
from minigrad.engine.hooks import Hook, RemovableHandle, registered
from minigrad.engine.memory import ChangeRecord, SharesMemory, tick
from minigrad.engine.node_interface import NodeInterface, NodeOperation
from minigrad.engine.tensor_interface import TensorInterface

_new = object.__new__


class Value(TensorInterface, SharesMemory):
    """An array that belongs to a graph; `minigrad.Tensor` gives it torch's methods."""

    is_node = False  # of an edge: whether it leads to a node, or to a leaf
    # Class-level defaults: a new Value stores its array and whatever differs from these.
    _grad: Any = None
    _hooks: "dict[int, Hook] | None" = None
    _post_accumulate_hooks: "dict[int, Hook] | None" = None
    _accumulate_grad: Callable[[], Any] | None = None  # a weak reference; see `public_node`
    kind: type["Value"]

    @property
    def is_leaf(self) -> bool:
        """True if no recorded operation made this value."""
        if self._needs_check:
            self.refresh_view()
        return self.node is None

    @property
    def requires_grad(self) -> bool:
        """True if operations on this value are recorded; can be set on leaves."""
        if self._needs_check:
            self.refresh_view()
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, wanted: bool) -> None:
        if not isinstance(wanted, bool):
            raise RuntimeError(f"requires_grad must be a bool, got {type(wanted).__name__}")
        if not self.is_leaf and not wanted:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        if wanted and self.array.dtype.kind not in "fc":
            raise RuntimeError(
                f"only Tensors of floating point and complex dtype can require gradients, got "
                f"{self.array.dtype}; write 1.0 for 1, or give dtype=float32"
            )
        if wanted and self._is_inference and not thread.mode.inference:
            raise RuntimeError(
                "Setting requires_grad=True on inference tensor outside InferenceMode is not "
                "allowed: clone() it first"
            )
        self._requires_grad = wanted

    @property
    def grad(self) -> Any:
        """The gradient that `backward` has added up here, or None."""
        found = self._grad
        if found is None and self.node is not None and not self.retains_grad:
            warn_caller(
                "The .grad attribute of a Tensor that is not a leaf Tensor is being accessed. Its "
                ".grad attribute won't be populated during autograd.backward(). If you indeed want "
                "the .grad field to be populated for a non-leaf Tensor, use .retain_grad() on the "
                "non-leaf Tensor. If you access the non-leaf Tensor by mistake, make sure you "
                "access the leaf Tensor instead."
            )
        return found

    @grad.setter
    def grad(self, new: Any) -> None:
        if new is not None:
            if not isinstance(new, Value):
                raise TypeError(
                    f"assigned grad expected to be a Tensor or None but got grad of type "
                    f"{type(new).__name__}"
                )
            if new is self:
                raise RuntimeError("can't assign Variable as its own grad")
            if new.array.shape != self.array.shape or new.array.dtype != self.array.dtype:
                raise RuntimeError(
                    f"assigned grad must have shape {list(self.array.shape)} and dtype "
                    f"{self.array.dtype}, got shape {list(new.array.shape)} and dtype "
                    f"{new.array.dtype}"
                )
        self._grad = new

    @grad.deleter
    def grad(self) -> None:
        self._grad = None

    def detach(self) -> Self:
        """The same memory, outside the graph."""
        alias = wrap(self.kind, self.array)
        alias._storage = self.change_record()
        if self._is_inference:
            alias.mark_inference()
        return alias  # type: ignore[no-any-return]

    # --- hooks -------------------------------------------------------------------------------

    def register_hook(self, hook: Hook) -> "RemovableHandle":
        """Call `hook(grad)` when this value's gradient is complete; a result replaces it.

        Raises RuntimeError if the value does not require gradients.
        """
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        self.refresh_view()
        holder = self if self.node is None else self.node
        if holder._hooks is None:
            holder._hooks = {}
        return registered(holder._hooks, hook)

    def register_post_accumulate_grad_hook(self, hook: Hook) -> "RemovableHandle":
        """Call `hook(tensor)` after `backward` has added to this leaf's `.grad`."""
        if not self._requires_grad:
            raise RuntimeError("cannot register a hook on a tensor that doesn't require gradient")
        if self.node is not None:
            raise RuntimeError(
                "post accumulate grad hooks cannot be registered on non-leaf tensors"
            )
        if self._post_accumulate_hooks is None:
            self._post_accumulate_hooks = {}
        return registered(self._post_accumulate_hooks, hook)

    def retain_grad(self) -> None:
        """Let `backward` fill `.grad` of this non-leaf value too."""
        if not self._requires_grad:
            raise RuntimeError("can't retain_grad on Tensor that has requires_grad=False")
        self.refresh_view()
        if self.node is not None:
            self.node.retained = weakref.ref(self)

    @property
    def retains_grad(self) -> bool:
        """True if `retain_grad` was called."""
        return self.node is not None and self.node.retained is not None


V = TypeVar("V", bound=Value)
"""The type of tensors that a function takes and gives."""


def wrap(kind: type[Value], array: np.ndarray[Any, Any]) -> Any:
    """A Value of this kind around an array."""
    value = _new(kind)
    value.array = array
    if array.dtype.kind == "c":
        value.mark_complex()
    return value


def wrap_new(kind: type[Value], array: np.ndarray[Any, Any]) -> Any:
    """The same for a new tensor, which is an inference tensor if it is made in inference mode."""
    value = wrap(kind, array)
    if thread.mode.inference:
        value.mark_inference()
    return value


def wrap_like(value: V, array: np.ndarray[Any, Any]) -> V:
    """A new Value of the kind of another around an array."""
    new: V = wrap_new(value.kind, array)
    return new


def grads_of(values: Iterable[Value]) -> list[Any]:
    """The `.grad` of each value."""
    return [value._grad for value in values]


def bump_versions(values: Iterable[Value]) -> None:
    """Note that the memory of all these values was changed in place."""
    now = tick()
    for value in values:
        storage = value._storage or value.change_record()
        storage.changed_at = now
        storage.version += 1


class Node(NodeInterface):
    """One application of an operation."""

    is_node = True
    # Class-level defaults, as in Value: most nodes differ in few of these.
    out: Any = None  # (array, kind), or by-products, where a rule reads them
    out_storage: ChangeRecord | None = None
    shapes: tuple[tuple[int, ...], ...] | None = None  # where broadcasting is to be undone
    freed = False
    keeps_values = False  # it holds arrays, until it is freed
    retained: Any = None
    trace: list[str] | None = None
    _hooks: dict[int, Hook] | None = None

    def __init__(
        self,
        op: NodeOperation,
        needs: tuple[int, ...],
        edges: tuple[Any, ...],
        inputs: tuple[Any, ...],
        settings: Mapping[str, Any],
    ) -> None:
        self.op = op
        self.needs = needs  # positions of the inputs that require gradients
        self.edges = edges  # where their cotangents go: a Node, or a leaf Value
        self.inputs = inputs  # what the rules read: Values, ShapeDtypes, numbers
        self.settings = settings
        self.made_at = tick()

    def remember_where(self) -> None:
        """Keep the call stack, without the frames of the engine."""
        self.trace = traceback.format_stack()[:-4]

    def is_number(self, position: int) -> bool:
        """True if the input at this position was given as a number; for names of nodes."""
        return isinstance(self.inputs[position], int | float)

    def ndim(self, position: int) -> int:
        """The number of dimensions of the input at this position; for names of nodes."""
        value = self.inputs[position]
        # A tensor's own `shape` makes a Size, which takes a microsecond.
        return value.array.ndim if isinstance(value, Value) else len(value.shape)

    def saved_values(self) -> tuple[Any, tuple[Any, ...]]:
        """The output and the inputs, in the form that the rules take.

        Raises RuntimeError if they have been freed, or changed in place since the operation.
        """
        self._check_kept()
        out = self.out
        if type(out) is tuple:
            array, kind = out
            out = wrap(kind, array)
            out.node, out._requires_grad = self, True
        return out, self.inputs

    def saved_arrays(self) -> list[Any]:
        """The arrays of the output and of the inputs, for rules over arrays.

        Raises RuntimeError as `saved_values` does.
        """
        out, made_at = self.out, self.made_at
        storage = self.out_storage
        changed = self.freed or (storage is not None and storage.changed_at > made_at)
        arrays = [out[0] if type(out) is tuple else out]
        for value in self.inputs:
            if isinstance(value, Value):
                storage = value._storage
                if storage is not None and storage.changed_at > made_at:
                    changed = True
                value = value.array  # noqa: PLW2901
            arrays.append(value)
        if changed:
            self._check_kept()
        return arrays

    def _check_kept(self) -> None:
        if self.freed:
            raise RuntimeError(
                f"Trying to backward through the graph a second time (or directly access saved "
                f"tensors after they have already been freed): the tensors saved by "
                f"{self.name()} have been freed. Pass retain_graph=True to the first backward() or "
                f"autograd.grad() to go through the graph again."
            )
        made_at = self.made_at
        for position, value in enumerate(self.inputs):
            if isinstance(value, Value):
                storage = value._storage
                if storage is not None and storage.changed_at > made_at:
                    self._refuse_change(storage, f"argument {position}", value.array)
        storage = self.out_storage
        if storage is not None and storage.changed_at > made_at and type(self.out) is tuple:
            self._refuse_change(storage, "the output", self.out[0])

    def _refuse_change(self, storage: ChangeRecord, what: str, array: np.ndarray[Any, Any]) -> None:
        made = "" if self.trace is None else "\nIt was made here:\n" + "".join(self.trace)
        raise RuntimeError(
            f"one of the variables needed for gradient computation has been modified by an "
            f"inplace operation: {what} of {self.op.name}() (a tensor of shape "
            f"{list(array.shape)}, {array.dtype}) is read by {self.name()} and was "
            f"changed after the forward pass (its version is {storage.version}).{made}"
        )

    def free(self) -> None:
        """Drop what the rules read; a node that kept nothing can be used again."""
        if self.keeps_values:
            op = self.op
            if op.named_by_inputs:
                self.label = op.node_name(self)
            self.inputs = ()
            self.out = None
            self.freed = True
