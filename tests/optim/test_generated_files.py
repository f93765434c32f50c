"""The files of generated kernels: written, damaged, cached, found by another process."""

import os
import subprocess
import sys

import numpy as np

from minigrad.kernels.fused_optimizer import multi_tensor
from minigrad.optim import RuleOptimizer
from minigrad.optim.fused.rule import rule
from tests.support.optim.rules import Lion, stepped


def test_a_changed_text_is_never_answered_from_an_old_file(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    multi_tensor.compiled.cache_clear()
    results = []
    for factor in (1.0, 2.0):
        space = {"factor": factor}
        exec(f"def same(theta, g):\n    return theta - {factor} * g{' * g' * (factor > 1)}", space)

        class Same(RuleOptimizer, rule=rule(space["same"])):
            """One of two."""

        results.append(stepped(Same, np.zeros(1), [np.array([3.0])]).item())
    assert results == [-3.0, -18.0]
    first, second = sorted((tmp_path / "rules").glob("same_*.py"))
    assert first.read_text() != second.read_text()


def test_a_damaged_file_is_written_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    multi_tensor.compiled.cache_clear()
    stepped(Lion, np.zeros(1), [np.ones(1)])
    (file,) = (tmp_path / "rules").glob("lion_*.py")
    good = file.read_text()
    file.write_text(good[: len(good) // 2])
    multi_tensor.compiled.cache_clear()
    assert stepped(Lion, np.zeros(1), [np.ones(1)]).item() == -1e-4
    assert file.read_text() == good
    assert [f.name for f in (tmp_path / "rules").iterdir() if f.suffix == ".partial"] == []


def test_where_the_cache_cannot_be_written_a_temporary_folder_serves(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path / "file"))
    multi_tensor.compiled.cache_clear()
    assert stepped(Lion, np.zeros(1), [np.ones(1)]).item() == -1e-4


def test_another_process_finds_the_machine_code_on_disk(tmp_path):
    script = """
import numpy as np
from numba.core import event
from minigrad.tensor.creation import from_numpy
from minigrad.optim import SGD
with event.install_recorder("numba:compile") as recorder:
    p = from_numpy(np.ones(3)).requires_grad_()
    p.grad = from_numpy(np.ones(3))
    SGD([p], lr=0.25).step()
print(p.tolist(), sum(r.is_start for _, r in recorder.buffer))
"""
    environment = os.environ | {"MINIGRAD_CACHE": str(tmp_path)}
    cold, warm = (
        subprocess.run(
            [sys.executable, "-c", script], env=environment, capture_output=True, text=True,
            check=True,
        ).stdout
        for _ in range(2)
    )  # fmt: skip
    assert cold.startswith("[0.75, 0.75, 0.75]")
    assert not cold.endswith(" 0\n")
    assert warm == "[0.75, 0.75, 0.75] 0\n"
