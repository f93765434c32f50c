"""Places in the graph where gradients arrive, given instead of tensors."""

from typing import Any, NamedTuple

import numpy as np

from minigrad.engine.graph import Value, wrap
from minigrad.engine.node_interface import AccumulateGrad, NodeInterface, public_node


class GradientEdge(NamedTuple):
    """A place in the graph where a gradient arrives; `autograd.grad` and `backward` take it.

    It keeps the graph, without the tensor's elements.
    """

    node: NodeInterface
    output_nr: int
    ownership_token: Any = None


class _Origin(NamedTuple):
    """What an edge remembers of the tensor that it was taken of."""

    kind: type[Value]
    shape: tuple[int, ...]
    dtype: np.dtype[Any]


def get_gradient_edge(tensor: Value) -> GradientEdge:
    """The edge at which the gradient of a tensor arrives.

    Raises RuntimeError for a tensor that does not require gradients.
    """
    if not tensor.requires_grad:
        raise RuntimeError(
            "It is not possible to get the gradient edge for a Tensor that does not require "
            "gradients"
        )
    tensor.refresh_view()
    origin = _Origin(tensor.kind, tensor.array.shape, tensor.array.dtype)
    return GradientEdge(public_node(tensor.node or tensor), 0, origin)


def as_root(given: Any, gradient: Any) -> Any:
    """A tensor that stands at the edge, if `given` is one; other things as they are.

    gradient: the cotangent that starts there, or None.  Raises RuntimeError if it is None and the
    edge does not know its shape.
    """
    if not isinstance(given, GradientEdge) or isinstance(given.ownership_token, _Origin):
        return as_target(given)
    if gradient is None:
        raise RuntimeError(
            "an edge that get_gradient_edge() did not make has no shape: pass the gradient that "
            "starts there"
        )
    origin = _Origin(gradient.kind, gradient.array.shape, gradient.array.dtype)
    return as_target(given._replace(ownership_token=origin))


def as_target(given: Any) -> Any:
    """A tensor that stands at the edge, if `given` is one; other things as they are."""
    if not isinstance(given, GradientEdge):
        return given
    node, origin = given.node, given.ownership_token
    if isinstance(node, AccumulateGrad):
        return node.variable
    if not isinstance(origin, _Origin):
        origin = _Origin(Value.kind, (), np.dtype(np.float32))
    # One element, spread: the shape costs no memory.
    value = wrap(origin.kind, np.broadcast_to(np.zeros((), origin.dtype), origin.shape))
    value.node, value._requires_grad = node, True
    return value
