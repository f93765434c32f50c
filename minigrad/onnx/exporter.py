"""`export`: a model written as an ONNX file."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from minigrad.core.unsupported import refuse
from minigrad.nn.module import Module
from minigrad.onnx.builder import Builder
from minigrad.onnx.dynamic import axes_by_input, name_sizes
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.example import Example, TrainingMode
from minigrad.onnx.graph import Graph
from minigrad.onnx.program import ONNXProgram, require_names, require_onnx
from minigrad.onnx.values import Values

OPSET = 18
"""The version of ONNX's operations that is written unless another one is asked for."""

TOLERANCE = 1e-5
"""What `verify` allows, relative to the largest element of an output."""


def export(
    model: Callable[..., Any], args: Any = (), f: Any = None, *,
    kwargs: dict[str, Any] | None = None, verbose: bool | None = None,
    input_names: Sequence[str] | None = None, output_names: Sequence[str] | None = None,
    opset_version: int | None = None, dynamo: bool = True, external_data: bool | None = None,
    dynamic_shapes: Any = None,
    custom_translation_table: Mapping[Callable[..., Any], Callable[..., Any]] | None = None,
    report: bool = False, optimize: bool = True, verify: bool = False, profile: bool = False,
    dump_exported_program: bool = False, artifacts_dir: Any = ".", export_params: bool = True,
    keep_initializers_as_inputs: bool = False,
    dynamic_axes: Mapping[str, Mapping[int, str] | Sequence[int]] | None = None,
    training: TrainingMode = TrainingMode.EVAL, operator_export_type: Any = None,
    do_constant_folding: bool = True, custom_opsets: Any = None,
    export_modules_as_functions: Any = False, autograd_inlining: bool = True,
) -> ONNXProgram:  # fmt: skip
    """Write a model as an ONNX file, and return it as an `ONNXProgram`.

    The model, a module or a function of tensors, runs for the example inputs args and kwargs, and
    its operations are written as nodes; what is no tensor is a constant.  It runs once more for
    other elements: a decision by numbers of the inputs is an error, as is an operation without a
    translation.  Errors name the operation and the line.  f: a path, or an open binary file.

    input_names, output_names: of the first ones; others are named after the model's arguments.
    dynamic_axes: {"name": {0: "batch"}} or {"name": [0]}, axes of any size, or dynamic_shapes, the
        same in torch's newer form.  The model then runs for two other sizes too.
    training: the mode in which a module runs, and only then.  opset_version: 18, or a later one.
    do_constant_folding, optimize: what follows from parameters alone is computed now.
    export_params: False makes them inputs without values; keep_initializers_as_inputs: with.
    custom_translation_table: translations of further operations; see the guide to exporting.
    verify: compares onnxruntime's results, to 1e-5 of the largest.  verbose prints the nodes.
    external_data: True writes parameters into a second file; None if they need more than 2 GiB.

    Raises OnnxExporterError for what cannot be exported, ValueError for settings that do not fit,
    ModuleNotFoundError without onnx, NotImplementedError for arguments of torch's exporter alone.

    PyTorch differs: dynamo=True and False are one exporter; external_data is None by default; a
    module in train mode is exported in eval mode.
    """
    _refuse_foreign(
        report=report, profile=profile, dump_exported_program=dump_exported_program,
        custom_opsets=custom_opsets, export_modules_as_functions=export_modules_as_functions,
        operator_export_type=operator_export_type, artifacts_dir=artifacts_dir != ".",
        autograd_inlining=not autograd_inlining,
    )  # fmt: skip
    graph = Graph(_opset(opset_version))
    example = Example(model, args, kwargs, TrainingMode(training))
    keeps = keep_initializers_as_inputs
    folds = do_constant_folding and optimize and export_params and not keeps
    names = _Names(input_names, output_names, dynamic_axes, dynamic_shapes)
    outputs = _write(graph, example, names, folds, custom_translation_table or {})
    graph.drop_unused(graph.weights if keeps else ())
    name = getattr(model, "__name__", type(model).__name__)
    program = ONNXProgram(graph, name, keeps, export_params)
    if verbose:
        print(program)
    if verify:
        _verify(program, example.arrays, outputs)
    if f is not None:
        program.save(f, external_data=external_data)
    return program


class _Names(NamedTuple):
    """What the user calls inputs, outputs and dynamic axes."""

    inputs: Sequence[str] | None
    outputs: Sequence[str] | None
    axes: Any
    shapes: Any


def _write(
    graph: Graph, example: Example, given: _Names, folds: bool,
    translations: Mapping[Callable[..., Any], Callable[..., Any]],
) -> list[tuple[str, np.ndarray]]:  # fmt: skip
    """Write the graph of an example; what the model gave for it."""
    inputs = require_names(given.inputs, example.names, "input")
    axes = axes_by_input(inputs, given.outputs or ("output",), given.axes, given.shapes)
    recordings = example.recordings(axes)
    returned = recordings[0].outputs
    outputs = require_names(given.outputs, [name for name, _ in returned], "output")
    for name in (*inputs, *outputs):
        if graph.fresh(name) != name:
            raise OnnxExporterError(f"an input and an output have the name {name!r}")
    values = Values(graph, folds)
    if isinstance(example.model, Module):
        for name, tensor in [*example.model.named_parameters(), *example.model.named_buffers()]:
            values.add_weight(name, tensor.array)
    builder = Builder(graph, values, translations, folds)
    builder.build(recordings, inputs)
    builder.add_outputs(recordings, outputs)
    name_sizes(graph.inputs, graph.outputs, axes, given.axes)
    return returned


def _refuse_foreign(**given: Any) -> None:
    """Raise NotImplementedError for an argument that says something to torch's exporter alone."""
    for name, value in given.items():
        if value:
            refuse(
                f"onnx.export({name}=...)",
                "it is of torch's exporter; leave it out, the file is the same",
            )


def _opset(given: int | None) -> int:
    """The version of ONNX's operations.  Raises ValueError for one that is not written."""
    latest: int = require_onnx().defs.onnx_opset_version()
    version = OPSET if given is None else given
    if not OPSET <= version <= latest:
        raise ValueError(
            f"opset_version must be between {OPSET} and {latest}, the latest that the package onnx "
            f"knows, got {version}"
        )
    return version


def _verify(
    program: ONNXProgram, inputs: Sequence[np.ndarray], outputs: Sequence[tuple[str, np.ndarray]]
) -> None:
    """Raise OnnxExporterError if onnxruntime gives other numbers for the example."""
    found = program(*inputs)
    for (name, expected), result in zip(outputs, found, strict=True):
        if result.dtype != expected.dtype or result.shape != expected.shape:
            raise OnnxExporterError(
                f"onnxruntime gives {name!r} as {result.dtype}{list(result.shape)} and not as "
                f"{expected.dtype}{list(expected.shape)}"
            )
        scale = max(1.0, float(np.abs(expected).max(initial=0)))
        if not np.allclose(result, expected, rtol=0, atol=TOLERANCE * scale, equal_nan=True):
            raise OnnxExporterError(
                f"onnxruntime gives another {name!r}: it differs by "
                f"{float(np.abs(result - expected).max()):.3g}"
            )
