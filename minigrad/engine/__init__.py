"""The autodiff engine: values, nodes, how operations are declared and called, the backward pass."""
