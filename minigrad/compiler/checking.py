"""The first replay is checked: from the same state it must give the bits that the step itself gave.

Everything that a recording could have missed ends here: memory that was changed unseen, numbers
that depend on something unrecorded, random numbers drawn in another order.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.checking_state import State
from minigrad.compiler.plan import Plan
from minigrad.compiler.recording import Recording
from minigrad.compiler.region import RegionNode
from minigrad.compiler.results import tensors_in
from minigrad.compiler.tape import Entry, digest, same_bits

_DIFFERS = "in a replay {} is not what it is in the step itself"


def check(plan: Plan, recording: Recording, before: State) -> None:
    """Replay the step that was recorded from the state before it, and compare.

    Everything is in the end as the step has left it.  Raises GraphBreak if a bit differs.
    """
    tape, arguments = recording.tape, recording.arguments
    arrays = [array for array, _ in before.arrays.pairs]
    repeats = [entry for entry in tape.entries if entry.kind == "repeat"]
    after = State(
        arrays, [generator for generator, _ in before.generators],
        [entry.kept[1] for entry in repeats[-1:] if entry.kept[1] is not None],
    )  # fmt: skip
    leaves = [(leaf, first, leaf._grad) for leaf, first in tape.first_grads.values()]
    expected = [tensor.array.copy() for tensor in tensors_in(recording.results.returned)]
    grads = [None if grad is None else _kept(grad, first) for _, first, grad in leaves]
    try:
        before.restore()
        for leaf, first, _ in leaves:
            leaf._grad = first
        comparing = [_comparison(entry, [leaf for leaf, _, _ in leaves]) for entry in repeats]
        returned = plan.run(arguments, tuple(comparing))
        found = [tensor.array for tensor in tensors_in(returned)]
        _compare("a tensor that it returns", found, expected)
        _compare("a gradient", [_array(leaf._grad) for leaf, _, _ in leaves], grads)
        _compare("memory", arrays, [copy for _, copy in after.arrays.pairs])
        _check_backwards(plan, recording, tensors_in(returned))
        now = State([], [generator for generator, _ in before.generators]).generators
        if any(str(a[1]) != str(b[1]) for a, b in zip(now, after.generators, strict=True)):
            raise GraphBreak("a replay draws other random numbers than the step")
    except GraphBreak:
        raise
    except Exception as error:
        raise GraphBreak(f"a replay raises {type(error).__name__}: {error}") from error
    finally:
        after.restore()
        for (leaf, _, last), copy in zip(leaves, grads, strict=True):
            leaf._grad = last
            if last is None or copy is None or copy is last.array:
                continue
            if last.array.flags.writeable:
                np.copyto(last.array, copy)


def _check_backwards(plan: Plan, recording: Recording, returned: Sequence[Any]) -> None:
    """Compare the gradients of each recorded backward."""
    region = recording.region
    if region is None:
        return
    nodes = [t.node for t in returned if t.node is not None]
    nodes = [n if isinstance(n, RegionNode) else n.edges[0] for n in nodes if n.edges]
    saved = next(node.saved for node in nodes if isinstance(node, RegionNode))
    for chosen, replay, expected in zip(region.sets, plan.backwards, region.gradients, strict=True):
        for each in (replay, replay.plain):
            _compare("a gradient", each(saved, [region.arrays[i] for i in chosen]), expected)


def _kept(grad: Any, first: Any) -> np.ndarray:
    """A gradient's array, or a copy of one that a replay may change in place."""
    array: np.ndarray = grad.array
    is_fresh = array.base is None and (first is None or first.array is not array)
    return array if is_fresh else array.copy()


def _array(grad: Any) -> np.ndarray | None:
    return None if grad is None else grad.array


def _compare(
    what: str, found: Sequence[np.ndarray | None], expected: Sequence[np.ndarray | None]
) -> None:
    for a, b in zip(found, expected, strict=True):
        if (a is None) != (b is None) or (a is not None and b is not None and not same_bits(a, b)):
            raise GraphBreak(_DIFFERS.format(what))


def _comparison(entry: Entry, leaves: Sequence[Any]) -> Callable[[Any], None]:
    """What stands in for a call that is repeated whole: what it is given is compared, and what it
    has done is done by copying."""
    expected, after = entry.kept

    def compare(floats: Sequence[float]) -> None:
        found = [_array(leaf._grad) for leaf in leaves[: len(expected)]]
        if [None if array is None else digest(array) for array in found] != expected:
            raise GraphBreak(_DIFFERS.format("a gradient"))
        after.restore()

    return compare
