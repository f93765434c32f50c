"""Tools for training scripts: data loading, and drawings of the graph."""

from typing import TYPE_CHECKING

from minigrad.core.public_names import show_public_names
from minigrad.utils import checkpoint
from minigrad.utils.after_import import watch_imports
from minigrad.utils.graph_drawing import graph

if TYPE_CHECKING:  # imported when it is first read
    from minigrad.utils import data

__all__ = ["checkpoint", "data", "graph"]

watch_imports()
show_public_names(__name__, lazy=("collect_env", "data", "dlpack", "hooks"))
