"""torch.onnx: models written as ONNX files, which other programs run.

`exporter.py` is the entrance.  The model runs while a tape takes down its operations (`example.py`,
`recorded.py`), and again for other inputs; with dynamic axes (`dynamic.py`) these are of other
sizes, and `sizes.py` finds out how numbers follow from sizes.  `builder.py` walks through the
operations.  For each it asks the table in `translations/` for the nodes of ONNX that compute the
same.  A `call.py` is what a translation sees of an operation, `values.py` knows the names of
arrays, `views.py` finds views again, `graph.py` collects the nodes.  `program.py` makes of it the
object of the package onnx, and runs it by onnxruntime.

>>> minigrad.onnx.is_in_onnx_export()
False
"""

from minigrad.core.public_names import show_public_names
from minigrad.onnx import errors
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.example import TrainingMode
from minigrad.onnx.exporter import export
from minigrad.onnx.program import ONNXProgram
from minigrad.onnx.recorded import is_in_onnx_export

__all__ = [
    "ONNXProgram", "OnnxExporterError", "TrainingMode", "errors", "export", "is_in_onnx_export",
]  # fmt: skip

show_public_names(__name__)
