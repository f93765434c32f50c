"""Task kernels compiled for another x86 CPU: `python -m benchmarks.inner_loops.task_kernels TARGET`

There a micro-kernel stands between other code, which needs registers too.  Prints JSON, a list of
(target, task kernel, dtype, assembly), of those whose names contain one of the words that follow.
"""

import gc
import importlib
import json
import os
import pkgutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from typing import Any

import numpy as np

import minigrad.kernels
from benchmarks.inner_loops.micro_kernels import Assembled
from benchmarks.inner_loops.targets import TARGETS
from minigrad.kernels.compiler.task_queue import TaskKernel


def assemble(target: str, words: Iterable[str] = ()) -> list[Assembled]:
    """The task kernels for this CPU, compiled in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:  # what comes from a cache has no assembly
        variables = {
            "NUMBA_CPU_NAME": target,
            "NUMBA_CPU_FEATURES": "",
            "NUMBA_NUM_THREADS": "1",
            "MINIGRAD_VECTOR_UNIT": TARGETS[target].forced_unit,
            "MINIGRAD_CACHE": cache,
        }
        ended = subprocess.run(
            [sys.executable, "-m", __name__, target, *words],
            env=os.environ | variables, stdout=subprocess.PIPE, text=True, check=True,
        )  # fmt: skip
    return [Assembled(*each) for each in json.loads(ended.stdout)]


def main() -> None:
    """Compile for the CPU that the environment names."""
    target, *words = sys.argv[1:]
    for module in pkgutil.walk_packages(minigrad.kernels.__path__, "minigrad.kernels."):
        importlib.import_module(module.name)
    found = [each for each in gc.get_objects() if type(each) is TaskKernel]
    assembled = []
    for kernel in sorted(found, key=lambda kernel: kernel.name):
        if not words or any(word in kernel.name for word in words):
            compiled: Any = kernel.compile(np.dtype(np.float32))
            name = kernel.name.removeprefix("minigrad.kernels.")
            assembly = compiled._library.get_asm_str()
            assembled.append(Assembled(target, name, "float32", assembly))
    json.dump(assembled, sys.stdout)


if __name__ == "__main__":
    main()
