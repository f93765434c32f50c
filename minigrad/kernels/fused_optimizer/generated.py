"""Generated modules: written to the cache directory, because Numba caches machine code only for
functions that have a file.  The file's name contains a hash of its text.
"""

import hashlib
import linecache
import os
import re
import sys
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple

import numpy as np

from minigrad.kernels.compiler.cache import cache_dir
from minigrad.kernels.compiler.cache_folder import private_folder, temporary_folder
from minigrad.kernels.compiler.kernel import Kernel
from minigrad.kernels.fused_optimizer.codegen import source
from minigrad.kernels.fused_optimizer.program import Program


class Compiled(NamedTuple):
    """The kernels of a program: pairs of a kernel and the reductions that it sums for, and then the
    kernel `update`.  A reduction is named by its instruction."""

    reduce: tuple[tuple[Kernel, tuple[str, ...]], ...]
    update: Kernel


@cache
def compiled(program: Program, dtype: np.dtype[Any]) -> Compiled:
    """Return the kernels of `program` for float32 or float64; each compiles on its first call."""
    text = source(program, dtype)
    digest = hashlib.sha256(text.encode()).hexdigest()[:16]
    name = re.sub(r"\W", "_", program.name)[:60]
    module = _run(_save(f"{name}_{digest}", text), text)
    reduce = tuple(
        (
            getattr(module, f"reduce_{k}"),
            tuple(program.instructions[number - program.inputs][0] for number in numbers),
        )
        for k, numbers in enumerate(program.reductions_by_pass())
    )
    return Compiled(reduce, module.update)


def _run(path: Path, text: str) -> ModuleType:
    """Return the module with this text.

    What the file contains, or a bytecode file beside it, is not executed: another program may have
    damaged it since it was written.
    """
    module = ModuleType(f"minigrad_rule_{path.stem}")
    module.__file__ = str(path)
    # Where `inspect` finds the source of a function; without a time, it is not read from the disk.
    linecache.cache[str(path)] = len(text), None, text.splitlines(keepends=True), str(path)
    sys.modules[module.__name__] = module  # Numba looks it up there when it loads machine code
    exec(compile(text, path, "exec"), module.__dict__)
    return module


def _save(stem: str, text: str) -> Path:
    """Write `text` to a file in the cache, or in a temporary folder where that is impossible."""
    try:
        return _write(private_folder(cache_dir(), "rules"), stem, text)
    except OSError:
        return _write(temporary_folder(), stem, text)


def _write(folder: Path, stem: str, text: str) -> Path:
    path = folder / f"{stem}.py"
    if path.is_file() and path.read_bytes() == text.encode():
        return path
    # An atomic rename: another process never reads half a file.
    handle, partial = tempfile.mkstemp(dir=folder, prefix=stem, suffix=".partial")
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(partial, path)
    return path
