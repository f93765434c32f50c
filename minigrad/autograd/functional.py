"""torch.autograd.functional: Jacobians, Hessians, and their products with vectors, of functions.

A function takes tensors and gives a tensor, or a tuple of them; results have the structure that its
inputs and outputs have.  Jacobian-vector products are taken by differentiating the vector-Jacobian
product, which is linear in its vector, once more.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from minigrad.autograd.differentiate import grad
from minigrad.autograd.forward_ad import dual_of
from minigrad.autograd.tuples import Tensors, as_given, as_tuple, stand_ins, vector_for
from minigrad.core.public_names import show_public_names
from minigrad.engine.forward_mode import dual_level, tangent_of, without_tangent
from minigrad.engine.grad_mode import enable_grad, is_grad_enabled, set_grad_enabled
from minigrad.engine.graph import wrap
from minigrad.ops import stack
from minigrad.tensor import Tensor

TensorOrTuple = Tensor | tuple[Tensor, ...]


# --- gradients ------------------------------------------------------------------------------


def _gradients(
    outputs: Iterable[Any], inputs: Tensors, cotangents: Iterable[Any], create_graph: bool
) -> list[Any]:
    """A gradient for each input, None where the outputs do not depend on it."""
    pairs = [
        (output, cotangent)
        for output, cotangent in zip(outputs, cotangents, strict=True)
        if output is not None and output.requires_grad
    ]
    if not pairs:
        return [None] * len(inputs)
    roots, starts = zip(*pairs, strict=True)
    return list(
        grad(roots, inputs, starts, retain_graph=True, create_graph=create_graph, allow_unused=True)
    )


def _filled(
    gradients: Sequence[Any], like: Tensors, what: str, strict: bool, create_graph: bool
) -> list[Any]:
    """Zeros for None; if strict, RuntimeError for that, and for results that cannot vary."""
    for i, found in enumerate(gradients):
        if strict and found is None:
            raise RuntimeError(
                f"{what} is independent of input {i}. This is not allowed in strict mode."
            )
        if strict and create_graph and not found.requires_grad:
            raise RuntimeError(
                f"The derivative taken of {what} is independent of input {i}. This is not allowed "
                f"in strict mode when create_graph=True."
            )
    return [
        t.new_zeros(t.shape) if found is None else found
        for found, t in zip(gradients, like, strict=True)
    ]


def _require_differentiable(tensors: Iterable[Any], what: str) -> None:
    for i, each in enumerate(tensors):
        if each is None or not each.requires_grad:
            raise RuntimeError(
                f"{what} {i} of the user-provided function does not depend on its inputs in a "
                f"differentiable manner. This is not allowed in strict mode."
            )


def basis(tensor: Tensor) -> Iterable[Tensor]:
    """For every element a tensor that is 1 there and 0 elsewhere."""
    for i in range(tensor.numel()):
        array = np.zeros(tensor.shape, tensor.array.dtype)
        array.reshape(-1)[i] = 1
        yield wrap(Tensor, array)


def _evaluated(
    func: Callable[..., Any], inputs: TensorOrTuple, create_graph: bool, strict: bool, name: str
) -> tuple[bool, Tensors, bool, Tensors]:
    """The inputs as they are differentiated, and the outputs; whether each came as a tuple."""
    in_tuple, given = as_tuple(inputs, "inputs", name)
    given = stand_ins(given, create_graph)
    result = func(*given)
    out_tuple, outputs = as_tuple(result, "outputs of the user-provided function", name)
    if strict:
        _require_differentiable(outputs, "Output")
    return in_tuple, given, out_tuple, outputs


# --- products of the Jacobian with vectors --------------------------------------------------


def vjp(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func(*inputs)`, and the product v^T J of a vector and the Jacobian there.

    v: tensors shaped as the outputs; may be left out for one output of one element.
    create_graph: let both be differentiated with respect to the inputs.
    strict: raise RuntimeError if outputs do not depend on an input, rather than give zeros.

        >>> minigrad.autograd.functional.vjp(lambda x: x ** 2, minigrad.tensor([3.0]))
        (tensor([9.]), tensor([6.]))
    """
    with enable_grad():
        in_tuple, given, out_tuple, outputs = _evaluated(func, inputs, create_graph, strict, "vjp")
        cotangents = vector_for(v, outputs, out_tuple, create_graph, "vjp")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(outputs, given, cotangents, create_graph)
        found = _filled(found, given, "The output of the function", strict, create_graph)
    return (
        as_given(outputs, out_tuple, create_graph),
        as_given(found, in_tuple, create_graph),
    )


def jvp(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The outputs of `func(*inputs)`, and the product J v of the Jacobian there and a vector.

    v: tensors shaped as the inputs; may be left out for one input of one element.
    create_graph, strict: as in `vjp`.
    """
    if not strict:
        return _forward_jvp(func, inputs, v, create_graph)
    # What does not depend on what shows in the graph, not in tangents.
    with enable_grad():
        in_tuple, given = as_tuple(inputs, "inputs", "jvp")
        tangents = vector_for(v, given, in_tuple, create_graph, "jvp")
        _, given, out_tuple, outputs = _evaluated(func, inputs, create_graph, strict, "jvp")
        pulled, dummies = _linear_pullback(outputs, given)
        if strict:
            _require_differentiable(pulled, "The gradient with respect to input")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(pulled, dummies, tangents, create_graph)
        found = _filled(found, outputs, "The gradient of the function", strict, create_graph)
    return (
        as_given(outputs, out_tuple, create_graph),
        as_given(found, out_tuple, create_graph),
    )


def _forward_jvp(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None,
    create_graph: bool,
) -> tuple[Any, Any]:
    """The same by tangents that are carried forward."""
    in_tuple, given = as_tuple(inputs, "inputs", "jvp")
    with enable_grad(), dual_level() as level:
        tangents = vector_for(v, given, in_tuple, create_graph, "jvp")
        pairs = zip(stand_ins(given, create_graph), tangents, strict=True)
        result = func(*(dual_of(x, tangent, level) for x, tangent in pairs))
        out_tuple, outputs = as_tuple(result, "outputs of the user-provided function", "jvp")
        found = [tangent_of(output, level) for output in outputs]
        filled = [
            output.new_zeros(output.shape) if tangent is None else tangent
            for output, tangent in zip(outputs, found, strict=True)
        ]
        outputs = tuple(without_tangent(output, level) for output in outputs)
    return (
        as_given(outputs, out_tuple, create_graph),
        as_given(filled, out_tuple, create_graph),
    )


def _linear_pullback(outputs: Tensors, inputs: Tensors) -> tuple[list[Any], Tensors]:
    """v^T J, recorded as a function of v; and v."""
    v = tuple(output.detach().new_zeros(output.shape, requires_grad=True) for output in outputs)
    return _gradients(outputs, inputs, v, create_graph=True), v


# --- whole Jacobians and Hessians -----------------------------------------------------------

_STRATEGIES = ("reverse-mode", "forward-mode")


def jacobian(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    strategy: str = "reverse-mode",
) -> Any:
    """The Jacobian of `func(*inputs)`: for an output of shape S and an input of shape T, (*S, *T).

    Tuples of outputs give a tuple of rows, tuples of inputs make each row a tuple.
    strategy: "reverse-mode" takes one backward for each element of the outputs, "forward-mode" one
        for each element of the inputs, through the graph of the first.
    create_graph, strict: as in `vjp`.

    PyTorch differs: vectorize=True gives the same without vmap; "forward-mode" needs no vectorize
    and may be differentiated.

        >>> minigrad.autograd.functional.jacobian(lambda x: x ** 2, minigrad.tensor([1.0, 3.0]))
        tensor([[2., 0.],
                [0., 6.]])
    """
    if strategy not in _STRATEGIES:
        raise AssertionError(f"Expected strategy to be one of {_STRATEGIES}, got {strategy!r}")
    if strict and (vectorize or strategy == "forward-mode"):
        raise RuntimeError(
            f"jacobian: strict=True is not supported together with vectorize=True or "
            f"strategy='forward-mode', got vectorize={vectorize}, strategy={strategy!r}"
        )
    with enable_grad():
        in_tuple, given, out_tuple, outputs = _evaluated(
            func, inputs, create_graph, strict, "jacobian"
        )
        if strategy == "reverse-mode":
            rows = [
                _rows(output, i, given, create_graph, strict) for i, output in enumerate(outputs)
            ]
        else:
            rows = _columns(outputs, given, create_graph)
    found = tuple(as_given(row, in_tuple, create_graph) for row in rows)
    return found if out_tuple else found[0]


def _rows(
    output: Any, position: int, inputs: Tensors, create_graph: bool, strict: bool
) -> list[Any]:
    """The Jacobians of one output, one backward for each of its elements."""
    what = f"Output {position} of the user-provided function"
    rows = [
        _filled(
            _gradients((output,), inputs, (start,), create_graph),
            inputs,
            what,
            strict,
            create_graph,
        )
        for start in basis(output)
    ]
    return [
        stacked([row[i] for row in rows], input).reshape((*output.shape, *input.shape))
        for i, input in enumerate(inputs)
    ]


def _columns(outputs: Tensors, inputs: Tensors, create_graph: bool) -> list[list[Any]]:
    """The Jacobians of all outputs, one backward for each element of the inputs."""
    pulled, v = _linear_pullback(outputs, inputs)
    blocks: list[list[Any]] = [[] for _ in outputs]
    for pull, input in zip(pulled, inputs, strict=True):
        columns = [
            _filled(
                _gradients((pull,), v, (start,), create_graph), outputs, "", False, create_graph
            )
            for start in basis(input)
        ]
        for i, output in enumerate(outputs):
            flat = stacked([column[i].reshape(-1) for column in columns], output.reshape(-1))
            blocks[i].append(flat.mT.reshape((*output.shape, *input.shape)))
    return blocks


def stacked(rows: list[Tensor], like: Tensor) -> Tensor:
    """The rows as one tensor, also if there are none."""
    return stack(rows) if rows else like.new_zeros(0, *like.shape)


def hessian(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    create_graph: bool = False,
    strict: bool = False,
    vectorize: bool = False,
    outer_jacobian_strategy: str = "reverse-mode",
) -> Any:
    """The Hessian of a function that gives one element: for inputs of shapes S and T, (*S, *T).

    A tuple of inputs gives a tuple of tuples.  The other arguments are those of `jacobian`.

        >>> minigrad.autograd.functional.hessian(lambda x: (x ** 3).sum(), minigrad.tensor([1.0]))
        tensor([[6.]])
    """
    is_tuple, _ = as_tuple(inputs, "inputs", "hessian")

    def gradient(*given: Any) -> Any:
        with enable_grad():
            output = _single(func(*given), "hessian")
            if strict:
                _require_differentiable([output], "Output")
            found = _gradients((output,), given, (output.new_ones(output.shape),), True)
            if strict:
                _require_differentiable(found, "The jacobian with respect to input")
            slopes = _filled(found, given, "", False, False)
        return tuple(slopes) if is_tuple else slopes[0]

    return jacobian(gradient, inputs, create_graph, strict, vectorize, outer_jacobian_strategy)


def _single(result: Any, name: str) -> Tensor:
    """The one element that a function to be differentiated twice must give."""
    is_tuple, outputs = as_tuple(result, "outputs of the user-provided function", name)
    if is_tuple:
        raise RuntimeError(f"The function given to {name} should return a single Tensor")
    if outputs[0].numel() != 1:
        raise RuntimeError(
            f"The Tensor returned by the function given to {name} should contain a single element, "
            f"but its shape is {list(outputs[0].shape)}"
        )
    output: Tensor = outputs[0]
    return output


def vhp(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output of a function that gives one element, and v^T H with its Hessian.

    v: tensors shaped as the inputs; may be left out for one input of one element.
    create_graph, strict: as in `vjp`.
    """
    return _hessian_product("vhp", func, inputs, v, create_graph, strict)


def hvp(
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None = None,
    create_graph: bool = False,
    strict: bool = False,
) -> tuple[Any, Any]:
    """The output of a function that gives one element, and H v with its Hessian.

    As the Hessian is symmetric this is `vhp`, at the cost of two backwards.
    """
    return _hessian_product("hvp", func, inputs, v, create_graph, strict)


def _hessian_product(
    name: str,
    func: Callable[..., Any],
    inputs: TensorOrTuple,
    v: TensorOrTuple | None,
    create_graph: bool,
    strict: bool,
) -> tuple[Any, Any]:
    with enable_grad():
        in_tuple, given = as_tuple(inputs, "inputs", name)
        vector = vector_for(v, given, in_tuple, create_graph, name)
        _, given, _, outputs = _evaluated(
            lambda *given: _single(func(*given), name), inputs, create_graph, strict, name
        )
        slopes = _gradients(outputs, given, (outputs[0].new_ones(outputs[0].shape),), True)
        if strict:
            _require_differentiable(slopes, "The jacobian with respect to input")
    with set_grad_enabled(create_graph or is_grad_enabled()):
        found = _gradients(slopes, given, vector, create_graph)
        found = _filled(found, given, "The jacobian of the function", strict, create_graph)
    return outputs[0] if create_graph else outputs[0].detach(), as_given(
        found, in_tuple, create_graph
    )


__all__ = [
    "hessian",
    "hvp",
    "jacobian",
    "jvp",
    "vhp",
    "vjp",
]

show_public_names(__name__)
