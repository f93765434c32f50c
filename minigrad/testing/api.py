"""Coverage of torch's public interface: names and arguments, compared with the torch installed."""

import importlib
import inspect
import sys
import types
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NoReturn

from minigrad.core.memory_format import layout, strided
from minigrad.core.number_formats import NumberFormat
from minigrad.core.scope import reason_to_leave_out
from minigrad.core.unsupported import Unsupported
from minigrad.testing.signatures import differences

# The namespaces compared; "" is the top level.
NAMESPACES = (
    "", "Tensor", "nn", "nn.functional", "nn.init", "nn.utils", "optim", "optim.lr_scheduler",
    "optim.swa_utils", "autograd", "func", "linalg", "special", "utils.data",
)  # fmt: skip


@dataclass
class Namespace:
    """The comparison of one of torch's namespaces.

    present: names that are here, and what differs in what they take, in words; empty if nothing
        does, None if they do not both say what they take.
    left_out: names that are out of scope, by reason.
    missing: names that could be here.
    """

    name: str
    present: dict[str, list[str] | None] = field(default_factory=dict)
    left_out: dict[str, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)

    @property
    def path(self) -> str:
        return ".".join(filter(None, ("torch", self.name)))

    @property
    def in_scope(self) -> int:
        """Names of torch's that are here, or could be."""
        return len(self.present) + len(self.missing)

    @property
    def compared(self) -> int:
        """Names of which it is known, here and in torch, what they take."""
        return sum(differing is not None for differing in self.present.values())

    @property
    def differing(self) -> dict[str, list[str]]:
        """The names that do not take the same as torch's, and how."""
        return {name: words for name, words in self.present.items() if words}


def compare_with_torch() -> list[Namespace]:
    """Compare each namespace with that of the torch installed.

    Raises ModuleNotFoundError, with what to install, where there is none.
    """
    try:
        import torch  # noqa: PLC0415  compared with, where it is installed
    except ModuleNotFoundError as error:
        raise ModuleNotFoundError(
            "comparing the interfaces needs torch: pip install 'minigrad[test]'"
        ) from error
    here = sys.modules[__name__.partition(".")[0]]
    return [_compare(name, _within(here, name), _within(torch, name)) for name in NAMESPACES]


def _within(root: Any, path: str) -> Any:
    """The module or class at a dotted path; an empty one if there is none."""
    found = root
    for part in filter(None, path.split(".")):
        if not hasattr(found, part):
            try:
                importlib.import_module(f"{root.__name__}.{path}")
            except ModuleNotFoundError:
                return types.SimpleNamespace()
        found = getattr(found, part)
    return found


def _compare(namespace: str, ours: Any, theirs: Any) -> Namespace:
    found = Namespace(namespace)
    for name, value in _public(theirs):
        mine = getattr(ours, name, None)
        if mine is not None and not _refuses(mine):
            found.present[name] = differences(mine, value, name)
            continue
        reason = reason_to_leave_out(namespace, name, value)
        if reason is None:
            found.missing.append(name)
        else:
            found.left_out.setdefault(reason, []).append(name)
    return found


def _refuses(value: Any) -> bool:
    """True if a name is here only to refuse with a reason."""
    returned = getattr(value, "__annotations__", {}).get("return")
    if isinstance(value, layout):
        return value is not strided
    return isinstance(value, Unsupported | NumberFormat) or returned is NoReturn


def _public(space: Any) -> Iterator[tuple[str, Any]]:
    """The public names of a namespace: its `__all__`, or else all that are not private."""
    declared = None if inspect.isclass(space) else getattr(space, "__all__", None)
    for name in sorted(dir(space) if declared is None else set(declared)):
        value = getattr(space, name, None)
        imported = declared is None and isinstance(value, types.ModuleType)
        if not name.startswith("_") and not imported and value is not None:
            yield name, value
