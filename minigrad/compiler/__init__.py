"""torch.compiler and torch.compile: steps recorded while they run, and replayed.

A call runs by `compiled.py`: it looks for a plan that holds for the arguments (`arguments.py`) and
for the Python objects that the function can reach (`world.py`).  Without one the function runs as
ever while a tape (`tape.py`) takes down what it does to arrays; two such recordings
(`recording.py`) are compared by the names of their arrays (`trace.py`).  If they are equal, Python
source is written that repeats it (`source.py`, `results.py`): a `plan.py`, which is checked against
the step itself before it is used (`checking.py`).  Calls that need no Python become native tasks
(`native.py`); large ones that follow one another run block by block (`fusion.py`), as long as their
results are needed (`lifetimes.py`).  A forward whose backward is called outside
becomes one node of the graph (`region.py`).  Whatever a recording cannot hold is a `GraphBreak`
(`breaks.py`): such calls run as they are written.
"""

import contextlib
import weakref
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, TypeVar

from minigrad.compiler.compiled import CompiledFunction, disable_all
from minigrad.compiler.module import CompiledModule, compile_forward
from minigrad.compiler.options import (
    BACKENDS,
    EAGER_BACKENDS,
    Options,
    checked_options,
    runs_eagerly,
)
from minigrad.core.public_names import show_public_names
from minigrad.engine.grad_mode import thread
from minigrad.nn.module import Module

__all__ = [
    "allow_in_graph", "assume_constant_result", "compile", "cudagraph_mark_step_begin", "disable",
    "is_compiling", "is_dynamo_compiling", "is_exporting", "list_backends", "reset", "set_stance",
]  # fmt: skip

F = TypeVar("F", bound=Callable[..., Any])


def compile(
    model: Callable[..., Any] | None = None, *, fullgraph: bool = False,
    dynamic: bool | None = None, backend: str | Callable[..., Any] | None = None,
    mode: str | None = None, options: dict[str, Any] | None = None, name: str | None = None,
    disable: bool = False, recompile_limit: int | None = None, isolate_recompiles: bool = False,
    shapes_spec: Any = None, max_plans: int | None = None, verify_every: int = 0,
    reuse_outputs: bool = False, fuse: bool = True,
) -> Any:  # fmt: skip
    """A function or module that is recorded while it runs, and replayed without the graph's work.

    Results are those of the function itself, bit for bit: the same kernels run in the same order.
    The first two calls with arguments of one kind (shapes, dtypes, flags) run as usual and are
    recorded; the second recording must equal the first one, and a replay of it must give the bits
    that the call gave.  From then on such calls are replayed.  A function may be a whole training
    step, with `zero_grad`, `backward` and `optimizer.step()`; optimizers and schedulers in it are
    called as usual, so that learning rates may change at any time.  Python's own side effects, as
    printing, happen in recorded calls alone; where the function changes an object that it can
    reach, or decides by a tensor's numbers, it runs as it is written, and a warning says why.

    fullgraph: such a function raises RuntimeError instead.  dynamic: True records arguments of a
    new kind only when they come a second time, for inputs of ever new shapes; sizes are never
    generalised.  backend: "minigrad" or "inductor", torch's name for the one that there is; "eager"
    and "aot_eager" give the function back.  mode: torch's names are taken, and there is one mode.
    disable: True gives the function back.  name: how messages call it.  max_plans, in torch
    recompile_limit: so many kinds of arguments are remembered, 64 by default, and those used least
    are forgotten.  verify_every: each such replay is replaced by a run of the function itself, with
    which a replay is compared; 0 compares the first one alone.  reuse_outputs: True lets replays
    return tensors in one memory, which the next call overwrites, where no backward is called
    outside: clone what is to stay.  fuse: large operations one after the other, element by element,
    run block by block, and a result takes the memory of an operand that is not needed any more; the
    bits stay the same, False runs each over whole arrays.  Each function has plans of its own, as
    torch has with isolate_recompiles.  Without a function it is a decorator.

    Raises TypeError for what cannot be called, TypeError, ValueError or RuntimeError for other
    settings; options and shapes_spec are of torch's compiler and are refused.

    PyTorch differs: a module that is compiled has its own names of parameters, with no "_orig_mod."
    before them.

    >>> import minigrad as mg
    >>> @mg.compile
    ... def double(x):
    ...     return x + x
    >>> for _ in range(3):
    ...     doubled = double(mg.ones(2))
    >>> doubled, double.replays
    (tensor([2., 2.]), 1)
    """
    if shapes_spec is not None:
        raise RuntimeError("shapes_spec is of torch's compiler: sizes are never generalised here")
    most = recompile_limit if max_plans is None else max_plans
    settings = checked_options(
        fullgraph=fullgraph, dynamic=dynamic, mode=mode, options=options, max_plans=most,
        verify_every=verify_every, reuse_outputs=reuse_outputs, fuse=fuse, name=name,
    )  # fmt: skip
    eager = runs_eagerly(backend) or disable
    make = partial(_uncompiled if eager else _compiled, settings)
    return make if model is None else make(model)


def _uncompiled(settings: Options, function: Any) -> Any:
    return _callable("compile", function)


def _compiled(settings: Options, function: Any) -> Any:
    if getattr(function, _DISABLED, False):
        return function
    if isinstance(function, Module):
        return CompiledModule(function, settings)
    made = CompiledFunction(_callable("compile", function), settings)
    _made.add(made)
    return made


# The functions that `disable` was called with have this attribute.
_DISABLED = "_is_never_compiled"
# All compiled functions, for `reset`.
_made: "weakref.WeakSet[CompiledFunction]" = weakref.WeakSet()


def _callable(name: str, given: Any) -> Any:
    if not callable(given):
        raise TypeError(f"{name} expects a module or a function, got {type(given).__name__}")
    return given


def disable(fn: Any = None, recursive: bool = True, *, reason: str | None = None) -> Any:
    """The function itself, marked so that `compile` gives it back; without one, a decorator.

    PyTorch differs: in a function that is compiled, a call of it is recorded as any other.
    """
    if fn is None:
        return disable
    with contextlib.suppress(AttributeError, TypeError):
        setattr(fn, _DISABLED, True)
    return fn


def allow_in_graph(fn: F) -> F:
    """The function itself."""
    return fn


def assume_constant_result(fn: F) -> F:
    """The function itself."""
    return fn


def is_compiling() -> bool:
    """True while a step is recorded in this thread."""
    return thread.mode.step_recorder is not None


def is_dynamo_compiling() -> bool:
    """True while a step is recorded in this thread."""
    return is_compiling()


def is_exporting() -> bool:
    """False."""
    return False


def list_backends(exclude_tags: tuple[str, ...] = ("debug", "experimental")) -> list[str]:
    """The names of backends; with no excluded tags also those that run programs as written."""
    return [*BACKENDS, *(() if "debug" in exclude_tags else EAGER_BACKENDS)]


def reset() -> None:
    """Forget all recordings of all compiled functions."""
    for compiled in list(_made):
        compiled.reset()


def cudagraph_mark_step_begin() -> None:
    """Nothing: there are no graphs of a device."""


@contextlib.contextmanager
def set_stance(stance: str = "default", **settings: Any) -> Iterator[None]:
    """A block or decorator: in "force_eager" compiled functions run as they are written.

    Raises RuntimeError for stances that torch does not have.
    """
    if stance not in _STANCES:
        raise RuntimeError(f"invalid torch.compile stance {stance!r}, known are {_STANCES}")
    disable_all(stance == "force_eager")
    try:
        yield
    finally:
        disable_all(-(stance == "force_eager"))


_STANCES = (
    "default",
    "force_eager",
    "eager_on_recompile",
    "fail_on_recompile",
    "eager_then_compile",
)


def _compile_in_place(module: Module, **settings: Any) -> None:
    compile_forward(module, compile(**settings))


Module._compile_in_place = _compile_in_place
show_public_names(__name__)
