"""Tools for training scripts: data loading, and drawings of the graph."""

from minigrad.core.public_names import show_public_names
from minigrad.utils import checkpoint, data
from minigrad.utils.after_import import watch_einops
from minigrad.utils.graph_drawing import graph

__all__ = ["checkpoint", "data", "graph"]

watch_einops()
show_public_names(__name__)
