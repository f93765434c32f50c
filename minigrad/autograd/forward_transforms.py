"""Transforms of functions along tangents: products of the Jacobian with vectors (torch.func).

`jvp` carries tangents forward.  `linearize` and `jacfwd` evaluate the function once, record its
pullback, and differentiate that: with several tangents it costs less.
"""

import functools
from collections.abc import Iterable
from typing import Any

from minigrad.autograd import trees
from minigrad.autograd.differentiate import grad as gradients
from minigrad.autograd.forward_ad import dual_of
from minigrad.autograd.functional import basis, stacked
from minigrad.autograd.transforms import Function, Run, grad, jacrev, run_at, split_aux, tensors_in
from minigrad.engine.forward_mode import dual_level, tangent_of, without_tangent
from minigrad.engine.grad_mode import enable_grad, is_grad_enabled
from minigrad.tensor import Tensor


def jvp(
    func: Function, primals: Any, tangents: Any, *, strict: bool = False, has_aux: bool = False
) -> tuple[Any, ...]:
    """The outputs of `func(*primals)`, and their derivative along `tangents`, shaped as primals.

    strict: raise RuntimeError if an output does not depend on the primals, rather than give zeros.
    has_aux: `func` returns (output, aux), and jvp (output, derivative, aux).

        >>> x = minigrad.tensor([3.0])
        >>> minigrad.func.jvp(lambda x: x ** 2, (x,), (minigrad.tensor([1.0]),))
        (tensor([9.]), tensor([6.]))
    """
    for name, given in (("primals", primals), ("tangents", tangents)):
        if not isinstance(given, tuple):
            raise RuntimeError(
                f"jvp(f, primals, tangents): Expected {name} to be a tuple, got "
                f"{type(given).__name__}. E.g. it should be valid to call f(*primals)."
            )
    if not trees.alike(primals, tangents):
        raise RuntimeError(
            "jvp(f, primals, tangents): Expected primals and tangents to have the same python "
            "structure"
        )
    _require_directions("jvp(f, primals, tangents)", trees.leaves(primals), trees.leaves(tangents))
    with dual_level() as level:
        duals = trees.mapped(lambda p, t: dual_of(p, t, level), primals, tangents)
        result, aux = split_aux(func(*duals), has_aux)
        outputs = tensors_in(result)
        found = [tangent_of(output, level) for output in outputs]
        if strict and any(tangent is None for tangent in found):
            raise RuntimeError(
                "jvp(f, primals, tangents, strict=True): The output of f is independent of the "
                "inputs. This is not allowed with strict=True."
            )
        primal_of = functools.partial(_primal_of, level)
        output, aux = trees.mapped(primal_of, result), trees.mapped(primal_of, aux)
    filled = [o.new_zeros(o.shape) if t is None else t for o, t in zip(outputs, found, strict=True)]
    along = trees.rebuilt(result, filled)
    return (output, along, aux) if has_aux else (output, along)


def _primal_of(level: int, leaf: Any) -> Any:
    return without_tangent(leaf, level) if isinstance(leaf, Tensor) else leaf


def _require_directions(call: str, primals: list[Any], directions: list[Any]) -> None:
    """Raise RuntimeError unless both are tensors of the same shapes."""
    if not primals:
        raise RuntimeError(f"{call}: Expected primals to contain at least one Tensor.")
    for what, given in (("primals", primals), ("tangents", directions)):
        for each in given:
            if not isinstance(each, Tensor):
                raise RuntimeError(
                    f"{call}: Expected {what} to only contain Tensors, got {type(each)}"
                )
    for i, (primal, direction) in enumerate(zip(primals, directions, strict=True)):
        if primal.shape != direction.shape:
            raise RuntimeError(
                f"{call}: tangent:{i} with shape {list(direction.shape)} doesn't match the shape "
                f"{list(primal.shape)} of the corresponding primal"
            )


def linearize(func: Function, *primals: Any) -> tuple[Any, Function]:
    """`func(*primals)`, and the function that maps tangents to the derivative along them.

    The function is evaluated once; each call of the other costs one backward.

        >>> output, along = minigrad.func.linearize(lambda x: x ** 2, minigrad.tensor([3.0]))
        >>> along(minigrad.tensor([1.0]))
        tensor([6.])
    """
    run = Run(func, primals, primals, False)
    run.evaluate(run.chosen, {})
    v, pulled = _linear_pullback(run)

    def along(*tangents: Any) -> Any:
        if not trees.alike(tangents, run.chosen):
            raise RuntimeError("Expected the tangents to have the same argspec as the primals")
        directions = trees.leaves(tangents)
        _require_directions("linearize", run.inputs, directions)
        needed = run.create_graph or any(d.requires_grad for d in directions)
        record = is_grad_enabled() and needed
        return trees.rebuilt(run.output, _through(v, pulled, directions, record))

    return run.released(run.output), along


def _linear_pullback(run: Run) -> tuple[list[Any], list[Any]]:
    """Cotangents v, and the gradients recorded as functions of them."""
    with enable_grad():
        v = [out.detach().new_zeros(out.shape, requires_grad=True) for out in run.outputs]
        return v, run.pulled_back(v, create_graph=True)


def _through(v: list[Any], pulled: list[Any], starts: Iterable[Any], record: bool) -> list[Any]:
    """The gradient with respect to v: the Jacobian times the starts."""
    pairs = [(p, start) for p, start in zip(pulled, starts, strict=True) if p.requires_grad]
    if not pairs:
        return [each.detach() * 0 for each in v]
    roots, given = zip(*pairs, strict=True)
    return list(
        gradients(roots, v, given, retain_graph=True, create_graph=record, materialize_grads=True)
    )


# --- Jacobians ---------------------------------------------------------------------------


def jacfwd(
    func: Function, argnums: Any = 0, has_aux: bool = False, *, randomness: str = "error"
) -> Function:
    """As `jacrev`, with one backward for each element of the arguments: for functions with few.

    randomness: of vmap; here `func` is called once, so every choice is the same.

    PyTorch differs: it carries all tangents forward at once; here the function is evaluated once,
    as in `linearize`.
    """
    if randomness not in ("error", "different", "same"):
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )

    @functools.wraps(func)
    def transformed(*args: Any, **settings: Any) -> Any:
        run = run_at(func, args, settings, argnums, has_aux)
        v, pulled = _linear_pullback(run)
        zeros = [x.detach().new_zeros(x.shape) for x in run.inputs]
        blocks: list[list[Any]] = [[] for _ in run.outputs]
        for position, x in enumerate(run.inputs):
            columns = [
                _through(
                    v, pulled, [*zeros[:position], start, *zeros[position + 1 :]], run.create_graph
                )
                for start in basis(x)
            ]
            for i, output in enumerate(run.outputs):
                flat = [column[i].reshape(-1) for column in columns]
                rows = stacked(flat, output.detach().reshape(-1)).mT
                blocks[i].append(rows.reshape((*output.shape, *x.shape)))
        trees_of_blocks = [trees.rebuilt(run.chosen, block) for block in blocks]
        return run.with_aux(trees.rebuilt(run.output, trees_of_blocks))

    return transformed


def hessian(func: Function, argnums: Any = 0) -> Function:
    """A function that gives the Hessian of `func`: `jacfwd(jacrev(func))`.

    >>> minigrad.func.hessian(lambda x: (x ** 3).sum())(minigrad.tensor([1.0, 2.0]))
    tensor([[ 6.,  0.],
            [ 0., 12.]])
    """
    return jacfwd(jacrev(func, argnums), argnums)


def hvp(func: Function, primals: Any, tangents: Any) -> Any:
    """The Hessian of `func`, which returns a 0-d tensor, times `tangents`: without the Hessian.

    primals and tangents are tuples of the same structure; so is the product, or a single one.
    """
    positions = tuple(range(len(primals))) if isinstance(primals, tuple) else 0
    return jvp(grad(func, positions), primals, tangents)[1]
