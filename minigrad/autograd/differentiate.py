"""`grad` and `backward` as functions."""

from collections.abc import Sequence
from typing import Any

from minigrad.core.warn import warn_caller
from minigrad.engine import backward as walk
from minigrad.engine.gradient_edge import GradientEdge, as_root, as_target
from minigrad.ops import stack
from minigrad.tensor.tensor import Tensor, require_targets, run_backward, start_cotangent

Tensors = Tensor | GradientEdge | Sequence[Tensor | GradientEdge]
Gradients = Tensor | Sequence[Tensor | None] | None


def _as_list(given: Any) -> list[Any]:
    alone = given is None or isinstance(given, Tensor | GradientEdge)
    return [given] if alone else list(given)


def _with_gradients(outputs: list[Any], gradients: Any, name: str) -> list[Any]:
    found = [None] * len(outputs) if gradients is None else _as_list(gradients)
    if len(found) != len(outputs):
        raise RuntimeError(
            f"got {len(outputs)} tensors and {len(found)} gradients: {name} must have one entry "
            f"for each output"
        )
    return found


def backward(
    tensors: Tensors,
    grad_tensors: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    inputs: Tensors | None = None,
) -> None:
    """Add the gradients of `tensors` to `.grad` of the leaves, or of `inputs` alone.

    `grad_tensors` are the cotangents to start from; a tensor of one element needs none.
    Instead of tensors and inputs, edges of `autograd.graph.get_gradient_edge` will do.
    """
    roots = _as_list(tensors)
    gradients = _with_gradients(roots, grad_tensors, "grad_tensors")
    roots = list(map(as_root, roots, gradients))
    run_backward(roots, gradients, retain_graph, create_graph, inputs)


def grad(
    outputs: Tensors,
    inputs: Tensors,
    grad_outputs: Gradients = None,
    retain_graph: bool | None = None,
    create_graph: bool = False,
    only_inputs: bool = True,
    allow_unused: bool | None = None,
    is_grads_batched: bool = False,
    materialize_grads: bool = False,
) -> tuple[Tensor, ...]:
    """The gradients of `outputs` with respect to `inputs`, leaving every `.grad` alone.

    only_inputs is deprecated in torch, and ignored: False gives a warning.

    outputs: tensors; of more than one element only with `grad_outputs`, their cotangents.
        Here and in inputs, edges of `autograd.graph.get_gradient_edge` will do too.
    create_graph: record the computation of the gradients, so that they can be differentiated.
    allow_unused: give None for inputs that outputs do not depend on, rather than raise.
    materialize_grads: give zeros for those inputs.

    Raises RuntimeError for an input that does not require gradients or was not used.
    PyTorch differs: is_grads_batched=True runs one backward per row, through no vmap.

        >>> x = minigrad.tensor(3.0, requires_grad=True)
        >>> minigrad.autograd.grad(x ** 2, x)
        (tensor(6.),)
    """
    if not only_inputs:
        warn_caller(
            "only_inputs argument is deprecated and is ignored now (defaults to True). To "
            "accumulate gradient for other parts of the graph, please use torch.autograd.backward.",
            FutureWarning,
        )
    roots, targets = _as_list(outputs), _as_list(inputs)
    gradients = _with_gradients(roots, grad_outputs, "grad_outputs")
    roots, targets = list(map(as_root, roots, gradients)), list(map(as_target, targets))
    keep = create_graph if retain_graph is None else retain_graph
    if materialize_grads and allow_unused is False:
        raise ValueError(
            "Expected allow_unused to be True or not passed when materialize_grads=True, but got: "
            "allow_unused=False."
        )
    if not targets:
        raise ValueError("grad requires non-empty inputs.")
    require_targets(targets)
    if is_grads_batched:
        return _batched(roots, targets, gradients, keep, create_graph, allow_unused)
    cotangents = list(map(start_cotangent, range(len(roots)), roots, gradients))
    found = walk.backward(
        roots, cotangents, targets=targets, retain_graph=keep, create_graph=create_graph
    )
    return tuple(
        _found_or_zeros(i, target, g, allow_unused or materialize_grads, materialize_grads)
        for i, (target, g) in enumerate(zip(targets, found, strict=True))
    )


def _found_or_zeros(i: int, target: Tensor, g: Any, allowed: bool, zeros: bool) -> Any:
    if g is not None:
        return g
    if not allowed:
        raise RuntimeError(
            f"One of the differentiated Tensors appears to not have been used in the graph: input "
            f"{i}, of shape {list(target.shape)}. Set allow_unused=True if this is the desired "
            f"behavior."
        )
    return target.new_zeros(target.shape) if zeros else None


def _batched(
    roots: list[Any], targets: list[Any], gradients: list[Any], keep: bool, create: bool,
    allow_unused: bool | None,
) -> tuple[Any, ...]:  # fmt: skip
    count = len(gradients[0])
    rows = [
        grad(
            roots,
            targets,
            [None if g is None else g[i] for g in gradients],
            retain_graph=keep or i < count - 1,
            create_graph=create,
            allow_unused=allow_unused,
        )
        for i in range(count)
    ]
    return tuple(None if column[0] is None else stack(column) for column in zip(*rows, strict=True))
