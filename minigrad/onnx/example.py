"""The example that a model is exported with: its tensors by name, and recordings of it."""

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import IntEnum
from typing import Any

import numpy as np

from minigrad.engine.graph import Value
from minigrad.nn.module import Module
from minigrad.onnx.builder import same_operations
from minigrad.onnx.dynamic import Axes, shapes_tried
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.recorded import Recorded, record, tensors_of


class TrainingMode(IntEnum):
    """The mode in which a module is exported: eval, train, or the one it is in."""

    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class Example:
    """A model and its example inputs."""

    def __init__(
        self, model: Callable[..., Any], args: Any, kwargs: dict[str, Any] | None,
        training: TrainingMode,
    ) -> None:  # fmt: skip
        self.model = model
        self.args: tuple[Any, ...] = (args,) if isinstance(args, Value) else tuple(args)
        self.kwargs = kwargs or {}
        self._training = training
        given = list(_named_tensors(model, self.args, self.kwargs))
        self.names = [name for name, _ in given]
        self.arrays = [value.array for _, value in given]

    def recordings(self, axes: Axes) -> list[Recorded]:
        """Recordings of the example, and of other inputs: with dynamic axes of two other sizes."""
        with _mode(self.model, self._training):
            return _recordings(self.model, self.args, self.kwargs, self.arrays, axes)


@contextmanager
def _mode(model: Any, training: TrainingMode) -> Iterator[None]:
    """A block in which the modules of a model are in the mode that is asked for."""
    modules = list(model.modules()) if isinstance(model, Module) else []
    before = [module.training for module in modules]
    if modules and training is not TrainingMode.PRESERVE:
        model.train(training is TrainingMode.TRAINING)
    try:
        yield
    finally:
        for module, flag in zip(modules, before, strict=True):
            module.training = flag


def _named_tensors(
    model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> Iterator[tuple[str, Value]]:
    """The tensors among the arguments, under the names of the model's parameters."""
    function = model.forward if isinstance(model, Module) else model
    names: list[str] = []
    try:
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.VAR_POSITIONAL:
                names += [f"{parameter.name}_{k}" for k in range(len(args))]
            elif parameter.kind is not parameter.KEYWORD_ONLY:
                names.append(parameter.name)
    except (TypeError, ValueError):  # a callable that says nothing of its arguments
        names = []
    names += [f"input_{k}" for k in range(len(names), len(args))]
    for name, each in [*zip(names, args, strict=False), *kwargs.items()]:
        yield from tensors_of(each, name)


def _recordings(
    model: Callable[..., Any], args: Sequence[Any], kwargs: dict[str, Any],
    arrays: Sequence[np.ndarray], axes: Axes,
) -> list[Recorded]:  # fmt: skip
    """A recording of the example and one of other elements, or two of other sizes."""
    example = record(model, args, kwargs)
    if not any(axes):
        found = [example, record(model, args, kwargs, [array.shape for array in arrays])]
        same_operations(found)
        return found
    reasons: list[Any] = []
    for pair in shapes_tried(arrays, axes):
        try:
            found = [example, *(record(model, args, kwargs, shapes) for shapes in pair)]
            same_operations(found)
            return found
        except Exception as error:
            reasons.append(error)
    raise OnnxExporterError(
        f"the model does not do the same for other sizes of the dynamic axes: "
        f"{reasons[0] if reasons else 'those of the example are too small'}"
    )
