"""Tensor: a Value with torch's methods, each of them listed here."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, Self

import numpy as np

from minigrad import dtypes, ops
from minigrad.array_value import ArrayValue, sizes
from minigrad.device import is_device, require_cpu
from minigrad.generator import Generator, stream
from minigrad.graph import Value, backward, wrap
from minigrad.ops.inplace import before_change, check_writable, in_place, overwrite


class Tensor(ArrayValue):
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
        if self.node is not None and not requires_grad:
            raise RuntimeError(
                "you can only change requires_grad flags of leaf variables. If you want to use a "
                "computed variable in a subgraph that doesn't require differentiation use "
                "var_no_grad = var.detach()."
            )
        if requires_grad and self.array.dtype.kind != "f":
            raise RuntimeError(
                f"only Tensors of floating point dtype can require gradients, got {self.dtype}"
            )
        if requires_grad and self._is_inference:
            raise RuntimeError("Setting requires_grad=True on inference tensor is not allowed.")
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
        """Take this tensor out of the graph."""
        self.node, self.requires_grad = None, False
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
    div = divide = true_divide = ops.div
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
        return ops.where(condition, self, other)

    # --- comparisons ---

    __hash__ = ArrayValue.__hash__
    __eq__ = eq = ops.eq  # type: ignore[assignment]
    __ne__ = ne = ops.ne  # type: ignore[assignment]
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
    def T(self) -> "Tensor":
        """The dimensions in reverse order."""
        return ops.permute(self, dims=tuple(range(self.ndim))[::-1])

    @property
    def mT(self) -> "Tensor":
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

    def __setitem__(self, index: Any, value: Any) -> None:
        found = ops.as_index(index)
        check_writable(self)
        value = (value if isinstance(value, Tensor) else self.new_tensor(value)).to(self.dtype)
        if self.requires_grad or value.requires_grad:
            overwrite(self, ops.index_put(before_change(self), value, index=found))
        else:
            ops.assign(self.array, found, value.array)
            self.touch()

    gather = ops.gather_along
    scatter_add = ops.scatter_add_along
    index_select = ops.index_select
    nonzero = ops.nonzero

    # --- in place ---

    __iadd__ = in_place(ops.add)
    __isub__ = in_place(ops.sub)
    __imul__ = in_place(ops.mul)
    __itruediv__ = in_place(ops.div)
    __ipow__ = in_place(ops.pow)
    add_ = in_place(ops.scaled_add)
    sub_ = subtract_ = in_place(ops.scaled_sub)
    mul_ = multiply_ = in_place(ops.mul)
    div_ = divide_ = in_place(ops.div)
    pow_ = in_place(ops.pow)
    neg_ = in_place(ops.neg)
    abs_ = in_place(ops.abs)
    exp_ = in_place(ops.exp)
    log_ = in_place(ops.log)
    sqrt_ = in_place(ops.sqrt)
    relu_ = in_place(ops.relu)
    sigmoid_ = in_place(ops.sigmoid)
    tanh_ = in_place(ops.tanh)
    floor_ = in_place(ops.floor)
    round_ = in_place(ops.round)
    clamp_ = clip_ = in_place(ops.clamp)
    addcmul_ = in_place(ops.addcmul)
    addcdiv_ = in_place(ops.addcdiv)
    lerp_ = in_place(ops.lerp)
    masked_fill_ = in_place(ops.filled_where)
    scatter_add_ = in_place(ops.scatter_add_along)

    def copy_(self, source: "Tensor") -> Self:
        """Write the elements of `source`, broadcast and cast, over this tensor's."""
        check_writable(self)
        overwrite(self, source.to(self.dtype).expand(self.shape))
        return self

    def fill_(self, value: Any) -> Self:
        """Make every element `value`."""
        return self.copy_(self.new_tensor(value))

    def zero_(self) -> Self:
        """Make every element 0."""
        return self.fill_(0)

    def _draw(self, draw: Callable[[], Any]) -> Self:
        check_writable(self)
        overwrite(self, wrap(self.kind, np.asarray(draw()).astype(self.array.dtype)))
        return self

    def uniform_(
        self, low: float = 0.0, high: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the uniform distribution on [low, high)."""
        if low > high:
            raise RuntimeError(f"uniform_ expects from <= to, but found from={low} > to={high}")
        return self._draw(lambda: stream(generator).uniform(low, high, self.shape))

    def normal_(
        self, mean: float = 0.0, std: float = 1.0, *, generator: Generator | None = None
    ) -> Self:
        """Draw every element from the normal distribution."""
        if std < 0:
            raise RuntimeError(f"normal_ expects std >= 0.0, but found std {std}")
        return self._draw(lambda: stream(generator).normal(mean, std, self.shape))

    def bernoulli_(self, p: float = 0.5, *, generator: Generator | None = None) -> Self:
        """Make every element 1 with probability p, else 0."""
        if not 0 <= p <= 1:
            raise RuntimeError(f"bernoulli_ expects p to be in [0, 1], but got p={p}")
        return self._draw(lambda: stream(generator).random(self.shape) < p)

    # --- casts ---

    def to(self, *args: Any, **options: Any) -> "Tensor":
        """This tensor as another dtype: `to(dtype)`, `to("cpu")`, `to("cpu", dtype)`, `to(other)`.

        The tensor itself if nothing changes, unless copy=True.  Raises RuntimeError for devices
        other than the CPU.
        """
        copy = options.pop("copy", False)
        options.pop("non_blocking", None)  # a hint for devices that work beside the CPU
        wanted = options.pop("dtype", None)
        require_cpu(options.pop("device", None))
        if options:
            raise TypeError(f"to() got an unexpected keyword argument '{next(iter(options))}'")
        for given in args:
            if is_device(given):
                require_cpu(given)
            elif isinstance(given, Tensor):
                wanted = given.dtype
            elif given is not None and not isinstance(given, bool):
                wanted = given
        dtype = self.array.dtype if wanted is None else dtypes.to_numpy(wanted)
        if dtype != self.array.dtype:
            return ops.cast(self, dtype=dtypes.of_numpy(dtype))
        return self.clone() if copy else self

    def type_as(self, other: "Tensor") -> "Tensor":
        return self.to(other.dtype)

    def cpu(self) -> "Tensor":
        return self

    def cuda(self, *_: Any) -> "Tensor":
        raise RuntimeError("minigrad computes on the CPU only: there is no cuda device")

    # The names of Python's types come last: below them they would mean these methods.

    def half(self) -> "Tensor":
        return self.to(dtypes.float16)

    def double(self) -> "Tensor":
        return self.to(dtypes.float64)

    def long(self) -> "Tensor":
        return self.to(dtypes.int64)

    def float(self) -> "Tensor":
        return self.to(dtypes.float32)

    def int(self) -> "Tensor":
        return self.to(dtypes.int32)

    def bool(self) -> "Tensor":
        return self.to(dtypes.bool_)


Tensor.kind = Tensor


def _rebuild(kind: type[Any], array: np.ndarray[Any, Any], requires_grad: bool) -> Any:
    new = wrap(kind, array)
    if requires_grad:
        new.requires_grad = True
    return new


def start_cotangent(root: Any, gradient: Any) -> Any:
    """What backward starts from.  Raises RuntimeError if it is missing or does not fit."""
    if not root.requires_grad:
        raise RuntimeError("element 0 of tensors does not require grad and does not have a grad_fn")
    if gradient is None:
        if root.array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, this one has shape "
                f"{list(root.shape)}; pass a gradient of that shape"
            )
        return wrap(root.kind, np.ones_like(root.array))
    if gradient.shape != root.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[0] has a shape of {list(gradient.shape)} and "
            f"output[0] has a shape of {list(root.shape)}."
        )
    return gradient.to(root.dtype)


def run_backward(
    roots: Sequence[Any],
    gradients: Sequence[Any],
    retain_graph: bool | None,
    create_graph: bool,
    inputs: Any,
) -> None:
    """`backward` as torch's methods and functions offer it: gradients go to `.grad`."""
    cotangents = [start_cotangent(r, g) for r, g in zip(roots, gradients, strict=True)]
    keep = create_graph if retain_graph is None else retain_graph
    targets = None
    if inputs is not None:
        targets = [inputs] if isinstance(inputs, Value) else list(inputs)
        if not targets:
            raise RuntimeError("'inputs' argument to backward cannot be empty.")
    backward(
        roots,
        cotangents,
        targets=targets,
        accumulate=True,
        retain_graph=keep,
        create_graph=create_graph,
    )
