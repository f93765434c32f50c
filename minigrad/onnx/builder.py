"""From recordings of a forward to the graph of a file."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from minigrad.compiler.tape import Entry
from minigrad.onnx.call import Call, arrays_in
from minigrad.onnx.errors import OnnxExporterError, UnsupportedOperatorError
from minigrad.onnx.graph import Graph, Tensor
from minigrad.onnx.recorded import Recorded
from minigrad.onnx.sizes import Source, Varying, merged, varies
from minigrad.onnx.translations import COPIES, TABLE, Translation
from minigrad.onnx.values import Known, Values, key_of

# Functions that look at arrays, and change none, have such names.
CHECKS = ("require", "check")


class Builder:
    """Walks through the operations of all recordings at once, and writes each."""

    def __init__(
        self,
        graph: Graph,
        values: Values,
        more: Mapping[Callable[..., Any], Callable[[Call], Any]],
        folds: bool,
    ) -> None:
        self.graph = graph
        self.values = values
        self._folds = folds
        self._makers: dict[Any, Call] = {}
        self._table = dict(TABLE)
        for function, translate in more.items():
            operation = getattr(function, "op", None)
            key = function if operation is None else operation.forward
            self._table[key] = Translation(translate, operation)

    def build(self, recordings: Sequence[Recorded], names: Sequence[str]) -> None:
        """Write the graph of recordings of one forward, for inputs of these names."""
        self._add_inputs(recordings, names)
        entries = [list(without_copies(recorded)) for recorded in recordings]
        self._drawing = {id(recordings[0].entries[k]) for k in recordings[0].drawing}
        self._written = self._places_written(recordings[0].entries)
        rest = iter(zip(*entries, strict=True))
        for entry in recordings[0].entries:
            self.graph.where = entry.where
            if is_copy(entry):
                self.values.alias(entry.result, entry.args[0])
                continue
            try:
                self._add(next(rest))
            except OnnxExporterError as error:
                self._postpone(entry, error)

    def _postpone(self, entry: Entry, error: OnnxExporterError) -> None:
        """Keep an error for whoever reads the results; raise it if there are none."""
        if not error.names_the_line:
            error = type(error)(f"`{entry.called or entry.kind}`: {error} (at {entry.where})")
            error.names_the_line = True
        results = arrays_in(entry.result) if entry.kind == "call" else []
        translation = self._table.get(entry.function)
        writes = translation is not None and translation.writes_in(entry.args)
        if not results or writes:
            raise error
        for result in results:
            self._add_result(result, Known(error=error))

    def _add_inputs(self, recordings: Sequence[Recorded], names: Sequence[str]) -> None:
        for name, arrays in zip(names, zip(*(r.inputs for r in recordings), strict=True),
                                strict=True):  # fmt: skip
            self.values.note_twins(arrays[0], arrays)
            self.values.add(arrays[0], Known(name))
            shape = self.values.shape(arrays[0])
            self.graph.inputs.append(Tensor(name, arrays[0].dtype, list(shape)))
            self.graph.sources += [
                Source(name, axis, size.values)
                for axis, size in enumerate(shape)
                if isinstance(size, Varying)
            ]

    def _places_written(self, entries: Sequence[Entry]) -> list[np.ndarray]:
        """The arrays that are changed in place at some time."""
        found = []
        for entry in entries:
            translation = self._table.get(entry.function)
            if translation is not None and translation.writes_in(entry.args):
                found.append(entry.args[translation.writes or 0])
        return found

    # --- one entry ---

    def _add(self, entries: tuple[Entry, ...]) -> None:
        entry = entries[0]
        if entry.kind == "constant":
            kept = tuple(each.kept for each in entries)
            self.values.note_twins(entry.result, kept)
            self.values.add(entry.result, Known(array=kept[0]))
        elif entry.kind == "read":
            if not self.values.is_constant(entry.args[0]):
                raise OnnxExporterError(
                    "Python reads numbers that follow from the inputs, and a file would hold "
                    "those of the example for ever"
                )
        elif entry.kind == "call":
            self._add_call(entries)
        elif entry.kind != "gradients":
            raise OnnxExporterError("a step of an optimizer is no part of a forward")

    def _add_call(self, entries: tuple[Entry, ...]) -> None:
        entry = entries[0]
        parts = [(each.args, each.settings, each.result) for each in entries]
        for arrays in zip(*map(arrays_in, parts), strict=True):
            self.values.note_twins(arrays[0], arrays)
        translation = self._table.get(entry.function)
        if translation is not None and translation.writes_in(entry.args):
            self._write(translation, entries)
            return
        given = arrays_in([entry.args, entry.settings])
        results = arrays_in(entry.result)
        if not results and entry.called.startswith(CHECKS):
            return
        if all(map(self.values.is_constant, given)) and self._may_fold(entry, given, results):
            weights = any(map(self.values.is_weight, given))
            operation = None if translation is None else translation.operation
            views = weights and operation is not None and operation.declaration.views
            for result in results:
                known = Known(array=result, is_weight=views)
                # Rows of a weight that a dynamic size chooses are looked up by the file, too.
                chosen = weights and operation is not None and self.values.varies(result)
                if views or chosen:
                    known.write = lambda: self._translated(translation, entries)[0]
                self._add_result(result, known)
            return
        names = self._translated(translation, entries)
        for number, result in enumerate(results):
            missing = f"it reads a by-product of `{entry.called}` that ONNX does not give"
            known = Known(names[number]) if number < len(names) else Known(stale=missing)
            self._add_result(result, known)

    def _add_result(self, result: np.ndarray, known: Known) -> None:
        """Note a result; one that is an argument as it was keeps its name."""
        place = self.values.known_place(result)
        if place is None or place.is_unusable():
            self.values.add(result, known)

    def _may_fold(
        self, entry: Entry, given: Sequence[np.ndarray], results: Sequence[np.ndarray]
    ) -> bool:
        """True if a result can be held as a constant: it is not drawn, nor changed later."""
        if id(entry) in self._drawing or not results:
            return False
        if not self._folds and any(map(self.values.is_weight, given)):
            return False
        return not any(np.may_share_memory(a, b) for a in results for b in self._written)

    def _translated(
        self, translation: Translation | None, entries: tuple[Entry, ...]
    ) -> Sequence[str]:
        """Write the nodes of an operation; the names of its first results."""
        entry = entries[0]
        if id(entry) in self._drawing:
            raise UnsupportedOperatorError(
                "it draws random numbers, which would be others in another program; export in "
                "eval mode (training=TrainingMode.EVAL)"
            )
        given = arrays_in([entry.args, entry.settings])
        for array in given:
            if (error := self.values.find(array).error) is not None:
                raise error
        if translation is None:
            raise UnsupportedOperatorError(
                "this operation has no translation to ONNX; custom_translation_table takes one"
            )
        call = Call(self.values, entries, translation.operation, self._makers)
        for result in arrays_in(entry.result):
            self._makers[key_of(result)] = call
        try:
            names = translation.translate(call)
        except (TypeError, ValueError) as error:
            if not varies(
                [call.args, list(call.settings.values()), *map(self.values.shape, given)]
            ):
                raise
            raise OnnxExporterError(
                "it takes a size that dynamic axes decide where its translation has a constant"
            ) from error
        return [names] if isinstance(names, str) else list(names)

    def _write(self, translation: Translation, entries: tuple[Entry, ...]) -> None:
        """Give an array that is changed in place the name of what is in it then."""
        assert translation.writes is not None
        target = entries[0].args[translation.writes]
        self.values.require_own(target)
        name = self._translated(translation, entries)[0]
        self.values.overwrite(target, name, entries[0].called)

    # --- outputs ---

    def add_outputs(self, recordings: Sequence[Recorded], names: Sequence[str]) -> None:
        """Declare what the forward gives, under these names."""
        made = []
        for each in zip(*([array for _, array in r.outputs] for r in recordings), strict=True):
            self.values.note_twins(each[0], each)
            made.append((self.values.name(each[0]), each))
        for name, (source, each) in zip(names, made, strict=True):
            self.graph.rename(source, name)
            shape = list(merged([array.shape for array in each]))
            self.graph.outputs.append(Tensor(name, each[0].dtype, shape))


def without_copies(recorded: Recorded) -> Iterator[Entry]:
    """The entries that do more than to copy: whether one copies may depend on the sizes."""
    return (entry for entry in recorded.entries if not is_copy(entry))


def is_copy(entry: Entry) -> bool:
    """True for a call that gives the elements of its argument in the same dtype and shape."""
    if entry.kind != "call" or entry.function not in COPIES:
        return False
    (given, *_), result = entry.args, entry.result
    return bool(given.dtype == result.dtype and given.shape == result.shape)


def same_operations(recordings: Sequence[Recorded]) -> None:
    """Raise OnnxExporterError where recordings of one forward do not do the same."""
    entries = [list(without_copies(recorded)) for recorded in recordings]
    for each in zip(*entries, strict=False):
        if len(set(map(_kind, each))) > 1:
            names = " or ".join(f"`{entry.called or entry.kind}`" for entry in each)
            raise OnnxExporterError(
                f"the model does other operations for other inputs: {names} (at {each[0].where})"
            )
    if len({len(each) for each in entries}) > 1:
        raise OnnxExporterError("the model does more or fewer operations for other inputs")


def _kind(entry: Entry) -> tuple[str, Any]:
    return entry.kind, getattr(entry.function, "__code__", entry.function)
