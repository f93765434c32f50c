"""The line of the user's program that is running."""

import dis
import linecache
import sys
import types
from functools import lru_cache
from pathlib import Path

_PACKAGE = str(Path(__file__).parent.parent)


def is_ours(filename: str) -> bool:
    """True for the files of minigrad."""
    return filename.startswith(_PACKAGE)


def _calling_frame() -> types.FrameType:
    """The innermost frame outside of minigrad."""
    frame = sys._getframe(2)
    while frame.f_back is not None and is_ours(frame.f_code.co_filename):
        frame = frame.f_back
    return frame


def calling_line() -> str:
    """The innermost line outside of minigrad, as "file.py:12: the text of the line"."""
    frame = _calling_frame()
    return _words(frame.f_code.co_filename, frame.f_lineno)


@lru_cache(4096)
def _words(name: str, line: int) -> str:
    text = linecache.getline(name, line).strip()
    return f"{Path(name).name}:{line}: {text}" if text else f"{Path(name).name}:{line}"


# What may stand between a number that is read and the return of it: nothing that looks at it.
_HARMLESS = {
    "CACHE", "CALL", "COPY", "EXTENDED_ARG", "KW_NAMES", "LOAD_CONST", "NOP", "POP_TOP", "PRECALL",
    "PUSH_NULL", "RESUME", "SWAP", "BUILD_CONST_KEY_MAP", "BUILD_LIST", "BUILD_MAP", "BUILD_TUPLE",
    "LOAD_FAST", "LOAD_FAST_BORROW", "LOAD_FAST_CHECK", "LOAD_SMALL_INT", "STORE_FAST",
}  # fmt: skip
_METHODS = {"detach", "item"}


def only_returns(code: types.CodeType | None) -> bool:
    """True if the running line belongs to a function that goes on to return what it has read.

    Its remaining instructions read other numbers at most, put them together, and return them.
    """
    frame = _calling_frame()
    if frame.f_code is not code:
        return False
    after = frame.f_lasti + 1
    for instruction in dis.get_instructions(frame.f_code):
        if instruction.offset < after:
            continue
        if instruction.opname == "JUMP_FORWARD":
            after = instruction.argval
            continue
        if instruction.opname in ("RETURN_VALUE", "RETURN_CONST"):
            return True
        if instruction.opname in ("LOAD_METHOD", "LOAD_ATTR") and instruction.argval in _METHODS:
            continue
        if instruction.opname not in _HARMLESS:
            return False
    return False
