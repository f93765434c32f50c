"""Names of torch._dynamo, torch's compiler, that programs use: models run as they are written.

>>> minigrad._dynamo.config.suppress_errors = True  # can be set and read
"""

from typing import Any

from minigrad._dynamo import config
from minigrad.compiler import allow_in_graph, disable, is_compiling, reset
from minigrad.core.public_names import show_public_names

__all__ = [
    "allow_in_graph", "config", "disable", "graph_break", "is_compiling", "mark_dynamic",
    "mark_static", "maybe_mark_dynamic", "reset",
]  # fmt: skip


def graph_break(msg: str = "") -> None:
    """Nothing: there is no graph to break."""


def mark_dynamic(t: Any, index: Any, **settings: Any) -> None:
    """Nothing: all sizes may change from call to call."""


maybe_mark_dynamic = mark_static = mark_dynamic

show_public_names(__name__)
