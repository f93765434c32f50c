"""`ONNXProgram`: an exported model, to be saved, looked at and run."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.engine.graph import Value
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.graph import Graph, Node, Tensor
from minigrad.version import minigrad as version

# A file of Google's protocol buffers holds less than this.
MOST_BYTES = 2**31 - 2**20


def require_onnx() -> Any:
    """The package `onnx`.  Raises ModuleNotFoundError that says how to install it."""
    try:
        import onnx  # noqa: PLC0415  an optional dependency
        import onnx.numpy_helper  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "minigrad.onnx.export needs the package onnx: pip install minigrad[onnx]",
            name=error.name,
        ) from error
    return onnx


class ONNXProgram:
    """An exported model: `save` writes it, `model_proto` is the package onnx's object.

    Called with NumPy arrays or tensors, it runs by onnxruntime, and gives a tuple of arrays.
    """

    def __init__(self, graph: Graph, name: str, keeps_inputs: bool, exports: bool) -> None:
        self.graph = graph
        self.model_proto: Any = _model(graph, name, keeps_inputs, exports)
        self._session: Any = None

    def save(self, destination: Any, *, external_data: bool | None = None) -> None:
        """Write the model to a path or an open binary file.

        external_data: True writes weights into a file beside it, whose name ends in ".data"; None
        does where the model would be larger than the 2 GiB that one file may have.
        """
        onnx = require_onnx()
        if hasattr(destination, "write"):
            destination.write(self.model_proto.SerializeToString())
            return
        path = Path(os.fspath(destination))
        size = sum(array.nbytes for array in self.graph.initializers.values())
        if external_data or (external_data is None and size > MOST_BYTES):
            path.with_name(f"{path.name}.data").unlink(missing_ok=True)
            model = type(self.model_proto)()
            model.CopyFrom(self.model_proto)
            onnx.save_model(
                model, str(path), save_as_external_data=True, location=f"{path.name}.data"
            )
        else:
            path.write_bytes(self.model_proto.SerializeToString())

    def __call__(self, *args: Any, **kwargs: Any) -> tuple[np.ndarray, ...]:
        """Run the model by onnxruntime: arrays or tensors in the order of the inputs, or by name.

        Raises ModuleNotFoundError without onnxruntime.
        """
        names = [each.name for each in self.graph.inputs]
        given = dict(zip(names, args, strict=False)) | kwargs
        found = self._runtime().run(None, {key: _array(each) for key, each in given.items()})
        return tuple(np.asarray(each) for each in found)

    def _runtime(self) -> Any:
        if self._session is None:
            import onnxruntime  # noqa: PLC0415  an optional dependency

            options = onnxruntime.SessionOptions()
            options.log_severity_level = 3  # its warnings are of what it optimises away
            self._session = onnxruntime.InferenceSession(
                self.model_proto.SerializeToString(), options, ["CPUExecutionProvider"]
            )
        return self._session

    def __str__(self) -> str:
        """The nodes, one a line, each with the line of the program that it comes from."""
        inputs = ", ".join(map(_described, self.graph.inputs))
        lines = [f"inputs: {inputs}"]
        for node in self.graph.nodes:
            settings = "".join(f", {k}={_plain(v)}" for k, v in node.attributes.items())
            lines.append(
                f"{', '.join(node.outputs)} = {node.kind}({', '.join(node.inputs)}{settings})"
                + (f"  # {node.where}" if node.where else "")
            )
        return "\n".join([*lines, f"outputs: {', '.join(map(_described, self.graph.outputs))}"])


def _array(given: Any) -> np.ndarray:
    return np.asarray(given.array if isinstance(given, Value) else given, order="C")


def _described(tensor: Tensor) -> str:
    return f"{tensor.name} {tensor.dtype}{tensor.shape}".replace("'", "")


def _plain(value: Any) -> Any:
    return value.name if isinstance(value, np.dtype) else value


# --- the package's objects ------------------------------------------------------------------------


def _model(graph: Graph, name: str, keeps_inputs: bool, exports: bool) -> Any:
    onnx = require_onnx()
    helper = onnx.helper
    inputs = [_value(helper, each) for each in graph.inputs]
    weights = graph.initializers if exports else _constants(graph)
    if keeps_inputs or not exports:
        listed = [k for k in graph.initializers if keeps_inputs or k in graph.weights]
        inputs += [
            _value(helper, Tensor(each, graph.initializers[each].dtype,
                                  list(graph.initializers[each].shape)))
            for each in listed
        ]  # fmt: skip
    made = helper.make_graph(
        [_node(helper, each) for each in graph.nodes],
        name,
        inputs,
        [_value(helper, each) for each in graph.outputs],
        [onnx.numpy_helper.from_array(np.asarray(array, order="C"), key)
         for key, array in weights.items()],
    )  # fmt: skip
    opsets = [helper.make_opsetid("", graph.opset)]
    opsets += [helper.make_opsetid(domain, 1) for domain in sorted(graph.domains - {""})]
    model = helper.make_model(
        made, opset_imports=opsets, producer_name="minigrad", producer_version=version,
        ir_version=helper.find_min_ir_version_for(opsets, ignore_unknown=True),
    )  # fmt: skip
    return model


def _constants(graph: Graph) -> dict[str, np.ndarray]:
    """The arrays that are no parameters of the model."""
    return {key: array for key, array in graph.initializers.items() if key not in graph.weights}


def _value(helper: Any, tensor: Tensor) -> Any:
    dtype = helper.np_dtype_to_tensor_dtype(tensor.dtype)
    return helper.make_tensor_value_info(tensor.name, dtype, tensor.shape)


def _node(helper: Any, node: Node) -> Any:
    attributes = {
        key: helper.np_dtype_to_tensor_dtype(value) if isinstance(value, np.dtype) else value
        for key, value in node.attributes.items()
    }
    return helper.make_node(
        node.kind, node.inputs, node.outputs, domain=node.domain, doc_string=node.where or None,
        **attributes,
    )  # fmt: skip


def require_names(given: Sequence[str] | None, names: Sequence[str], what: str) -> list[str]:
    """The names of inputs or outputs: those given, then those that are made.

    Raises ValueError for too many names, and for a name that occurs twice.
    """
    found = list(given or ())
    if len(found) > len(names):
        raise ValueError(
            f"number of {what} names provided ({len(found)}) exceeded number of {what}s "
            f"({len(names)})"
        )
    found += names[len(found) :]
    repeated = sorted({name for name in found if found.count(name) > 1})
    if repeated:
        raise OnnxExporterError(f"two {what}s have the name {repeated[0]!r}")
    return found
