"""Tensors that a `Function` computed in forward and saved: constants in second derivatives."""

from collections.abc import Iterable

from minigrad.autograd.applied import Applied
from minigrad.autograd.gradcheck.failures import GradcheckError
from minigrad.engine.graph import Node
from minigrad.tensor import Tensor


def with_saved_values(error: GradcheckError, outputs: Iterable[Tensor]) -> GradcheckError:
    """The error of a second derivative, with a note if a saved tensor may be the reason."""
    names = sorted(_functions_with_saved_values(outputs))
    if error.kind is not None or not names:
        return error
    words, seed, number = str(error).partition("\nseed: ")
    note = (
        f"note: backward of {', '.join(names)} reads a saved tensor that requires no gradient; if "
        "forward computed it, second derivatives take it for a constant.  Save arguments and "
        "results of forward only, and compute the rest again in backward, or decorate backward "
        "with autograd.function.once_differentiable"
    )
    return type(error)(f"{words}\n{note}{seed}{number}", error.kind)


def _functions_with_saved_values(outputs: Iterable[Tensor]) -> set[str]:
    """Names of the Functions in the graph that saved floats which require no gradient."""
    waiting = [output.node for output in outputs if output.node is not None]
    seen: set[int] = set()
    names: set[str] = set()
    while waiting:
        node = waiting.pop()
        if id(node) in seen:
            continue
        seen.add(id(node))
        if isinstance(node.op, Applied):
            saved = [t for t in node.saved_values()[1] if isinstance(t, Tensor)]
            if any(t.array.dtype.kind in "fc" and not t.requires_grad for t in saved):
                names.add(node.op.name)
        waiting += [edge for edge in node.edges if isinstance(edge, Node)]
    return names
