"""A table of a model's layers: output shapes, parameters and multiply-adds."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import DTypeLike, Shape
from minigrad.engine.grad_mode import no_grad
from minigrad.nn.conv import Conv1d, Conv2d, ConvTranspose1d, ConvTranspose2d
from minigrad.nn.linear import Bilinear, Linear
from minigrad.nn.module import Module
from minigrad.tensor import Tensor, creation

InputSize = Sequence[int] | Sequence[Sequence[int]]
"""The shape of an input, or the shapes of several."""


@dataclass
class LayerSummary:
    """One module of the table: output shapes, its direct parameters, multiply-adds."""

    path: str
    kind: str
    depth: int
    output_shapes: list[Shape] = field(default_factory=list)
    output_bytes: int = 0
    parameters: int = 0
    multiply_adds: int = 0


@dataclass
class ModelSummary:
    """The result of `summary`: `layers` in the order of the model, and totals."""

    layers: list[LayerSummary]
    input_bytes: int
    parameters: int
    trainable: int
    parameter_bytes: int

    @property
    def multiply_adds(self) -> int:
        """The multiply-adds of one forward pass in convolutions and linear layers."""
        return sum(layer.multiply_adds for layer in self.layers)

    @property
    def output_bytes(self) -> int:
        """The bytes of the outputs of layers without sublayers, which backward may keep."""
        return sum(layer.output_bytes for layer in self.layers)

    def __str__(self) -> str:
        rows: list[tuple[str, ...]] = [("layer", "output shape", "parameters", "multiply-adds")]
        for layer in self.layers:
            shapes = ", ".join(str(list(shape)) for shape in layer.output_shapes)
            name = "  " * layer.depth + (layer.path.rpartition(".")[2] or "model")
            counts = (f"{n:,}" if n else "" for n in (layer.parameters, layer.multiply_adds))
            rows.append((f"{name}: {layer.kind}", shapes, *counts))
        widths = [max(len(row[i]) for row in rows) for i in range(4)]
        lines = [
            f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}  {d:>{widths[3]}}".rstrip()
            for a, b, c, d in rows
        ]
        rule = "-" * (sum(widths) + 6)
        frozen = self.parameters - self.trainable
        totals = [
            f"parameters     {self.parameters:,}" + (f" ({frozen:,} frozen)" if frozen else ""),
            f"multiply-adds  {self.multiply_adds:,}",
            f"memory         input {_size(self.input_bytes)}, outputs {_size(self.output_bytes)}, "
            f"parameters {_size(self.parameter_bytes)}",
        ]
        return "\n".join([lines[0], rule, *lines[1:], rule, *totals])

    __repr__ = __str__


def summary(
    model: Module,
    input_size: InputSize | None = None,
    *,
    input_data: Any = None,
    dtype: DTypeLike = None,
) -> ModelSummary:
    """Run a model once, in evaluation mode, and return a table of its layers.

    input_size: the shape of the input with its batch size, or a list of shapes; alternatively
    input_data: the input, or a list of inputs.  The result can be printed, and its fields read.
    The modes of the modules are restored.  Raises ValueError unless exactly one of the two is
    given.

    >>> import minigrad as mg
    >>> mg.nn.summary(mg.nn.Linear(3, 4), (1, 3)).parameters
    16
    """
    inputs = _inputs(input_size, input_data, dtype)
    layers = {
        module: LayerSummary(path, type(module).__name__, path.count(".") + bool(path))
        for path, module in model.named_modules()
    }
    counted: set[int] = set()
    for module, layer in layers.items():
        for parameter in module._parameters.values():
            if parameter is not None and id(parameter) not in counted:
                counted.add(id(parameter))
                layer.parameters += parameter.numel()
    _record_outputs(model, layers, inputs)
    parameters = list(model.parameters())
    return ModelSummary(
        list(layers.values()),
        sum(t.nbytes for t in inputs if isinstance(t, Tensor)),
        sum(p.numel() for p in parameters),
        sum(p.numel() for p in parameters if p.requires_grad),
        sum(p.nbytes for p in parameters),
    )


def _inputs(input_size: InputSize | None, input_data: Any, dtype: DTypeLike) -> list[Any]:
    if (input_size is None) == (input_data is None):
        raise ValueError("summary() needs either input_size or input_data")
    if input_data is not None:
        return list(input_data) if isinstance(input_data, list | tuple) else [input_data]
    sizes: list[Any] = list(input_size or ())
    shapes = [sizes] if all(isinstance(size, int | np.integer) for size in sizes) else sizes
    return [creation.zeros(*shape, dtype=dtype or dtypes.get_default_dtype()) for shape in shapes]


def _record_outputs(model: Module, layers: dict[Module, LayerSummary], inputs: list[Any]) -> None:
    """Run the model with hooks that record the outputs of each layer."""

    def record(module: Module, args: tuple[Any, ...], output: Any) -> None:
        layer = layers[module]
        outputs = _tensors(output)
        layer.output_shapes += [t.shape for t in outputs]
        if not any(module.children()):
            layer.output_bytes += sum(t.nbytes for t in outputs)
        count = _multiply_adds(type(module))
        if count is not None and outputs:
            layer.multiply_adds += count(module, args[0].shape, outputs[0].shape)

    modes = [(module, module.training) for module in layers]
    handles = [module.register_forward_hook(record) for module in layers]
    try:
        model.eval()
        with no_grad():
            model(*inputs)
    finally:
        for handle in handles:
            handle.remove()
        for module, training in modes:
            module.training = training


def _tensors(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    if isinstance(value, dict):
        value = list(value.values())
    return [t for item in value for t in _tensors(item)] if isinstance(value, list | tuple) else []


def _conv_multiply_adds(layer: Any, given: Shape, out: Shape) -> int:
    return int(math.prod(out) * math.prod(layer.weight.shape[1:]))


def _conv_transpose_multiply_adds(layer: Any, given: Shape, out: Shape) -> int:
    return int(math.prod(given) * math.prod(layer.weight.shape[1:]))


def _linear_multiply_adds(layer: Any, given: Shape, out: Shape) -> int:
    return int(math.prod(out[:-1]) * math.prod(layer.weight.shape))


_COUNTS: dict[type[Module], Callable[[Any, Shape, Shape], int]] = {
    Conv1d: _conv_multiply_adds,
    Conv2d: _conv_multiply_adds,
    ConvTranspose1d: _conv_transpose_multiply_adds,
    ConvTranspose2d: _conv_transpose_multiply_adds,
    Linear: _linear_multiply_adds,
    Bilinear: _linear_multiply_adds,
}


def _multiply_adds(kind: type[Module]) -> Callable[[Any, Shape, Shape], int] | None:
    return next((_COUNTS[base] for base in kind.__mro__ if base in _COUNTS), None)


def _size(count: int) -> str:
    return f"{count / 1e6:.2f} MB" if count >= 1e5 else f"{count / 1e3:.2f} kB"
