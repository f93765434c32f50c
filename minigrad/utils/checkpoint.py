"""torch.utils.checkpoint: backward computes a part of the network again, so that its forward saves
nothing.

>>> from minigrad.utils.checkpoint import checkpoint
>>> layers = minigrad.nn.Sequential(minigrad.nn.Linear(4, 4), minigrad.nn.ReLU())
>>> x = minigrad.ones(2, 4, requires_grad=True)
>>> checkpoint(layers, x, use_reentrant=False).sum().backward()
"""

import warnings
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from minigrad.autograd import Function, backward
from minigrad.core.device import refuse_device
from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import enable_grad, thread
from minigrad.nn import Sequential
from minigrad.ops.generator import default_generator
from minigrad.tensor import Tensor
from minigrad.utils.recomputation import CheckpointError, Recomputation

__all__ = [
    "CheckpointError",
    "CheckpointFunction",
    "check_backward_validity",
    "checkpoint",
    "checkpoint_sequential",
    "detach_variable",
    "get_device_states",
    "noop_context_fn",
    "set_checkpoint_debug_enabled",
    "set_checkpoint_early_stop",
    "set_device_states",
]

Contexts = tuple[AbstractContextManager[Any], AbstractContextManager[Any]]


def noop_context_fn() -> Contexts:
    """Two contexts that do nothing: the default of `context_fn`."""
    return nullcontext(), nullcontext()


def checkpoint(
    function: Callable[..., Any],
    *args: Any,
    use_reentrant: bool | None = None,
    context_fn: Callable[[], Contexts] = noop_context_fn,
    determinism_check: str = "default",
    debug: bool = False,
    early_stop: bool = True,
    preserve_rng_state: bool = True,
    **kwargs: Any,
) -> Any:
    """`function(*args, **kwargs)`, without saving its tensors: backward calls it again for them.

    use_reentrant: False is right for nearly all; True runs a backward inside the backward, works
        with `backward()` of all leaves only, and takes no keyword arguments.  Without it, torch
        takes True and warns.
    preserve_rng_state: draw the same random numbers again.
    context_fn: gives two contexts, for the call in forward and for the one in backward.
    determinism_check: "default" compares shapes and dtypes of what is saved, "none" nothing.
    debug: errors list the operations of both calls.
    early_stop: end the second call as soon as it has saved all that is needed.

    Raises CheckpointError if the second call saves other tensors than the first.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint: the use_reentrant parameter should be passed explicitly; "
            "use_reentrant=False is recommended, the default is True as in PyTorch",
            stacklevel=2,
        )
        use_reentrant = True
    if use_reentrant:
        if kwargs:
            raise ValueError(f"Unexpected keyword arguments: {','.join(kwargs)}")
        if context_fn is not noop_context_fn or debug:
            raise ValueError(
                "Passing `context_fn` or `debug` is only supported when use_reentrant=False."
            )
        return CheckpointFunction.apply(function, preserve_rng_state, *args)
    if determinism_check not in ("default", "none"):
        raise ValueError(
            f"determinism_check should be one of ['default', 'none'], but got {determinism_check}"
        )
    first, second = context_fn()
    call = Recomputation(function, args, kwargs, second, preserve_rng_state)
    call.compares = determinism_check == "default"
    call.stops_early = early_stop if _early_stop is None else _early_stop
    call.debug = debug if _debug is None else _debug
    with first:
        return call.forward()


# --- the variant with a backward inside the backward ----------------------------------------


class CheckpointFunction(Function):
    """The checkpoint of use_reentrant=True."""

    @staticmethod
    def forward(ctx: Any, run_function: Any, preserve_rng_state: bool, *args: Any) -> Any:
        ctx.run_function = run_function
        ctx.random_state = default_generator.get_state() if preserve_rng_state else None
        ctx.positions = [i for i, arg in enumerate(args) if isinstance(arg, Tensor)]
        ctx.others = [None if isinstance(arg, Tensor) else arg for arg in args]
        ctx.save_for_backward(*(args[i] for i in ctx.positions))
        return run_function(*args)

    @staticmethod
    def backward(ctx: Any, *grad_outputs: Any) -> Any:
        if thread.mode.walk.targets is not None:
            raise RuntimeError(
                "When use_reentrant=True, checkpoint is incompatible with .grad() or passing an "
                "`inputs` parameter to .backward(). To resolve this error, you can either set "
                "use_reentrant=False, or call .backward() without passing the `inputs` argument."
            )
        inputs = list(ctx.others)
        for position, tensor in zip(ctx.positions, ctx.saved_tensors, strict=True):
            inputs[position] = tensor
        inputs = list(detach_variable(tuple(inputs)))
        before = default_generator.get_state()
        try:
            if ctx.random_state is not None:
                default_generator.set_state(ctx.random_state)
            with enable_grad():
                result = ctx.run_function(*inputs)
        finally:
            if ctx.random_state is not None:
                default_generator.set_state(before)
        outputs = result if isinstance(result, tuple) else (result,)
        pairs = [
            (out, g)
            for out, g in zip(outputs, grad_outputs, strict=True)
            if isinstance(out, Tensor) and out.requires_grad
        ]
        if not pairs:
            raise RuntimeError(
                "none of output has requires_grad=True, this checkpoint() is not necessary"
            )
        roots, cotangents = zip(*pairs, strict=True)
        backward(roots, cotangents)
        return None, None, *(x.grad if isinstance(x, Tensor) else None for x in inputs)


def detach_variable(inputs: tuple[Any, ...]) -> tuple[Any, ...]:
    """The same arguments, tensors outside the graph; those that require gradients still do."""
    if not isinstance(inputs, tuple):
        raise RuntimeError(
            f"Only tuple of tensors is supported. Got Unsupported input type: "
            f"{type(inputs).__name__}"
        )
    return tuple(
        x.detach().requires_grad_(x.requires_grad) if isinstance(x, Tensor) else x for x in inputs
    )


def get_device_states(*args: Any) -> tuple[list[int], list[Tensor]]:
    """The devices of the arguments and the states of their generators: none but the CPU's."""
    return [], []


def set_device_states(
    devices: Iterable[int], states: Iterable[Tensor], *, device_type: str | None = None
) -> None:
    """Nothing for what `get_device_states` gave; raises RuntimeError for a device."""
    for _ in devices:
        refuse_device("cuda")


def check_backward_validity(inputs: Iterable[Any]) -> None:
    """Warn if no tensor of these requires gradients."""
    if not any(x.requires_grad for x in inputs if isinstance(x, Tensor)):
        warnings.warn(
            "None of the inputs have requires_grad=True. Gradients will be None", stacklevel=2
        )


# --- for all checkpoints --------------------------------------------------------------------

_early_stop: bool | None = None
_debug: bool | None = None


@contextmanager
def set_checkpoint_early_stop(enable: bool) -> Generator[None]:
    """Set `early_stop` of all checkpoints whose forward runs inside the block."""
    global _early_stop  # noqa: PLW0603
    before, _early_stop = _early_stop, enable
    try:
        yield
    finally:
        _early_stop = before


@contextmanager
def set_checkpoint_debug_enabled(enabled: bool | None) -> Generator[None]:
    """Set `debug` of all checkpoints whose forward runs inside the block; None: as they say."""
    global _debug  # noqa: PLW0603
    before, _debug = _debug, enabled
    try:
        yield
    finally:
        _debug = before


def checkpoint_sequential(
    functions: Sequential | Iterable[Callable[..., Any]],
    segments: int,
    input: Any,
    use_reentrant: bool | None = None,
    *,
    preserve_rng_state: bool = True,
) -> Any:
    """The functions one after another, in `segments` parts: all parts but the last are
    checkpointed.

    Memory then holds the parts' inputs and one part: least with about sqrt(n) segments.
    """
    if use_reentrant is None:
        warnings.warn(
            "checkpoint_sequential: the use_reentrant parameter should be passed explicitly; "
            "use_reentrant=False is recommended, the default is True as in PyTorch",
            stacklevel=2,
        )
        use_reentrant = True
    given = functions.children() if isinstance(functions, Sequential) else functions
    steps: list[Any] = list(given)
    if not 1 <= segments <= max(len(steps), 1):
        raise ValueError(
            f"checkpoint_sequential: segments must lie in 1 ... {len(steps)}, the number of "
            f"functions, got {segments}"
        )
    size = len(steps) // segments
    for start in range(0, size * (segments - 1), size):
        input = checkpoint(
            _in_turn(steps[start : start + size]),
            input,
            use_reentrant=use_reentrant,
            preserve_rng_state=preserve_rng_state,
        )
    return _in_turn(steps[size * (segments - 1) :])(input)


def _in_turn(steps: list[Callable[..., Any]]) -> Callable[[Any], Any]:
    def run(input: Any) -> Any:
        for step in steps:
            input = step(input)
        return input

    return run


show_public_names(__name__)
