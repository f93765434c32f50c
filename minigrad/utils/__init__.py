"""What training scripts need around the model: data loading, and a drawing of the graph."""

from minigrad.utils import data
from minigrad.utils.graph_drawing import graph

__all__ = ["data", "graph"]
