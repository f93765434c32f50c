"""The key of a compiled kernel covers all text that its machine code follows from, no other."""

import ast
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from minigrad.kernels.compiler.cache import KernelSources
from tests.support.house import ROOT, imports_of


@pytest.fixture
def kernels(tmp_path: Path) -> Path:
    """A copy of the package's kernels, to be edited."""
    return Path(shutil.copytree(ROOT / "kernels", tmp_path / "kernels"))


def is_new_after_an_edit(kernels: Path, kernel: str, edited: str) -> bool:
    before = KernelSources(kernels).key(kernels / kernel)
    with open(kernels / edited, "a") as file:
        file.write("# an edit\n")
    return KernelSources(kernels).key(kernels / kernel) != before


@pytest.mark.parametrize(
    ("kernel", "edited"),
    [
        ("reduction/softmax.py", "reduction/softmax.py"),
        ("reduction/softmax.py", "reduction/reduce.py"),  # a neighbour
        ("reduction/softmax.py", "simd/microkernels.py"),
        ("reduction/softmax.py", "compiler/outline.py"),
        ("reduction/softmax.py", "compiler/float_control.py"),
        ("pooling/max_pool.py", "conv/plan.py"),  # a folder that its neighbour imports from
    ],
)
def test_an_edit_of_what_a_kernel_follows_from_is_seen(
    kernels: Path, kernel: str, edited: str
) -> None:
    assert is_new_after_an_edit(kernels, kernel, edited)


def test_other_versions_of_what_compiles_have_code_of_their_own(kernels: Path) -> None:
    keys = {KernelSources(kernels, v).key(kernels / "gather.py") for v in ("1 2 3", "1 2 4", "")}
    assert len(keys) == 3


def test_an_edit_of_a_folder_imported_from_is_seen(kernels: Path) -> None:
    for name, text in {
        "a/loops.py": "from minigrad.kernels import (\n    b,\n)\n",
        "b/loops.py": "import minigrad.kernels.c.loops\n",
        "c/loops.py": "from minigrad.kernels.loose import double\n",
        "loose.py": "",
    }.items():
        (kernels / name).parent.mkdir(exist_ok=True)
        (kernels / name).write_text(text)
    for edited in ("b/loops.py", "c/loops.py", "loose.py"):
        assert is_new_after_an_edit(kernels, "a/loops.py", edited)


@pytest.mark.parametrize(
    ("kernel", "edited"),
    [
        ("reduction/softmax.py", "pooling/max_pool.py"),
        ("reduction/softmax.py", "conv/winograd.py"),
        ("reduction/softmax.py", "gather.py"),
        ("gather.py", "precompile.py"),
        ("gather.py", "compiler/checked_cache.py"),
    ],
)
def test_an_edit_elsewhere_is_not(kernels: Path, kernel: str, edited: str) -> None:
    assert not is_new_after_an_edit(kernels, kernel, edited)


def test_a_users_file_is_keyed_by_its_text_the_common_folders_and_what_it_imports(
    kernels: Path, tmp_path: Path
) -> None:
    own = tmp_path / "own.py"
    own.write_text("from minigrad.kernels import kernel, prange\n")
    assert is_new_after_an_edit(kernels, "../own.py", "../own.py")
    assert is_new_after_an_edit(kernels, "../own.py", "simd/math.py")
    assert is_new_after_an_edit(kernels, "../own.py", "compiler/kernel.py")
    assert not is_new_after_an_edit(kernels, "../own.py", "matmul/gemm.py")
    (tmp_path / "beside.py").write_text("")
    assert not is_new_after_an_edit(kernels, "../own.py", "../beside.py")
    own.write_text("from minigrad.kernels.matmul.gemm import pack\n")
    assert is_new_after_an_edit(kernels, "../own.py", "matmul/gemm.py")


def test_texts_are_those_of_the_import_and_a_users_those_of_today(
    kernels: Path, tmp_path: Path
) -> None:
    """A user may edit a module and import it again; the package is imported once."""
    package, own = kernels / "gather.py", tmp_path / "own.py"
    own.write_text("")
    sources = KernelSources(kernels)
    before = sources.key(package), sources.key(own)
    for file in (package, own):
        file.write_text("# edited\n")
    assert sources.key(package) == before[0]
    assert sources.key(own) != before[1]


@pytest.mark.parametrize("file", sorted((ROOT / "kernels").rglob("*.py")), ids=lambda f: f.stem)
def test_imports_are_found_in_the_text_as_python_finds_them(file: Path) -> None:
    sources = KernelSources(ROOT / "kernels")
    parts = {
        module.split(".")[2]
        for _, module in imports_of(ast.parse(file.read_text()))
        if module.startswith("minigrad.kernels.")
    }
    found = {unit.stem for unit in sources._imported(file.read_bytes())}
    assert found == parts


PROGRAM = """
import numpy as np
from own import scale
out = np.zeros(3)
scale.run(out, np.ones(3))
print(out[0])
"""
KERNEL = """
from minigrad.kernels import kernel

@kernel
def scale(out, x):
    for i in range(x.size):
        out[i] = x[i] * 2
"""


def test_a_users_kernel_is_compiled_once_and_anew_after_an_edit(tmp_path: Path) -> None:
    own = tmp_path / "own.py"
    environment = os.environ | {
        "MINIGRAD_CACHE": str(tmp_path / "cache"),
        "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
    }

    def run() -> tuple[float, bool]:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, check=True,
            capture_output=True, text=True,
        )  # fmt: skip
        return float(done.stdout), "compiling kernels" in done.stderr

    own.write_text(KERNEL)
    assert run() == (2, True)
    assert run() == (2, False)
    own.write_text(KERNEL.replace("* 2", "* 3"))
    assert run() == (3, True)
