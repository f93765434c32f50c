"""torch.autograd.graph: the tensors that the graph saves, its nodes and edges, hooks on several.

>>> x = minigrad.ones(2, requires_grad=True)
>>> with minigrad.autograd.graph.saved_tensors_hooks(lambda t: t.numpy(), minigrad.from_numpy):
...     y = x.exp()
>>> y.grad_fn.next_functions[0][0].variable is x
True
"""

import functools
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Any, Self
from weakref import WeakKeyDictionary, WeakSet

from minigrad.core.public_names import show_public_names
from minigrad.engine.backward import will_visit
from minigrad.engine.grad_mode import thread
from minigrad.engine.gradient_edge import GradientEdge, get_gradient_edge
from minigrad.engine.hooks import RemovableHandle
from minigrad.engine.node_interface import LinkedHandle
from minigrad.engine.node_interface import NodeInterface as Node
from minigrad.tensor import Tensor

__all__ = [
    "GradientEdge",
    "Node",
    "allow_mutation_on_saved_tensors",
    "disable_saved_tensors_hooks",
    "get_gradient_edge",
    "increment_version",
    "register_multi_grad_hook",
    "save_on_cpu",
    "saved_tensors_hooks",
]


# --- hooks of saved tensors -----------------------------------------------------------------


class saved_tensors_hooks:  # noqa: N801
    """Inside the block, what the graph saves is `pack_hook(tensor)`; backward reads it back with
    `unpack_hook`, which must give a tensor of the same elements.

    Hooks nest: the innermost pair holds.  pack_hook must not change its tensor.
    PyTorch differs: which tensors are saved follows from the rules here, and may be fewer.
    """

    def __init__(self, pack_hook: Callable[[Any], Any], unpack_hook: Callable[[Any], Any]) -> None:
        self.pack_hook = pack_hook
        self.unpack_hook = unpack_hook

    def __enter__(self) -> Self:
        mode = thread.mode
        if mode.saved_hooks_refused is not None:
            raise RuntimeError(mode.saved_hooks_refused)
        mode.saved_hooks = (*mode.saved_hooks, (self.pack_hook, self.unpack_hook))
        mode.observed = True
        return self

    def __exit__(self, *exc: object) -> None:
        mode = thread.mode
        mode.saved_hooks = mode.saved_hooks[:-1]
        mode.observed = mode.anomaly or bool(mode.saved_hooks)


class save_on_cpu(saved_tensors_hooks):  # noqa: N801
    """Keep saved tensors in the CPU's memory, where minigrad's tensors are anyway.

    pin_memory: save copies, so that later changes in place do not reach them; there is no other
        kind of memory to pin.  device_type: "cuda" and "cpu" are the same here.
    """

    def __init__(self, pin_memory: bool = False, device_type: str = "cuda") -> None:
        if not isinstance(device_type, str):
            raise TypeError(f"device_type must be a str, got {type(device_type).__name__}")

        def pack(tensor: Tensor) -> Tensor:
            return tensor.detach().clone() if pin_memory else tensor

        super().__init__(pack, lambda packed: packed)


@contextmanager
def disable_saved_tensors_hooks(error_message: str) -> Generator[None]:
    """Refuse hooks of saved tensors inside the block: RuntimeError with this message."""
    mode = thread.mode
    if mode.saved_hooks:
        raise RuntimeError(error_message)
    before, mode.saved_hooks_refused = mode.saved_hooks_refused, error_message
    try:
        yield
    finally:
        mode.saved_hooks_refused = before


class _MutationContext:
    """The copies that `allow_mutation_on_saved_tensors` keeps; `clear` drops them."""

    def __init__(self) -> None:
        self.cloned: dict[int, Tensor] = {}
        self.is_open = True

    def clear(self) -> None:
        self.cloned.clear()

    def pack(self, tensor: Any) -> int:
        key = len(self.cloned)
        self.cloned[key] = tensor.detach().clone()
        return key

    def unpack(self, key: int) -> Tensor:
        if not self.is_open or key not in self.cloned:
            raise RuntimeError(
                "Trying to backward outside of the 'allow_mutation_on_saved_tensors' context in "
                "which the graph was originally recorded."
            )
        return self.cloned[key]


@contextmanager
def allow_mutation_on_saved_tensors() -> Generator[_MutationContext]:
    """Let saved tensors be changed in place: inside the block the graph saves copies.

    Backward must run inside the block, and the copies go at its end.
    PyTorch differs: it copies when a tensor is changed; here each saved tensor is copied at once.
    """
    if any(getattr(pack, "__func__", None) is _MutationContext.pack
           for pack, _ in thread.mode.saved_hooks):  # fmt: skip
        raise RuntimeError("allow_mutation_on_saved_tensors contexts cannot be nested")
    context = _MutationContext()
    with saved_tensors_hooks(context.pack, context.unpack):
        try:
            yield context
        finally:
            context.is_open = False
            context.clear()


def increment_version(tensor: Tensor | Sequence[Tensor]) -> None:
    """Count a change of the memory of one or several tensors, made outside minigrad."""
    for each in [tensor] if isinstance(tensor, Tensor) else tensor:
        each.bump_version()


# --- hooks on several tensors ---------------------------------------------------------------


def register_multi_grad_hook(
    tensors: Sequence[Tensor], fn: Callable[[Any], None], *, mode: str = "all"
) -> RemovableHandle:
    """Call `fn` in each backward when the gradients of several tensors are known.

    mode: "all" calls `fn(grads)` once the last is known, with None for tensors that this backward
    does not reach; "any" calls `fn(grad)` with the first.
    """
    if mode not in ("all", "any"):
        raise ValueError(f"Expects mode to be one of ('all', 'any') but got {mode}")
    hook = _HookOnAll(tensors, fn) if mode == "all" else _HookOnFirst(fn)
    return LinkedHandle(
        *(
            tensor.register_hook(functools.partial(hook.arrived, i))
            for i, tensor in enumerate(tensors)
            if mode == "all" or tensor.requires_grad
        )
    )


class _HookOnAll:
    """The gradients that have arrived in each backward, until the last does."""

    def __init__(self, tensors: Sequence[Tensor], fn: Callable[[Any], None]) -> None:
        self.tensors, self.fn = tuple(tensors), fn
        # By backward pass; a pass that ends in an error takes its entry along.
        self.passes: WeakKeyDictionary[Any, tuple[list[Any], set[int]]] = WeakKeyDictionary()

    def arrived(self, i: int, grad: Any) -> None:
        walk = thread.mode.walk
        if walk not in self.passes:
            expected = {j for j, tensor in enumerate(self.tensors) if will_visit(tensor)}
            self.passes[walk] = [None] * len(self.tensors), expected
        grads, missing = self.passes[walk]
        grads[i] = grad
        missing.discard(i)
        if not missing:
            del self.passes[walk]
            self.fn(grads)


class _HookOnFirst:
    """The backward passes in which a gradient has arrived."""

    def __init__(self, fn: Callable[[Any], None]) -> None:
        self.fn = fn
        self.passes: WeakSet[Any] = WeakSet()

    def arrived(self, i: int, grad: Any) -> None:
        walk = thread.mode.walk
        if walk not in self.passes:
            self.passes.add(walk)
            self.fn(grad)


show_public_names(__name__)
