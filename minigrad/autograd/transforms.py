"""Transforms of functions: gradients, Jacobians and products with vectors (torch.func).

A transform hands the function stand-ins for its arguments and differentiates with respect to them.
Transforms nest, and may stand inside ordinary recorded code: a result is recorded if the function
used, besides the stand-ins, anything that requires gradients.
"""

import functools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from minigrad.autograd import trees
from minigrad.autograd.differentiate import grad as gradients
from minigrad.autograd.functional import basis, stacked
from minigrad.engine.forward_mode import detached
from minigrad.engine.grad_mode import enable_grad, is_grad_enabled
from minigrad.engine.graph import Node, Value
from minigrad.tensor import Tensor

Function = Callable[..., Any]


# --- stand-ins ------------------------------------------------------------------------------


class Run:
    """One evaluation of a function at stand-ins for some of its arguments."""

    def __init__(self, func: Function, args: Sequence[Any], chosen: Any, has_aux: bool) -> None:
        self.recorded_outside = is_grad_enabled()
        self.chosen = trees.mapped(self._stand_in, chosen)
        self.inputs = trees.leaves(self.chosen)
        self.func, self.args, self.has_aux = func, args, has_aux
        self.aux: Any = None
        self.output: Any = None

    def evaluate(self, args: Sequence[Any], settings: dict[str, Any]) -> None:
        """Call the function, and find out if other tensors than the stand-ins take part."""
        with enable_grad():
            result = self.func(*args, **settings)
        result, self.aux = split_aux(result, self.has_aux)
        self.output, self.outputs = result, tensors_in(result)
        others = _reaches_others([*self.outputs, *trees.leaves(self.aux)], self.inputs)
        self.create_graph = self.recorded_outside and others

    def _stand_in(self, given: Any) -> Any:
        if not isinstance(given, Tensor):
            raise ValueError(
                f"the differentiated arguments must be a Tensor, or tensors in tuples, "
                f"lists or dictionaries, got {type(given).__name__}"
            )
        if given.requires_grad and self.recorded_outside:
            return given.view_as(given)
        return detached(given).requires_grad_()

    def pulled_back(
        self, cotangents: Iterable[Any], *, create_graph: bool | None = None
    ) -> list[Any]:
        """The gradients of the outputs at the stand-ins; zeros where there is no dependence."""
        pairs = [
            (output, c)
            for output, c in zip(self.outputs, cotangents, strict=True)
            if output.requires_grad
        ]
        if not pairs:
            return [x.new_zeros(x.shape) for x in self.inputs]
        roots, starts = zip(*pairs, strict=True)
        record = self.create_graph if create_graph is None else create_graph
        return list(
            gradients(
                roots, self.inputs, starts,
                retain_graph=True, create_graph=record, materialize_grads=True,
            )
        )  # fmt: skip

    def released(self, tree: Any) -> Any:
        """The outputs of the transform: in the graph only if other tensors took part."""
        if self.create_graph:
            return tree
        return trees.mapped(lambda t: detached(t) if isinstance(t, Tensor) else t, tree)

    def with_aux(self, result: Any) -> Any:
        """The result of the transform."""
        return (result, self.released(self.aux)) if self.has_aux else result


def split_aux(result: Any, has_aux: bool) -> tuple[Any, Any]:
    """The output and aux of a function.  Raises RuntimeError if it returned no pair."""
    if not has_aux:
        return result, None
    if not (isinstance(result, tuple) and len(result) == 2):
        raise RuntimeError(
            f"with has_aux=True the function must return a tuple (output, aux), got "
            f"{type(result).__name__}"
        )
    return result


def tensors_in(output: Any) -> list[Any]:
    """The leaves of an output.  Raises RuntimeError if one is no tensor."""
    found = trees.leaves(output)
    for each in found:
        if not isinstance(each, Tensor):
            raise RuntimeError(
                f"the function must return tensors, in tuples, lists or dictionaries, but "
                f"returned {type(each).__name__}"
            )
    return found


def _reaches_others(outputs: Iterable[Any], own: Iterable[Any]) -> bool:
    """True if the graph of the outputs ends at leaves other than these."""
    ours = {id(leaf) for leaf in own}
    ends = {id(leaf.node) for leaf in own if leaf.node is not None}
    if ends:  # stand-ins for tensors that are recorded themselves
        return True
    found = [t for t in outputs if isinstance(t, Value) and t.requires_grad]
    todo: list[Any] = [t if t.node is None else t.node for t in found]
    seen: set[int] = set()
    while todo:
        here = todo.pop()
        if id(here) in seen:
            continue
        seen.add(id(here))
        if isinstance(here, Node):
            todo.extend(here.edges)
        elif id(here) not in ours:
            return True
    return False


def run_at(
    func: Function, args: tuple[Any, ...], settings: dict[str, Any], argnums: Any, has_aux: bool
) -> Run:
    """Evaluate with stand-ins at the positions `argnums`."""
    positions = _argument_positions(argnums, len(args))
    chosen = args[positions[0]] if isinstance(argnums, int) else tuple(args[i] for i in positions)
    run = Run(func, args, chosen, has_aux)
    given = list(args)
    for position, value in zip(
        positions, (run.chosen,) if isinstance(argnums, int) else run.chosen, strict=True
    ):
        given[position] = value
    run.evaluate(given, settings)
    return run


def _argument_positions(argnums: Any, count: int) -> list[int]:
    positions = [argnums] if isinstance(argnums, int) else list(argnums)
    if not positions or not all(isinstance(position, int) for position in positions):
        raise RuntimeError(f"argnums must be an int or a non-empty tuple of ints, got {argnums!r}")
    for position in positions:
        if not -count <= position < count:
            raise RuntimeError(
                f"Got argnum={position}, but only {count} positional inputs were given"
            )
    return [position % count for position in positions]


# --- gradients ------------------------------------------------------------------------------


def grad_and_value(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func` at its arguments, and the value: (grad, value).

    The arguments and errors are those of `grad`; with has_aux it gives (grad, (value, aux)).
    """

    @functools.wraps(func)
    def transformed(*args: Any, **settings: Any) -> Any:
        run = run_at(func, args, settings, argnums, has_aux)
        value = run.output
        if not isinstance(value, Tensor):
            raise RuntimeError(
                f"Expected the function to return a tensor, got {type(value).__name__}"
            )
        if value.ndim:
            raise RuntimeError(
                f"Expected the function to return a scalar tensor, got a tensor of shape "
                f"{list(value.shape)}"
            )
        found = trees.rebuilt(run.chosen, run.pulled_back([value.new_ones(())]))
        return found, run.with_aux(run.released(value))

    return transformed


def value_and_grad(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """As `grad_and_value`, in the other order: (value, grad), or ((value, aux), grad)."""
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def transformed(*args: Any, **settings: Any) -> Any:
        found, value = both(*args, **settings)
        return value, found

    return transformed


def grad(func: Function, argnums: Any = 0, has_aux: bool = False) -> Function:
    """A function that gives the gradient of `func`, which returns a 0-d tensor, at its arguments.

    argnums: the positions of the arguments to differentiate with respect to, an int or a tuple.
        They are tensors, or tuples, lists and dictionaries of tensors; so is the gradient.
    has_aux: `func` returns (output, aux), and the new function (gradient, aux).

    Raises RuntimeError if `func` returns anything but a 0-d tensor, ValueError for arguments that
    are no tensors.

        >>> minigrad.func.grad(lambda x: x ** 3)(minigrad.tensor(2.0))
        tensor(12.)
        >>> minigrad.func.grad(minigrad.func.grad(lambda x: x ** 3))(minigrad.tensor(2.0))
        tensor(12.)
    """
    both = grad_and_value(func, argnums, has_aux)

    @functools.wraps(func)
    def transformed(*args: Any, **settings: Any) -> Any:
        found, value = both(*args, **settings)
        return (found, value[1]) if has_aux else found

    return transformed


# --- products with vectors ------------------------------------------------------------------


def vjp(func: Function, *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """The outputs of `func(*primals)`, and the function that maps cotangents of them to those of
    the primals (one, or a tuple); with has_aux also aux.

        >>> output, pull = minigrad.func.vjp(lambda x: x ** 2, minigrad.tensor([3.0]))
        >>> pull(minigrad.tensor([1.0]))
        (tensor([6.]),)
    """
    run = Run(func, primals, primals, has_aux)
    run.evaluate(run.chosen, {})

    def pull(cotangents: Any) -> Any:
        if not trees.alike(cotangents, run.output):
            raise RuntimeError(
                "Expected pytree structure of cotangents to be the same as pytree structure of "
                "outputs to the function"
            )
        given = trees.leaves(cotangents)
        record = is_grad_enabled() and (run.create_graph or any(c.requires_grad for c in given))
        return trees.rebuilt(run.chosen, run.pulled_back(given, create_graph=record))

    output = run.released(run.output)
    return (output, pull, run.released(run.aux)) if has_aux else (output, pull)


# --- Jacobians ------------------------------------------------------------------------------


def jacrev(
    func: Function, argnums: Any = 0, *, has_aux: bool = False, chunk_size: int | None = None
) -> Function:
    """A function that gives the Jacobian of `func`, one backward for each element of its outputs.

    For an output of shape S and an argument of shape T it has shape (*S, *T); for outputs in a
    tuple, list or dictionary it is one like it, each item in the structure of the arguments.
    argnums, has_aux: as in `grad`.  chunk_size: how many rows at once; here each is its own, so it
    changes nothing but must be positive.

        >>> minigrad.func.jacrev(lambda x: x ** 2)(minigrad.tensor([1.0, 3.0]))
        tensor([[2., 0.],
                [0., 6.]])
    """
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"jacrev: `chunk_size` should be greater than 0, got {chunk_size}")

    @functools.wraps(func)
    def transformed(*args: Any, **settings: Any) -> Any:
        run = run_at(func, args, settings, argnums, has_aux)

        def rows_of(position: int) -> Any:
            output = run.outputs[position]
            zeros = [o.detach().new_zeros(o.shape) for o in run.outputs]
            rows = [
                run.pulled_back([*zeros[:position], start, *zeros[position + 1 :]])
                for start in basis(output)
            ]
            blocks = [
                stacked([row[i] for row in rows], x).reshape((*output.shape, *x.shape))
                for i, x in enumerate(run.inputs)
            ]
            return trees.rebuilt(run.chosen, blocks)

        jacobian = trees.rebuilt(run.output, map(rows_of, range(len(run.outputs))))
        return run.with_aux(jacobian)

    return transformed
