"""`minigrad info`: what is installed, what the machine offers, which data and operations exist."""

import argparse
import importlib.metadata
import importlib.util
import os
import platform
import sys
from pathlib import Path
from typing import Any

from minigrad.cli import inventory
from minigrad.cli.experiment import DATA
from minigrad.cli.mistake import Mistake, as_mistake
from minigrad.kernels import host
from minigrad.kernels.build import cache_dir, get_num_threads, kernel_cache_dir

PACKAGES = ("minigrad", "numpy", "numba", "llvmlite", "safetensors", "tqdm")
OPTIONAL = {"matplotlib": "plot"}
STANDARD_OUTPUT = "-"


def add_to(commands: Any) -> None:
    """Declare the command."""
    parser = commands.add_parser(
        "info", help="show versions, CPU, threads, cache and data", description=__doc__
    )
    parser.add_argument("--root", type=Path, help="look for data files in this folder")
    parser.add_argument(
        "--ops",
        action="store_true",
        help="show all operations: derivative, kernel, samples",
    )
    parser.add_argument(
        "--markdown",
        nargs="?",
        const=STANDARD_OUTPUT,
        metavar="FILE",
        help="with --ops: as Markdown, by family; with FILE between the marks in that file",
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print what a report of a problem should have in it, or the table of operations."""
    if options.ops:
        return _operations(options.markdown)
    if options.markdown is not None:
        raise Mistake("--markdown goes with --ops")
    print(f"python       {platform.python_version()} ({sys.executable})")
    for name in PACKAGES:
        print(f"{name:<12} {importlib.metadata.version(name)}")
    for name, extra in OPTIONAL.items():
        if importlib.util.find_spec(name) is None:
            print(f"{name:<12} not installed: pip install 'minigrad[{extra}]'")
        else:
            print(f"{name:<12} {importlib.metadata.version(name)}")
    print(f"cpu          {host.cpu_name()}: {', '.join(host.vector_features())}")
    print(f"registers    {host.vector_registers()}")
    print(f"threads      {get_num_threads()} of {os.cpu_count()} ({host.threading_layer()})")
    print(f"cache        {cache_dir()}: {_size(kernel_cache_dir())} of compiled kernels")
    for name, source in DATA.items():
        print(f"{name:<12} {_state(source, options.root)}")
    return 0


def _operations(markdown: str | None) -> int:
    found = inventory.entries()
    if markdown is None:
        print(inventory.table(found))
    elif markdown == STANDARD_OUTPUT:
        print(inventory.markdown(found))
    else:
        with as_mistake(OSError, ValueError):
            inventory.write_section(Path(markdown), found)
    return 0


def _size(folder: Path) -> str:
    total = sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())
    return f"{total / 1e6:.1f} MB"


def _state(source: Any, root: Path | None) -> str:
    """Whether a data set can be read now."""
    if source.bundled:
        return "in the package"
    found = source.dataset.located(root)
    return f"in {found}" if found else "not found; minigrad train downloads it"
