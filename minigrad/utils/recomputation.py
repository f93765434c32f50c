"""A call of a function whose saved tensors are computed again in backward."""

import weakref
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from minigrad.autograd import trees
from minigrad.autograd.graph import saved_tensors_hooks
from minigrad.engine.grad_mode import enable_grad, thread
from minigrad.engine.saved_hooks import Packed
from minigrad.ops.generator import default_generator
from minigrad.tensor import Tensor


class CheckpointError(RuntimeError):
    """The computation in backward did not save what the one in forward did."""


class _StopEarly(BaseException):
    """Ends a second call that has saved all that is needed; user code does not catch it."""


class _Slot:
    """Stands for one saved tensor of the first call."""

    __slots__ = ("__weakref__", "index")

    def __init__(self, index: int) -> None:
        self.index = index


class Recomputation:
    """A call whose saved tensors are computed again, once in each backward."""

    compares = stops_early = True
    debug = False

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        context: AbstractContextManager[Any],
        preserve_rng_state: bool,
    ) -> None:
        self.function, self.context = function, context
        self.given = args, kwargs
        self.random_state = default_generator.get_state() if preserve_rng_state else None
        self.slots: list[weakref.ref[_Slot]] = []
        self.saved: list[tuple[Any, Any]] = []  # shape and dtype of each
        self.names: tuple[list[str], list[str]] = [], []  # of operations, in both calls
        self.values: dict[int, Tensor] = {}  # of the second call, until they are read
        self.walk: Any = None  # the backward pass that they are of

    def forward(self) -> Any:
        """The first call."""
        args, kwargs = self.given
        if thread.mode.grad:
            self.given = trees.mapped(self._kept, args), trees.mapped(self._kept, kwargs)
            with saved_tensors_hooks(self._pack, self._unpack), self._noting_names(0):
                return self.function(*args, **kwargs)
        return self.function(*args, **kwargs)

    @staticmethod
    def _kept(arg: Any) -> Any:
        """An argument as it is kept: a tensor with its version, or packed by hooks around us."""
        if not isinstance(arg, Tensor):
            return arg
        hooks = thread.mode.saved_hooks
        return Packed(arg, *hooks[-1]) if hooks else _Argument(arg)

    def _pack(self, tensor: Any) -> _Slot:
        slot = _Slot(len(self.slots))
        self.slots.append(weakref.ref(slot))
        self.saved.append((tensor.shape, tensor.dtype))
        return slot

    def _unpack(self, slot: _Slot) -> Tensor:
        walk = thread.mode.walk
        if slot.index not in self.values or self.walk is None or self.walk() is not walk:
            self._compute_again()
            self.walk = None if walk is None else weakref.ref(walk)
        value = self.values.pop(slot.index)
        if walk is None:
            self.values.clear()
        return value

    def _compute_again(self) -> None:
        """The second call, which fills `values`."""
        self.values, count = {}, 0

        def pack(tensor: Any) -> Any:
            nonlocal count
            if count == len(self.slots):
                self._raise(
                    "trying to save more tensors during recomputation than during the original "
                    "forward pass."
                )
            if self.slots[count]() is not None:
                self.values[count] = tensor.detach()
            count += 1
            if count == len(self.slots) and self.stops_early:
                raise _StopEarly
            return tensor

        before = default_generator.get_state()
        try:
            if self.random_state is not None:
                default_generator.set_state(self.random_state)
            args, kwargs = (trees.mapped(_as_given, tree) for tree in self.given)
            hooks = saved_tensors_hooks(pack, lambda packed: packed)
            with self.context, enable_grad(), hooks, self._noting_names(1):
                self.function(*args, **kwargs)
        except _StopEarly:
            pass
        finally:
            if self.random_state is not None:
                default_generator.set_state(before)
        self._compare(count)

    def _compare(self, count: int) -> None:
        if count != len(self.slots):
            self._raise(
                f"A different number of tensors was saved during the original forward and "
                f"recomputation.\nNumber of tensors saved during forward: {len(self.slots)}\n"
                f"Number of tensors saved during recomputation: {count}."
            )
        different = [
            f"tensor at position {i}:\nsaved metadata: {list(self.saved[i][0])}, "
            f"{self.saved[i][1]}\nrecomputed metadata: {list(value.shape)}, {value.dtype}\n"
            for i, value in self.values.items()
            if (value.shape, value.dtype) != self.saved[i]
        ]
        if different and self.compares:
            self._raise(
                "Recomputed values for the following tensors have different metadata than during "
                "the forward pass.\n" + "".join(different)
            )

    def _raise(self, message: str) -> None:
        first, second = map(", ".join, self.names)
        more = (
            f"\nOperations that ran in the original forward: {first}"
            f"\nduring recomputation: {second}"
            if self.debug
            else "\nTip: pass debug=True to see the operations of both calls."
        )
        raise CheckpointError(f"minigrad.utils.checkpoint: {message}{more}")

    @contextmanager
    def _noting_names(self, which: int) -> Iterator[None]:
        """Note the names of recorded operations, for errors."""
        mode = thread.mode
        before = mode.names
        if self.debug:
            self.names[which].clear()
            mode.names = self.names[which]
        try:
            yield
        finally:
            mode.names = before


class _Argument:
    """A tensor that the function was called with, and its version then."""

    def __init__(self, tensor: Tensor) -> None:
        self.tensor, self.version = tensor, tensor._version


def _as_given(kept: Any) -> Any:
    if isinstance(kept, Packed):
        return kept.unpacked()
    if not isinstance(kept, _Argument):
        return kept
    if kept.tensor._version != kept.version:
        raise RuntimeError(
            f"one of the variables needed for gradient computation has been modified by an inplace "
            f"operation: an argument of a checkpointed function (a tensor of shape "
            f"{list(kept.tensor.shape)}) was at version {kept.version} and is at version "
            f"{kept.tensor._version}"
        )
    return kept.tensor
