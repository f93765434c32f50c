"""Tensor: a Value with torch's methods, each of them listed here."""

from collections.abc import Iterator, Sequence
from typing import Any, Self

import numpy as np

from minigrad import dtypes, ops
from minigrad.array_value import sizes
from minigrad.graph import Value, wrap
from minigrad.mutable_value import MutableValue
from minigrad.walk import backward


class Tensor(MutableValue):
    """An n-dimensional array with a place in the graph.

    Make one with `minigrad.tensor`, `from_numpy`, `zeros`, ...  `array` is the NumPy array beneath,
    whose memory the tensor shares.
    """

    def __init__(self, *data: Any) -> None:
        """`Tensor(data)` copies numbers to the default dtype; `Tensor(2, 3)` is uninitialised."""
        dtype = dtypes.default_numpy()
        if not data or all(isinstance(size, int) for size in data):
            self.array = np.empty(data if data else (0,), dtype)
        elif isinstance(data[0], Tensor):
            self.array = data[0].array
        else:
            self.array = np.array(data[0], dtype)

    @property
    def data(self) -> "Tensor":
        """The same memory outside the graph, changes of which autograd does not notice."""
        return wrap(self.kind, self.array)  # type: ignore[no-any-return]

    @data.setter
    def data(self, new: "Tensor") -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"data must be set to a Tensor, not {type(new).__name__}")
        self.array = new.array
        self._storage = new.storage()

    def __iter__(self) -> Iterator["Tensor"]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __contains__(self, element: Any) -> bool:
        return bool((self == element).any())

    def __reduce__(self) -> tuple[Any, ...]:
        if self.node is not None:
            raise RuntimeError("only leaf tensors can be pickled; detach() this one first")
        return _rebuild, (type(self), self.array, self.requires_grad)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        if self.node is not None:
            raise RuntimeError(
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy "
                "protocol at the moment; detach() this one first"
            )
        copy: Self = _rebuild(type(self), self.array.copy(order="K"), self.requires_grad)
        memo[id(self)] = copy
        if self.grad is not None:
            copy.grad = self.grad.clone()
        return copy

    # --- gradients ---

    def requires_grad_(self, requires_grad: bool = True) -> Self:
        """Ask for this leaf's gradient, or no longer."""
        self.requires_grad = requires_grad
        return self

    def backward(
        self,
        gradient: "Tensor | None" = None,
        retain_graph: bool | None = None,
        create_graph: bool = False,
        inputs: "Tensor | Sequence[Tensor] | None" = None,
    ) -> None:
        """Add the gradient of this tensor to `.grad` of every leaf, or of `inputs` alone.

        A tensor of more than one element needs `gradient`, the cotangent to start from.
        """
        run_backward([self], [gradient], retain_graph, create_graph, inputs)

    def detach_(self) -> Self:
        """Take this tensor out of the graph.  Raises RuntimeError for a recorded view."""
        if self._base is not None and self.node is not None:
            raise RuntimeError("Can't detach views in-place. Use detach() instead")
        self.node, self._requires_grad = None, False
        return self

    # --- arithmetic ---

    __add__ = __radd__ = ops.add
    __sub__ = ops.sub
    __rsub__ = ops.swapped(ops.sub)
    __mul__ = __rmul__ = ops.mul
    __truediv__ = ops.div
    __rtruediv__ = ops.swapped(ops.div)
    __floordiv__ = ops.floor_divide
    __rfloordiv__ = ops.swapped(ops.floor_divide)
    __mod__ = ops.remainder
    __rmod__ = ops.swapped(ops.remainder)
    __pow__ = ops.pow
    __rpow__ = ops.swapped(ops.pow)
    __neg__ = ops.neg
    __abs__ = ops.abs
    __matmul__ = ops.matmul

    def __pos__(self) -> Self:
        return self

    add = ops.scaled_add
    sub = subtract = ops.scaled_sub
    mul = multiply = ops.mul
    div = divide = true_divide = ops.quotient
    floor_divide = ops.floor_divide
    remainder = ops.remainder
    neg = negative = ops.neg
    pow = ops.pow
    addcmul = ops.addcmul
    addcdiv = ops.addcdiv
    lerp = ops.lerp
    matmul = ops.matmul
    mm = ops.mm
    bmm = ops.bmm
    mv = ops.mv
    dot = ops.dot
    outer = ops.outer

    # --- elementwise maths ---

    abs = absolute = ops.abs
    sign = ops.sign
    exp = ops.exp
    log = ops.log
    sqrt = ops.sqrt
    rsqrt = ops.rsqrt
    reciprocal = ops.reciprocal
    square = ops.square
    sin = ops.sin
    cos = ops.cos
    erf = ops.erf
    floor = ops.floor
    ceil = ops.ceil
    round = ops.round
    relu = ops.relu
    sigmoid = ops.sigmoid
    tanh = ops.tanh
    softmax = ops.softmax
    log_softmax = ops.log_softmax
    maximum = ops.maximum
    minimum = ops.minimum
    clamp = clip = ops.clamp
    masked_fill = ops.filled_where

    def where(self, condition: "Tensor", other: Any) -> "Tensor":
        """self where the condition holds, other elsewhere."""
        chosen: Tensor = ops.where(condition, self, other)
        return chosen

    # --- comparisons ---

    __hash__ = MutableValue.__hash__
    __eq__ = ops.or_not_implemented(ops.eq)
    __ne__ = ops.or_not_implemented(ops.ne)
    eq = ops.eq
    ne = not_equal = ops.ne
    __lt__ = lt = less = ops.lt
    __le__ = le = less_equal = ops.le
    __gt__ = gt = greater = ops.gt
    __ge__ = ge = greater_equal = ops.ge
    __and__ = __rand__ = bitwise_and = ops.bitwise_and
    __or__ = __ror__ = bitwise_or = ops.bitwise_or
    __xor__ = __rxor__ = bitwise_xor = ops.bitwise_xor
    __invert__ = bitwise_not = ops.bitwise_not
    logical_and = ops.logical_and
    logical_or = ops.logical_or
    logical_not = ops.logical_not
    isnan = ops.isnan
    isinf = ops.isinf
    isfinite = ops.isfinite
    equal = ops.equal
    allclose = ops.allclose

    # --- reductions ---

    sum = ops.sum
    mean = ops.mean
    var = ops.var
    std = ops.std
    amax = ops.amax
    amin = ops.amin
    max = ops.max
    min = ops.min
    argmax = ops.argmax
    argmin = ops.argmin
    all = ops.all
    any = ops.any
    norm = ops.norm
    cumsum = ops.cumsum
    logsumexp = ops.logsumexp
    bincount = ops.bincount

    # --- shape ---

    @property
    def T(self) -> "Tensor":  # noqa: N802
        """The dimensions in reverse order."""
        return ops.permute(self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> "Tensor":  # noqa: N802
        """Each matrix (..., m, n) transposed."""
        return ops.transpose(self, dim0=-2, dim1=-1)

    def reshape(self, *shape: Any) -> "Tensor":
        """The same elements in another shape; one size may be -1."""
        return ops.reshape(self, shape=sizes(shape))

    def view(self, *shape: Any) -> "Tensor":
        """The same memory in another shape.  Raises RuntimeError where that needs a copy."""
        return ops.view(self, shape=sizes(shape))

    def permute(self, *dims: Any) -> "Tensor":
        """A view with the dimensions in another order."""
        return ops.permute(self, dims=sizes(dims))

    def expand(self, *shape: Any) -> "Tensor":
        """A view with dimensions of size 1 repeated; -1 keeps a size."""
        return ops.expand(self, shape=sizes(shape))

    def flip(self, *dims: Any) -> "Tensor":
        """The elements in reverse order along `dims`."""
        return ops.flip(self, dims=sizes(dims))

    def sum_to_size(self, *shape: Any) -> "Tensor":
        """Sums that undo a broadcast from `shape`."""
        return ops.sum_to_size(self, shape=sizes(shape))

    def view_as(self, other: "Tensor") -> "Tensor":
        return self.view(other.shape)

    def reshape_as(self, other: "Tensor") -> "Tensor":
        return self.reshape(other.shape)

    def expand_as(self, other: "Tensor") -> "Tensor":
        return self.expand(other.shape)

    transpose = swapaxes = ops.transpose
    t = ops.t
    flatten = ops.flatten
    unflatten = ops.unflatten
    squeeze = ops.squeeze
    unsqueeze = ops.unsqueeze
    unbind = ops.unbind
    split = ops.split
    chunk = ops.chunk
    narrow = ops.narrow
    select = ops.select
    tril = ops.tril
    triu = ops.triu
    clone = ops.clone
    contiguous = ops.contiguous

    # --- indexing ---

    def __getitem__(self, index: Any) -> "Tensor":
        return ops.getitem(self, index=ops.as_index(index))

    gather = ops.gather_along
    scatter_add = ops.scatter_add_along
    index_select = ops.index_select
    nonzero = ops.nonzero


Tensor.kind = Tensor


def _rebuild(kind: type[Any], array: np.ndarray[Any, Any], requires_grad: bool) -> Any:
    new = wrap(kind, array)
    if requires_grad:
        new.requires_grad = True
    return new


def start_cotangent(place: int, root: Any, gradient: Any) -> Any:
    """What backward starts from.  Raises RuntimeError if it is missing or does not fit."""
    if not isinstance(root, Value):
        raise TypeError(f"expected a Tensor to differentiate, got {type(root).__name__}")
    if not root._requires_grad:
        raise RuntimeError(
            f"element {place} of tensors does not require grad and does not have a grad_fn"
        )
    if gradient is None:
        if root.array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, this one has shape "
                f"{list(root.array.shape)}; pass a gradient of that shape"
            )
        return wrap(root.kind, np.ones_like(root.array))
    if not isinstance(gradient, Value):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(gradient).__name__}"
        )
    if gradient.array.shape != root.array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{place}] has a shape of "
            f"{list(gradient.array.shape)} and output[{place}] has a shape of "
            f"{list(root.array.shape)}."
        )
    return gradient.to(root.dtype)  # type: ignore[attr-defined]


def require_targets(targets: Sequence[Any]) -> None:
    """Raise RuntimeError for an input with respect to which nothing can be differentiated."""
    for i, target in enumerate(targets):
        if not isinstance(target, Value):
            raise TypeError(f"inputs must be Tensors, but input {i} is {type(target).__name__}")
        if not target._requires_grad:
            raise RuntimeError(
                f"One of the differentiated Tensors does not require grad: input {i}, of shape "
                f"{list(target.array.shape)}"
            )


def run_backward(
    roots: Sequence[Any],
    gradients: Sequence[Any],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Any,
) -> None:
    """`backward` as torch's methods and functions offer it: gradients go to `.grad`."""
    cotangents = list(map(start_cotangent, range(len(roots)), roots, gradients))
    keep = create_graph if retain_graph is None else retain_graph
    targets = None
    if inputs is not None:
        targets = [inputs] if isinstance(inputs, Value) else list(inputs)
        if not targets:
            raise RuntimeError("'inputs' argument to backward cannot be empty.")
        require_targets(targets)
    backward(
        roots,
        cotangents,
        targets=targets,
        accumulate=True,
        retain_graph=keep,
        create_graph=create_graph,
    )
