"""Functions of other frameworks, and NumPy functions with a gradient of their own, to be checked.

Each framework has an adapter that says three things of a function: its values with the way back to
gradients, its gradient as a function again, and its tangents (`ArrayFunction` in `bridge`).  The
bridge makes of that a function of minigrad's tensors, which the checker takes like any other.
"""

from collections.abc import Callable
from typing import Any

from minigrad.core.public_names import show_public_names
from minigrad.testing.frameworks.bridge import ArrayFunction, bridged
from minigrad.testing.frameworks.pairs import Pair
from minigrad.testing.frameworks.recognition import ADAPTERS, NAMES, adapter, framework_of

__all__ = ["NAMES", "ArrayFunction", "adapted", "bridged", "framework_of"]


def adapted(
    what: Any,
    framework: str | None = None,
    vjp: Callable[..., Any] | None = None,
    jvp: Callable[..., Any] | None = None,
) -> ArrayFunction | None:
    """A function of any framework as the bridge takes it; None for one of minigrad's.

    framework: one of `NAMES`, recognised without.  vjp, jvp: of a function of NumPy arrays,
    `vjp(g, *inputs)` the gradients, `jvp(t, *inputs)` the tangent of the result; g is a tuple where
    the function gives several results, t where it has several inputs.

    Raises ValueError for a framework of another name, ImportError if it is not installed.
    """
    if vjp is not None or jvp is not None:
        return Pair(what, vjp, jvp)
    name = framework or framework_of(what)
    if name == "minigrad":
        return None
    found: ArrayFunction = adapter(name).adapt(what)
    return found


show_public_names(__name__, lazy=tuple(ADAPTERS.values()))
