"""Versions: minigrad's own, and that of torch's interface which it offers.

>>> minigrad.__version__ >= "2.2"
True
>>> minigrad.version.cuda is None
True
"""

import re
from typing import Any

from minigrad.core.public_names import show_public_names

minigrad = "0.1.0"
"""minigrad's own version."""


class TorchVersion(str):
    """A version that compares by its numbers, with a string or a tuple: `version >= (2, 2)`."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return _comparable(other) and _numbers(self, other) == _numbers(other, self)

    def __ne__(self, other: object) -> bool:
        return not self == other

    def __lt__(self, other: Any) -> bool:
        return _numbers(self, other) < _numbers(other, self)

    def __le__(self, other: Any) -> bool:
        return _numbers(self, other) <= _numbers(other, self)

    def __gt__(self, other: Any) -> bool:
        return _numbers(self, other) > _numbers(other, self)

    def __ge__(self, other: Any) -> bool:
        return _numbers(self, other) >= _numbers(other, self)

    __hash__ = str.__hash__


def _comparable(given: object) -> bool:
    return isinstance(given, str | tuple)


def _numbers(version: Any, other: Any) -> list[int]:
    """The numbers before the local part, with zeros to the length of the other's."""
    if not _comparable(version):
        raise TypeError(f"a version compares with a string or a tuple, not {version!r}")
    found = _release(version)
    return found + [0] * (len(_release(other)) - len(found)) if _comparable(other) else found


def _release(version: str | tuple[Any, ...]) -> list[int]:
    text = ".".join(map(str, version)) if isinstance(version, tuple) else str.__str__(version)
    return [int(number) for number in re.findall(r"\d+", text.partition("+")[0])]


__version__ = TorchVersion(f"2.13.0+minigrad.{minigrad}")
"""The version of torch's interface, and behind the plus sign minigrad's own."""

cuda = hip = xpu = None
debug = False
git_version = "unknown"

__all__ = ["TorchVersion", "cuda", "debug", "git_version", "hip", "minigrad", "xpu"]

show_public_names(__name__)
