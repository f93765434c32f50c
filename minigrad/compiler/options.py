"""The settings of `compile`, under torch's names and ours, and what is legal."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# torch's names of the one that there is, and those that run programs as they are written.
BACKENDS = ("minigrad", "inductor")
EAGER_BACKENDS = ("eager", "aot_eager")
MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
MAX_PLANS = 64


@dataclass(frozen=True)
class Options:
    """How a function is compiled; `minigrad.compile` says what each of them does."""

    fullgraph: bool = False
    dynamic: bool | None = None
    max_plans: int = MAX_PLANS
    verify_every: int = 0
    reuse_outputs: bool = False
    fuse: bool = True
    name: str | None = None


def checked_options(
    *,
    fullgraph: bool,
    dynamic: bool | None,
    mode: str | None,
    options: Mapping[str, Any] | None,
    max_plans: int | None,
    verify_every: int,
    reuse_outputs: bool,
    fuse: bool,
    name: str | None,
) -> Options:
    """The settings.  Raises ValueError, TypeError or RuntimeError for illegal ones."""
    if not isinstance(fullgraph, bool):
        raise TypeError(f"fullgraph must be a bool, got {type(fullgraph).__name__}")
    if dynamic is not None and not isinstance(dynamic, bool):
        raise TypeError(f"dynamic must be a bool or None, got {type(dynamic).__name__}")
    if mode is not None and mode not in MODES:
        raise RuntimeError(f"Unrecognized mode={mode}, should be one of: {', '.join(MODES)}")
    if options:
        raise RuntimeError(
            f"Unexpected optimization option {next(iter(options))}, known options are []: they "
            f"are those of torch's compiler"
        )
    most = MAX_PLANS if max_plans is None else max_plans
    if isinstance(most, bool) or not isinstance(most, int) or most < 1:
        raise ValueError(f"max_plans must be a positive int, got {max_plans!r}")
    if isinstance(verify_every, bool) or not isinstance(verify_every, int) or verify_every < 0:
        raise ValueError(f"verify_every must be an int of 0 or more, got {verify_every!r}")
    if not isinstance(reuse_outputs, bool):
        raise TypeError(f"reuse_outputs must be a bool, got {type(reuse_outputs).__name__}")
    if not isinstance(fuse, bool):
        raise TypeError(
            f"fuse must be a bool, got {fuse!r}: what is fused has the bits of what is not, and "
            f"there is no faster way with others"
        )
    return Options(fullgraph, dynamic, most, verify_every, reuse_outputs, fuse, name)


def runs_eagerly(backend: str | Callable[..., Any] | None) -> bool:
    """True for the names of torch's backends that run programs as they are written.

    Raises RuntimeError for other names, TypeError for functions, which take graphs of torch's.
    """
    if backend is None or backend in BACKENDS:
        return False
    if backend in EAGER_BACKENDS:
        return True
    if callable(backend):
        raise TypeError(
            f"backend: {backend!r} would be given a graph of torch.fx, which there is none of; "
            f"the backends are {', '.join((*BACKENDS, *EAGER_BACKENDS))}"
        )
    raise RuntimeError(
        f"Invalid backend: {backend!r}, the backends are {', '.join((*BACKENDS, *EAGER_BACKENDS))}"
    )
