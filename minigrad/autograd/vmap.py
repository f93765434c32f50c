"""`vmap`: a function of one example turned into a function of a batch."""

import functools
from collections.abc import Callable
from typing import Any

from minigrad.autograd import trees
from minigrad.ops import stack
from minigrad.ops.generator import default_generator
from minigrad.tensor import Tensor

_RANDOMNESS = ("error", "different", "same")


def vmap(
    func: Callable[..., Any],
    in_dims: Any = 0,
    out_dims: Any = 0,
    randomness: str = "error",
    *,
    chunk_size: int | None = None,
) -> Callable[..., Any]:
    """A function that calls `func` for every index along a dimension of its arguments.

    in_dims: the dimension that is mapped over: an int for all arguments; or a tuple with an entry
        for each, in which None hands an argument on whole, and a structure like the argument's has
        an entry for each of its tensors.  Keyword arguments are handed on whole.
    out_dims: where the dimension goes in the outputs: an int, or a structure like the outputs'.
    randomness: "different" draws new numbers for each index, "same" draws the same, "error" raises
        RuntimeError if anything is drawn.
    chunk_size: the number of calls at once; here each is made alone, so it changes nothing.

    PyTorch differs: it runs the function once, on whole batches; here it runs once for each index,
    which gives the same and is no faster than a loop.  An empty batch is refused.

        >>> minigrad.func.vmap(minigrad.dot)(minigrad.ones(2, 3), minigrad.ones(2, 3))
        tensor([3., 3.])
    """
    if randomness not in _RANDOMNESS:
        raise RuntimeError(
            f"Only allowed values for randomness are 'error', 'different', or 'same'. Got "
            f"{randomness}"
        )
    if chunk_size is not None and chunk_size <= 0:
        raise ValueError(f"vmap: chunk_size should be None or greater than 0. (got {chunk_size})")

    @functools.wraps(func)
    def batched(*args: Any, **settings: Any) -> Any:
        tensors, dims = _with_dims(args, in_dims)
        results = []
        before = default_generator.get_state()
        for i in range(_batch_size(tensors, dims)):
            if randomness == "same":
                default_generator.set_state(before)
            here = trees.rebuilt(args, _slices(tensors, dims, i))
            results.append(func(*here, **settings))
        if randomness == "error" and (before != default_generator.get_state()).any():
            raise RuntimeError(
                "vmap: called random operation while in randomness error mode. Please either use "
                "the 'same' or 'different' randomness flags on vmap or perform the randomness "
                "operation out of vmap"
            )
        return _stacked(results, out_dims)

    return batched


def _with_dims(args: tuple[Any, ...], in_dims: Any) -> tuple[list[Any], list[Any]]:
    """The leaves of the arguments, and for each the dimension that is mapped over, or None."""
    if not isinstance(in_dims, int | tuple | list):
        raise ValueError(
            f"vmap: Got in_dims={in_dims!r}, expected an int or a tuple with an entry for each "
            f"input"
        )
    spread = (in_dims,) * len(args) if isinstance(in_dims, int) else tuple(in_dims)
    if len(spread) != len(args):
        raise ValueError(
            f"vmap: in_dims={in_dims} has {len(spread)} entries, but the function was called with "
            f"{len(args)} inputs"
        )
    dims: list[Any] = []
    for arg, dim in zip(args, spread, strict=True):
        leaves = _dims_of(arg, dim)
        dims.extend(leaves)
    return trees.leaves(args), dims


def _dims_of(arg: Any, dim: Any) -> list[Any]:
    leaves = trees.leaves(arg)
    if dim is None or isinstance(dim, int):
        for each in leaves:
            _require_tensor(each, dim)
        return [dim] * len(leaves)
    if not trees.alike(arg, dim):
        raise ValueError(
            f"vmap: in_dims has the entry {dim!r}, whose structure is not that of its input"
        )
    return trees.leaves(dim)


def _require_tensor(given: Any, dim: int | None) -> None:
    if dim is not None and not isinstance(given, Tensor):
        raise ValueError(
            f"vmap: Got in_dim={dim} for an input of type {type(given).__name__}, expected a "
            f"Tensor; use None as its in_dim"
        )


def _batch_size(tensors: list[Any], dims: list[Any]) -> int:
    sizes = []
    for tensor, dim in zip(tensors, dims, strict=True):
        if dim is None:
            continue
        if not -tensor.ndim <= dim < tensor.ndim:
            raise ValueError(
                f"vmap: Got in_dim={dim} for an input of shape {list(tensor.shape)}, which has no "
                f"such dimension"
            )
        sizes.append(tensor.shape[dim])
    if not sizes:
        raise ValueError("vmap: at least one input must be a Tensor that is mapped over")
    if len(set(sizes)) > 1:
        raise ValueError(
            f"vmap: Expected all tensors to have the same size in the mapped dimension, got sizes "
            f"{sizes} for the mapped dimension"
        )
    if sizes[0] == 0:
        raise ValueError("vmap: the mapped dimension has size 0, so the result is unknown")
    return int(sizes[0])


def _slices(tensors: list[Any], dims: list[Any], i: int) -> list[Any]:
    pairs = zip(tensors, dims, strict=True)
    return [tensor if dim is None else tensor.select(dim, i) for tensor, dim in pairs]


def _stacked(results: list[Any], out_dims: Any) -> Any:
    first = results[0]
    for leaf in trees.leaves(first):
        if not isinstance(leaf, Tensor):
            raise ValueError(
                f"vmap: the function must only return Tensors, got type {type(leaf).__name__}"
            )
    if isinstance(out_dims, int):
        return trees.mapped(lambda *each: stack(each, out_dims), *results)
    if not trees.alike(first, out_dims):
        raise ValueError(
            f"vmap: out_dims={out_dims!r} has not the structure of the function's outputs"
        )
    return trees.mapped(lambda dim, *each: stack(each, dim), out_dims, *results)
