"""A forward that is run once while a tape takes down its operations."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.compiler.breaks import GraphBreak
from minigrad.compiler.tape import Entry, Tape
from minigrad.engine.grad_mode import no_grad
from minigrad.engine.graph import Value, wrap
from minigrad.onnx.errors import OnnxExporterError


class Recorded(NamedTuple):
    """What a forward did with its inputs."""

    inputs: list[np.ndarray]
    entries: list[Entry]
    outputs: list[tuple[str, np.ndarray]]  # a name for each, and what it gave
    drawing: set[int]  # the numbers of entries that have drawn random numbers


class ForwardTape(Tape):
    """A tape that knows which functions draw random numbers."""

    def __init__(self) -> None:
        super().__init__(())
        self.drawing: set[int] = set()

    def drawn(self) -> None:
        """Note that the function that runs now draws, or refuse draws beside functions."""
        super().drawn()
        self.drawing.add(len(self.entries))


class _Exporting:
    """Whether a model is being exported."""

    now = False


def is_in_onnx_export() -> bool:
    """True while a model is being exported."""
    return _Exporting.now


def record(
    model: Callable[..., Any],
    args: Sequence[Any],
    kwargs: dict[str, Any],
    sizes: Sequence[tuple[int, ...]] | None = None,
) -> Recorded:
    """Run a forward and take down what it does.

    With `sizes`, other shapes of its inputs, these get other elements too: what a forward makes of
    them beside operations is then not the same.
    Raises OnnxExporterError where it draws random numbers beside operations.
    """
    shapes = iter(sizes) if sizes is not None else None
    inputs: list[np.ndarray] = []

    def copied(given: Any) -> Any:
        if isinstance(given, Value):
            array = given.array.copy()
            if shapes is not None:
                array = np.resize(_other_elements(array), next(shapes))
            inputs.append(array)
            return wrap(given.kind, array)
        if isinstance(given, tuple) and hasattr(given, "_fields"):
            return type(given)(*map(copied, given))
        if isinstance(given, tuple | list):
            return type(given)(map(copied, given))
        if isinstance(given, dict):
            return {key: copied(each) for key, each in given.items()}
        return given

    given, named = copied(tuple(args)), copied(dict(kwargs))
    tape = ForwardTape()
    tape.start()
    before, _Exporting.now = _Exporting.now, True
    try:
        with no_grad():
            returned = model(*given, **named)
    finally:
        _Exporting.now = before
        tape.stop()
    _check(tape.reason)
    outputs = [(name, value.array) for name, value in tensors_of(returned, "output")]
    if not outputs:
        raise OnnxExporterError("the model returns no tensor")
    return Recorded(inputs, tape.entries, outputs, tape.drawing)


def _other_elements(array: np.ndarray) -> np.ndarray:
    """The elements in another order, so that they stay what a model takes; or smaller ones."""
    flipped = np.flip(array)
    if array.dtype.kind == "f" and np.array_equal(flipped, array, equal_nan=True):
        flipped = np.multiply(flipped, 0.5, dtype=array.dtype)
    return flipped


def _check(reason: GraphBreak | None) -> None:
    if reason is not None:
        raise OnnxExporterError(
            f"the model cannot be exported: {reason}.  In eval mode, layers draw no numbers"
        )


def tensors_of(given: Any, name: str) -> Iterator[tuple[str, Value]]:
    """The tensors in nested sequences and dicts, each with a name made of its place."""
    if isinstance(given, Value):
        yield name, given
    elif isinstance(given, dict):
        for key, each in given.items():
            yield from tensors_of(each, str(key) if name == "output" else f"{name}_{key}")
    elif isinstance(given, tuple) and hasattr(given, "_fields"):
        yield from tensors_of(dict(zip(given._fields, given, strict=True)), name)
    elif isinstance(given, list | tuple):
        for number, each in enumerate(given):
            yield from tensors_of(each, f"{name}_{number}")
