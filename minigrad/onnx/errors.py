"""torch.onnx.errors: what is raised where a model cannot be exported."""

from minigrad.core.public_names import show_public_names

__all__ = ["OnnxExporterError", "UnsupportedOperatorError"]


class OnnxExporterError(RuntimeError):
    """A model that cannot be exported, and why."""

    names_the_line = False  # whether the message says which operation it is about


class UnsupportedOperatorError(OnnxExporterError):
    """An operation that has no translation."""


show_public_names(__name__)
