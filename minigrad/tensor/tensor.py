"""Tensor: a Value with torch's methods; each family of them is listed in `methods`."""

from collections.abc import Iterator, Sequence
from typing import Any, Self, TypeVar

import numpy as np

from minigrad.core.unsupported import UnsupportedMethods
from minigrad.engine.backward import backward
from minigrad.engine.grad_mode import thread
from minigrad.engine.gradient_edge import GradientEdge, as_target
from minigrad.engine.graph import Value, wrap, wrap_new
from minigrad.tensor.construction import constructed
from minigrad.tensor.methods.conversion import ConversionMethods
from minigrad.tensor.methods.copying import CopyMethods
from minigrad.tensor.methods.device_moves import DeviceMethods
from minigrad.tensor.methods.elementwise import ElementwiseMethods
from minigrad.tensor.methods.indexing import IndexMethods
from minigrad.tensor.methods.linalg import LinalgMethods
from minigrad.tensor.methods.random import RandomFillMethods
from minigrad.tensor.methods.reductions import ReductionMethods
from minigrad.tensor.methods.shape import ShapeMethods
from minigrad.tensor.methods.signatures import method
from minigrad.tensor.methods.storage import StorageMethods
from minigrad.tensor.subclasses import SubclassProtocol

T = TypeVar("T", bound="Tensor")


class Tensor(
    ElementwiseMethods,
    ReductionMethods,
    ShapeMethods,
    IndexMethods,
    LinalgMethods,
    RandomFillMethods,
    DeviceMethods,
    ConversionMethods,
    CopyMethods,
    StorageMethods,
    SubclassProtocol,
    UnsupportedMethods,
):
    """An n-dimensional array with a place in the graph.

    Make one with `minigrad.tensor`, `from_numpy`, `zeros`, ...  `array` is the NumPy array beneath,
    whose memory the tensor shares.
    """

    kind: type["Tensor"]
    grad: "Tensor | None"
    detach = method(Value.detach)

    def __new__(cls, *data: Any, **options: Any) -> Self:
        """`Tensor(data)` copies numbers to the default dtype; `Tensor(2, 3)` is uninitialised."""
        new: Self = wrap_new(cls, constructed(None, data, **options))
        if data and isinstance(data[0], Value):
            new._storage = data[0].change_record()
        return new

    @method
    def new(self, *data: Any, **options: Any) -> Value:
        """A tensor of this dtype, from what `Tensor(...)` takes: data, a tensor, or sizes."""
        tensor: Value = wrap_new(self.kind, constructed(self.dtype, data, **options))
        return tensor

    @property
    def data(self) -> "Tensor":
        """The same memory outside the graph, whose changes autograd does not notice."""
        data: Tensor = wrap(self.kind, self.array)
        return data

    @data.setter
    def data(self, new: "Tensor") -> None:
        if not isinstance(new, Tensor):
            raise TypeError(f"data must be set to a Tensor, not {type(new).__name__}")
        self.array = new.array
        self._storage = new.change_record()
        if new._is_complex != self._is_complex:
            self._is_complex, self._needs_check = new._is_complex, True

    def __iter__(self) -> Iterator["Tensor"]:
        if self.array.ndim == 0:
            raise TypeError("iteration over a 0-d tensor")
        return iter(self.unbind(0))

    def __reversed__(self) -> "Tensor":
        """The elements of the first dimension in reverse order."""
        return self.flip(0) if self.array.ndim else self

    def __contains__(self, element: Any) -> bool:
        if not isinstance(element, Value | int | float | complex | np.generic):
            raise RuntimeError(
                f"Tensor.__contains__ only supports Tensor or scalar, but you passed in a "
                f"{type(element)}"
            )
        number = element.item() if isinstance(element, np.generic) else element
        if isinstance(number, complex):
            return number.imag == 0 and number.real in self
        return bool((self == number).any())

    @staticmethod
    def _make_subclass(subclass: type[T], data: "Tensor", require_grad: bool = False) -> T:
        """A leaf of a subclass on the memory of data."""
        new: T = data.detach().as_subclass(subclass)
        return new.requires_grad_(require_grad)

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


Value.kind = Tensor  # of Tensor, too, and of what is made where no tensor is given


def start_cotangent(position: int, root: Any, gradient: Any) -> Any:
    """The cotangent to start from.  Raises RuntimeError if it is missing or does not fit."""
    if not isinstance(root, Value):
        raise TypeError(f"expected a Tensor to differentiate, got {type(root).__name__}")
    if not root._requires_grad:
        raise RuntimeError(
            f"element {position} of tensors does not require grad and does not have a grad_fn: "
            f"nothing that it was computed from requires gradients, or it was computed inside "
            f"no_grad(), or from detach(), item() or numpy()"
        )
    if gradient is None:
        if root.array.size != 1:
            raise RuntimeError(
                f"grad can be implicitly created only for scalar outputs, this one has shape "
                f"{list(root.array.shape)}; reduce it with mean() or sum(), or pass a gradient of "
                f"that shape"
            )
        if root._is_complex:
            raise RuntimeError(
                f"grad can be implicitly created only for real scalar outputs but got "
                f"{root.dtype}: pass a gradient, or take the real part of the loss"
            )
        one = np.empty(root.array.shape, root.array.dtype)
        one.fill(1)
        if (recorder := thread.mode.step_recorder) is not None:
            recorder.created(one)
        return wrap(root.kind, one)
    if not isinstance(gradient, Value):
        raise TypeError(
            f"gradients can be either Tensors or None, but got {type(gradient).__name__}"
        )
    if gradient.array.shape != root.array.shape:
        raise RuntimeError(
            f"Mismatch in shape: grad_output[{position}] has a shape of "
            f"{list(gradient.array.shape)} and output[{position}] has a shape of "
            f"{list(root.array.shape)}."
        )
    if gradient.array.dtype == root.array.dtype:
        return gradient
    return gradient.to(root.dtype)


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
        alone = isinstance(inputs, Value | GradientEdge)
        targets = [as_target(target) for target in ([inputs] if alone else inputs)]
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
