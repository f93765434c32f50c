"""Sums of products over named dimensions: each pair of operands is one batched matrix product."""

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

from minigrad.engine.graph import V, Value
from minigrad.engine.overrides import overridable
from minigrad.ops.linalg.matmul import matmul
from minigrad.ops.shape.diagonal import diagonal

# A dimension's name: 0 ... 51 for letters and sublists, negative ones for those of an ellipsis,
# counted from the last, -1.
Label = int
ELLIPSIS = "..."
LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class Labelled(NamedTuple):
    """A tensor and the names of its dimensions."""

    tensor: Any
    labels: tuple[Label, ...]


@overridable
def einsum(*args: Any) -> Any:
    """Sums of products by Einstein's notation: `einsum("bij,bjk->bik", a, b)`.

    A letter names a dimension; one that is not in the output is summed over, one that occurs twice
    in an operand takes its diagonal.  `...` stands for dimensions that broadcast.  Without `->` the
    output has the letters that occur once, in alphabetical order.  Also in torch's other form:
    `einsum(a, [0, 1], b, [1, 2], [0, 2])`.

    More than two operands are contracted in pairs, first the pair with the smallest result.
    Raises RuntimeError for equations and operands that do not fit.

        >>> minigrad.einsum("ij,j->i", minigrad.eye(2), minigrad.ones(2))
        tensor([1., 1.])
    """
    if len(args) == 3 and type(args[0]) is str and all(isinstance(x, Value) for x in args[1:]):
        _, a, b = args
        if (plan := _plan_of_two(args[0], tuple(a.shape), tuple(b.shape))) is not None:
            return plan.run(a, b)
    operands, inputs, output = _parsed(args)
    for i, operand in enumerate(operands):
        if not isinstance(operand, Value):
            raise TypeError(f"einsum(): operand {i} must be Tensor, not {type(operand).__name__}")
    if len(operands) != len(inputs):
        relation = "fewer" if len(operands) < len(inputs) else "more"
        raise RuntimeError(
            f"einsum(): {relation} operands were provided than specified in the equation: "
            f"{len(operands)} operands, {len(inputs)} in the equation"
        )
    labelled = [
        Labelled(tensor, _labels(i, tensor.shape, terms))
        for i, (tensor, terms) in enumerate(zip(operands, inputs, strict=True))
    ]
    return contract(labelled, _output_labels(inputs, output, labelled))


# --- two operands ---------------------------------------------------------------------------

Order = tuple[int, ...] | None  # of dimensions; None if they stay
Shape = tuple[int, ...]


class ProductPlan(NamedTuple):
    """An equation of two operands as a product of matrices: orders of dimensions, and shapes."""

    left: tuple[Order, Shape]
    right: tuple[Order, Shape]
    result: tuple[Shape, Order]
    is_elementwise: bool = False
    """Whether both are (..., k), each row of one for a row of the other: products, and sums."""

    def run(self, a: Any, b: Any) -> Any:
        """The product."""
        left, right = _arranged(a, *self.left), _arranged(b, *self.right)
        if self.is_elementwise:
            return (left * right).sum(-1)
        product = matmul(left, right)
        shape, order = self.result
        if product.array.shape != shape:
            product = product.reshape(shape)
        return product if order is None else product.permute(*order)


def _arranged(tensor: Any, order: Order, shape: Shape) -> Any:
    if order is not None:
        tensor = tensor.permute(*order)
    return tensor if tensor.array.shape == shape else tensor.reshape(shape)


class _Sized(NamedTuple):
    """What is known of an operand before it is there."""

    shape: Shape


@lru_cache(1024)
def _plan_of_two(equation: str, first: Shape, second: Shape) -> ProductPlan | None:
    """The plan of the most frequent equations: labels once in an operand, and one in both summed.

    None for others, and for equations that are wrong.
    """
    left, arrow, right = equation.partition("->")
    parts = left.split(",")
    if len(parts) != 2:
        return None
    inputs = [_terms(part, f"operand {i}") for i, part in enumerate(parts)]
    operands = [
        Labelled(_Sized(shape), _labels(i, shape, terms))
        for i, (shape, terms) in enumerate(zip((first, second), inputs, strict=True))
    ]
    output = _output_labels(inputs, _terms(right, "the output") if arrow else None, operands)
    sizes = _sizes(operands)
    a, b = (operand.labels for operand in operands)
    shared = [label for label in a if label in b and label not in output]
    once = all(len(set(labels)) == len(labels) for labels in (a, b))
    whole = all(tuple(sizes[n] for n in labels) == x.shape for x, labels in operands)
    alone = {*a, *b} - {*output, *shared}
    if not (shared and once and whole) or alone or not {*output} <= {*a, *b}:
        return None
    batch = [label for label in a if label in b and label in output]
    rows, columns = (
        [label for label in own if label not in other] for own, other in ((a, b), (b, a))
    )
    labels = (*batch, *rows, *columns)

    def arranged(own: tuple[Label, ...], *groups: list[Label]) -> tuple[Order, Shape]:
        order = tuple(own.index(label) for group in (batch, *groups) for label in group)
        shape = [math.prod(sizes[label] for label in group) for group in groups]
        return _unless_sorted(order), (*(sizes[label] for label in batch), *shape)

    order = tuple(labels.index(label) for label in output)
    if batch and not (rows or columns) and order == tuple(range(len(order))):
        return ProductPlan(arranged(a, shared), arranged(b, shared), ((), None), True)
    return ProductPlan(
        arranged(a, rows, shared),
        arranged(b, shared, columns),
        (tuple(sizes[label] for label in labels), _unless_sorted(order)),
    )


def _unless_sorted(order: tuple[int, ...]) -> Order:
    return None if list(order) == sorted(order) else order


# --- reading the equation -------------------------------------------------------------------


def _parsed(args: tuple[Any, ...]) -> tuple[list[Any], list[list[Any]], list[Any] | None]:
    """Operands, their terms (labels and ELLIPSIS), and the output's terms if they are given."""
    if not args:
        raise ValueError("einsum(): must specify the equation string and at least one operand")
    if isinstance(args[0], str):
        equation, *operands = args
        if len(operands) == 1 and isinstance(operands[0], list | tuple):
            operands = list(operands[0])
        if not operands:
            raise ValueError("einsum(): must provide at least one operand")
        left, arrow, right = equation.partition("->")
        terms = [_terms(part, f"operand {i}") for i, part in enumerate(left.split(","))]
        return operands, terms, _terms(right, "the output") if arrow else None
    operands, sublists = list(args[0 : len(args) - 1 : 2]), [_sublist(s) for s in args[1::2]]
    return operands, sublists, _sublist(args[-1]) if len(args) % 2 else None


def _terms(part: str, whose: str) -> list[Any]:
    found: list[Any] = []
    rest = part.replace(" ", "")
    while rest:
        if rest.startswith(ELLIPSIS):
            found.append(ELLIPSIS)
            rest = rest[len(ELLIPSIS) :]
            continue
        if rest[0] == ".":
            raise RuntimeError(
                f"einsum(): found '.' for {whose} that is not part of any ellipsis, in {part!r}"
            )
        if rest[0] not in LETTERS:
            raise RuntimeError(
                f"einsum(): invalid subscript {rest[0]!r} for {whose}, subscripts must be in "
                f"[a-zA-Z]"
            )
        found.append(LETTERS.index(rest[0]))
        rest = rest[1:]
    _require_one_ellipsis(found, whose)
    return found


def _sublist(given: Any) -> list[Any]:
    if not isinstance(given, list | tuple):
        raise TypeError(
            f"einsum(): expected a list of subscripts after each operand, got "
            f"{type(given).__name__}"
        )
    found = [ELLIPSIS if label is Ellipsis else label for label in given]
    for label in found:
        if label != ELLIPSIS and not (isinstance(label, int) and 0 <= label < len(LETTERS)):
            raise ValueError(
                f"einsum(): not all subscripts are in the range [0, 52): got {label!r}"
            )
    _require_one_ellipsis(found, "a sublist")
    return found


def _require_one_ellipsis(terms: list[Any], whose: str) -> None:
    if terms.count(ELLIPSIS) > 1:
        raise RuntimeError(
            f"einsum(): found '.' for {whose} for which an ellipsis was already found"
        )


def _labels(position: int, shape: tuple[int, ...], terms: list[Any]) -> tuple[Label, ...]:
    """One label for each dimension of an operand."""
    hidden = len(shape) - (len(terms) - terms.count(ELLIPSIS))
    if hidden < 0 or (hidden and ELLIPSIS not in terms):
        none = "" if ELLIPSIS in terms else " and no ellipsis was given"
        raise RuntimeError(
            f"einsum(): the number of subscripts in the equation "
            f"({len(terms) - terms.count(ELLIPSIS)}) does not match the number of dimensions "
            f"({len(shape)}) for operand {position}{none}"
        )
    return _without_ellipsis(terms, hidden)


def _without_ellipsis(terms: Sequence[Any], hidden: int) -> tuple[Label, ...]:
    spread = [range(-hidden, 0) if term == ELLIPSIS else (term,) for term in terms]
    return tuple(itertools.chain.from_iterable(spread))


def _output_labels(
    inputs: list[list[Any]], output: list[Any] | None, operands: list[Labelled]
) -> tuple[Label, ...]:
    present = [label for operand in operands for label in operand.labels]
    hidden = -min([0, *present])
    if output is None:
        written = [term for terms in inputs for term in terms if term != ELLIPSIS]
        once = sorted(label for label in set(written) if written.count(label) == 1)
        return (*range(-hidden, 0), *once)
    for label in output:
        name = label if label == ELLIPSIS else LETTERS[label]
        if output.count(label) > 1:
            raise RuntimeError(f"einsum(): output subscript {name} appears more than once")
        if label != ELLIPSIS and label not in present:
            raise RuntimeError(
                f"einsum(): output subscript {name} does not appear in the equation for any input "
                f"operand"
            )
    return _without_ellipsis(output, hidden)


# --- contracting ----------------------------------------------------------------------------


def contract(operands: Sequence[Labelled], output: tuple[Label, ...]) -> Any:
    """The product of all operands, summed over the labels that are not in the output.

    Sizes of one label are equal, or 1.
    """
    sizes = _sizes(operands)
    left = [_reduced(operand, sizes) for operand in operands]
    while len(left) > 1:
        i, j = min(_pairs(left, output), key=lambda pair: _growth(left, output, sizes, *pair))
        b, a = left.pop(j), left.pop(i)
        left.append(_pair(a, b, _needed([*left], output), sizes))
    tensor, labels = _summed(left[0], set(output))
    missing = [label for label in output if label not in labels]  # all its sizes were 1
    for _ in missing:
        tensor = tensor.unsqueeze(-1)
    labels += tuple(missing)
    order = [labels.index(label) for label in output]
    return tensor if order == sorted(order) else tensor.permute(*order)


def _sizes(operands: Sequence[Labelled]) -> dict[Label, int]:
    sizes: dict[Label, int] = {}
    for i, (tensor, labels) in enumerate(operands):
        for label, size in zip(labels, tensor.shape, strict=True):
            seen = sizes.setdefault(label, size)
            if size != seen and 1 not in (size, seen):
                name = LETTERS[label] if label >= 0 else ELLIPSIS
                raise RuntimeError(
                    f"einsum(): subscript {name} has size {size} for operand {i} which does not "
                    f"broadcast with previously seen size {seen}"
                )
            if seen == 1:
                sizes[label] = size
    return sizes


def _reduced(operand: Labelled, sizes: dict[Label, int]) -> Labelled:
    """Every label once, and only where the operand varies along it."""
    tensor, labels = operand
    for label in set(labels):
        while labels.count(label) > 1:
            tensor, labels = _diagonal(tensor, labels, label)
    constant = [i for i, label in enumerate(labels) if tensor.shape[i] == 1 and sizes[label] != 1]
    if constant:
        tensor = tensor.squeeze(tuple(constant))
        labels = tuple(label for i, label in enumerate(labels) if i not in constant)
    return Labelled(tensor, labels)


def _diagonal(tensor: V, labels: tuple[Label, ...], label: Label) -> Labelled:
    """The diagonal of the first two dimensions of this label, as one dimension at the end."""
    first = labels.index(label)
    second = labels.index(label, first + 1)
    if tensor.shape[first] != tensor.shape[second]:
        raise RuntimeError(
            f"einsum(): a repeated subscript names dimensions of different sizes, in an operand of "
            f"shape {list(tensor.shape)}"
        )
    others = [each for i, each in enumerate(labels) if i not in (first, second)]
    return Labelled(diagonal(tensor, dim1=first, dim2=second), (*others, label))


def _needed(others: Sequence[Labelled], output: tuple[Label, ...]) -> set[Label]:
    return {*output, *itertools.chain.from_iterable(operand.labels for operand in others)}


def _pairs(left: list[Labelled], output: tuple[Label, ...]) -> Iterator[tuple[int, int]]:
    return itertools.combinations(range(len(left)), 2)


def _growth(
    left: list[Labelled], output: tuple[Label, ...], sizes: dict[Label, int], i: int, j: int
) -> tuple[int, int]:
    """The growth in elements by contracting this pair, and the number of multiplications."""
    others = [operand for k, operand in enumerate(left) if k not in (i, j)]
    needed = _needed(others, output)
    result = {*left[i].labels, *left[j].labels} & needed

    def count(labels: Any) -> int:
        return math.prod(sizes[label] for label in labels)

    before = count(left[i].labels) + count(left[j].labels)
    return count(result) - before, count({*left[i].labels, *left[j].labels})


def _summed(operand: Labelled, needed: set[Label]) -> Labelled:
    """The operand summed over the labels that are not needed."""
    tensor, labels = operand
    dims = tuple(i for i, label in enumerate(labels) if label not in needed)
    if not dims:
        return operand
    kept = tuple(label for label in labels if label in needed)
    return Labelled(tensor.sum(dim=dims).to(tensor.dtype), kept)


def _pair(a: Labelled, b: Labelled, needed: set[Label], sizes: dict[Label, int]) -> Labelled:
    """Two operands made one: a product of matrices where labels are summed over, else elementwise.

    Labels are batch (in both, needed), shared (in both, summed over), or rows and columns (in one).
    """
    a, b = _summed(a, needed | set(b.labels)), _summed(b, needed | set(a.labels))
    both = [label for label in a.labels if label in b.labels]
    batch = [label for label in both if label in needed]
    shared = [label for label in both if label not in needed]
    rows = [label for label in a.labels if label not in both]
    columns = [label for label in b.labels if label not in both]
    labels = (*batch, *rows, *columns)
    if not shared:
        left = _grouped(a, [[label] for label in (*batch, *rows)], sizes)
        for _ in columns:
            left = left.unsqueeze(-1)
        spread = tuple(sizes[label] for label in batch) + (1,) * len(rows)
        right = _grouped(b, [[label] for label in (*batch, *columns)], sizes)
        right = right.reshape((*spread, *(sizes[label] for label in columns)))
        return Labelled(left * right, labels)
    groups = [batch] if batch else []
    product = matmul(
        _grouped(a, [*groups, rows, shared], sizes), _grouped(b, [*groups, shared, columns], sizes)
    )
    return Labelled(product.reshape([sizes[label] for label in labels]), labels)


def _grouped(operand: Labelled, groups: list[list[Label]], sizes: dict[Label, int]) -> Any:
    """The tensor with its labels in this order, each group as one dimension."""
    tensor, labels = operand
    order = [labels.index(label) for group in groups for label in group]
    if order != sorted(order):
        tensor = tensor.permute(*order)
    if all(len(group) == 1 for group in groups):
        return tensor
    return tensor.reshape([math.prod(sizes[label] for label in group) for group in groups])
