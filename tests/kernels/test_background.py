"""Two processes share compilation: each waits for the other's kernels, or compiles them itself."""

import io
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numba
import numpy as np
import pytest

from minigrad.kernels import precompile
from minigrad.kernels.compiler import process
from minigrad.kernels.compiler.background import BackgroundCompiler
from minigrad.kernels.compiler.task_queue import TaskKernel
from minigrad.kernels.conv import depthwise, direct, implicit_gemm
from minigrad.kernels.matmul import gemm

# Prints its arguments, and appends those it may compile to a file; one that ends in "!" ends it.
MODULE = """
import os, sys, time
out, *names = sys.argv[1:]
for name in names:
    print(name, flush=True)
    if sys.stdin.readline() == "yes\\n":
        if name.endswith("!"):
            os._exit(1)
        time.sleep(0.5)
        with open(out, "a") as file:
            print(name, file=file)
time.sleep(60 if "linger" in names else 0)
"""


@pytest.fixture(autouse=True)
def is_enabled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Also here, where tests/conftest.py may have disabled it."""
    monkeypatch.setenv("MINIGRAD_DISABLE", "")
    process._disabled.cache_clear()
    yield
    process._disabled.cache_clear()


@pytest.fixture
def compiler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> BackgroundCompiler:
    (tmp_path / "other_compiler.py").write_text(MODULE)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 2)
    return BackgroundCompiler("other_compiler")


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_wait_for_a_kernel_begun_by_the_second_process(
    compiler: BackgroundCompiler, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    compiler.start(str(done), "a", "b")
    until(lambda: "a" in compiler._begun)
    compiler.wait_for("a")
    assert done.read_text() == "a\n"
    compiler.wait_for("b")
    compiler.join()
    assert done.read_text() == "a\nb\n"


def test_the_second_process_skips_kernels_begun_here(
    compiler: BackgroundCompiler, tmp_path: Path
) -> None:
    done = tmp_path / "done"
    compiler.wait_for("b")
    compiler.start(str(done), "a", "b", "c")
    compiler.join()
    assert done.read_text() == "a\nc\n"


def test_one_process_at_a_time(compiler: BackgroundCompiler, tmp_path: Path) -> None:
    done = tmp_path / "done"
    compiler.start(str(done), "a")
    compiler.start(str(done), "left out")
    compiler.join()
    compiler.start(str(done), "a", "b")
    compiler.join()
    assert done.read_text() == "a\nb\n"


def test_no_wait_for_a_process_that_has_died(compiler: BackgroundCompiler, tmp_path: Path) -> None:
    compiler.start(str(tmp_path / "done"), "a!", "b")
    until(lambda: "a!" in compiler._begun)
    compiler.wait_for("a!")
    compiler.wait_for("b")


def test_no_wait_where_no_process_can_be_started(
    compiler: BackgroundCompiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", str(tmp_path / "nowhere"))
    compiler.start(str(tmp_path / "done"), "a")
    compiler.wait_for("a")
    compiler.join()


def test_no_second_process_on_one_core(
    compiler: BackgroundCompiler, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numba.config, "NUMBA_NUM_THREADS", 1)
    compiler.start(str(tmp_path / "done"), "a")
    compiler.join()
    assert not (tmp_path / "done").exists()


def output(program: str, *arguments: object, **variables: str) -> str:
    """The output of a program in a new process."""
    done = subprocess.run(
        [sys.executable, "-c", program, *map(str, arguments)],
        env=os.environ | variables,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system has no fork")
def test_a_fork_waits_for_nothing() -> None:
    """It has no thread that reads the second process's messages."""
    status = output(
        "import os, threading\n"
        "from minigrad.kernels.compiler.background import BackgroundCompiler\n"
        "compiler = BackgroundCompiler('other_compiler')\n"
        "compiler._begun['a'] = threading.Event()\n"  # as if the other were at it
        "if fork := os.fork():\n"
        "    print(os.waitpid(fork, 0)[1])\n"
        "else:\n"
        "    compiler.wait_for('a')\n"
    )
    assert status == "0\n"


def test_the_second_process_ends_with_this_one(
    compiler: BackgroundCompiler, tmp_path: Path
) -> None:
    pid = output(
        "import sys\n"
        "from minigrad.kernels.compiler.background import BackgroundCompiler\n"
        "compiler = BackgroundCompiler('other_compiler')\n"
        "compiler.start(sys.argv[1], 'linger')\n"
        "print(compiler._process.pid)\n",
        tmp_path / "done",
        NUMBA_NUM_THREADS="2",
        PYTHONPATH=os.pathsep.join([str(tmp_path), *sys.path]),
    )
    with pytest.raises(ProcessLookupError):
        os.kill(int(pid), 0)


def test_gemm_also_starts_gemm_nt(tmp_path: Path) -> None:
    """With an empty cache: this process reads the second kernel from it and compiles only one."""
    compiled = output(
        "import time\n"
        "import numpy as np\n"
        "from numba.core import event\n"
        "from minigrad.kernels.compiler import task_queue\n"
        "from minigrad.kernels.matmul import gemm, gemm_nt\n"
        "float32 = np.dtype('float32')\n"
        "with event.install_recorder('numba:compile') as record:\n"
        "    gemm.product_tasks.compile(float32)\n"
        "    begun = task_queue.background_compiler._begun\n"
        "    while gemm_nt.product_tasks.name_for(float32) not in begun:\n"
        "        time.sleep(0.1)\n"
        "    gemm_nt.product_tasks.compile(float32)\n"
        "print(sorted({e.data['dispatcher'].py_func.__module__ for _, e in record.buffer\n"
        "              if e.data['dispatcher'].py_func.__name__ == 'product_tasks'}))\n",
        MINIGRAD_CACHE=str(tmp_path),
        NUMBA_NUM_THREADS="2",
    )
    assert compiled == "['minigrad.kernels.matmul.gemm']\n"


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        (gemm.product_tasks, {"gemm", "gemm_nt"}),
        (
            implicit_gemm.correlation_tasks,
            {"implicit_gemm", "implicit_gemm_weight_grad", "winograd", "winograd_weight_grad"},
        ),
        (direct.correlation_tasks, {"direct"}),
        (depthwise.correlation_tasks, {"depthwise"}),
    ],
)
def test_only_kernels_of_one_group_are_named(
    asked: TaskKernel,
    named: set[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture,
) -> None:
    """A matrix product starts no convolutions, though a convolution starts products."""
    monkeypatch.setattr(sys, "stdin", io.StringIO("no\n" * 20))
    precompile.compile_along_with(asked.name, np.dtype("float32"))
    lines = capsys.readouterr().out.splitlines()
    modules = {line.split()[0].split(".")[-2] for line in lines}
    assert named <= modules <= named | {"gemm", "gemm_nt"}
    assert all(line.endswith(" float32") for line in lines)


def test_kernels_of_a_user_start_no_others(capsys: pytest.CaptureFixture) -> None:
    precompile.compile_along_with("theirs.tasks", np.dtype("float32"))
    assert capsys.readouterr().out == ""


def test_a_rehearsal_compiles_what_a_training_step_calls() -> None:
    """With the same types: no kernel has a second signature after the step."""
    told = output(
        "import numpy as np\n"
        "import minigrad as torch\n"
        "from minigrad import nn\n"
        "from minigrad.kernels import precompile as ahead\n"
        "ahead.rehearse(np.dtype('float32'))\n"
        "kernels = [ahead.reduce._sum_rows, ahead.reduce._sum_columns,\n"
        "           ahead.max_pool._scatter_add, ahead.elementwise.relu_backward.kernel,\n"
        "           ahead.cross_entropy._scale_rows, ahead.softmax._log_softmax_backward]\n"
        "known = [k.run.signatures for k in kernels]\n"
        "model = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),\n"
        "                      nn.Linear(8 * 13 * 13, 10), nn.LogSoftmax(1))\n"
        "loss = nn.functional.cross_entropy(model(torch.randn(512, 1, 28, 28)),\n"
        "                                   torch.randint(0, 10, (512,)))\n"
        "loss.backward()\n"
        "print(all(known), known == [k.run.signatures for k in kernels])\n"
    )
    assert told == "True True\n"


def test_two_processes_may_add_to_one_cache(tmp_path: Path) -> None:
    """As if each had read the index of compiled code before the other wrote it."""
    for dtype in ("float32", "float64"):
        output(
            "import numpy as np\n"
            "from minigrad.kernels.pointwise import elementwise\n"
            f"elementwise.exp(np.zeros(9000, '{dtype}'))\n",
            MINIGRAD_CACHE=str(tmp_path),
        )
        for index in tmp_path.rglob("*.nbi"):
            index.unlink()
    assert len(list(tmp_path.rglob("*_exp-*.nbc"))) == 2
