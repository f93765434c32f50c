"""Scripts written for torch run on minigrad with their import lines changed, and learn as much."""

import re
from pathlib import Path

import numpy as np
import pytest

from minigrad.vision.datasets import Digits

SCRIPTS = Path(__file__).parent / "scripts"


def ported(script):
    """The script with `torch` replaced by `minigrad` on its import lines, and nowhere else."""
    named = re.sub(r"^import torch$", "import minigrad as torch", script, flags=re.MULTILINE)
    return re.sub(r"^(import|from) torch\b", r"\1 minigrad", named, flags=re.MULTILINE)


@pytest.fixture
def digits(tmp_path, monkeypatch):
    """A directory with digits as arrays, in which the scripts run."""
    for part, train in (("train", True), ("test", False)):
        dataset = Digits(train=train)
        np.save(tmp_path / f"{part}_images.npy", dataset.data.numpy())
        np.save(tmp_path / f"{part}_labels.npy", dataset.targets.numpy())
    images, labels = np.load(tmp_path / "train_images.npy"), np.load(tmp_path / "train_labels.npy")
    for name, digit in (("threes", 3), ("sevens", 7)):
        chosen = images[labels == digit].astype(np.float64) * (255 / 16)
        enlarged = np.pad(np.kron(chosen, np.ones((1, 3, 3))), ((0, 0), (2, 2), (2, 2)))
        np.save(tmp_path / f"{name}.npy", enlarged.astype(np.uint8))
    monkeypatch.chdir(tmp_path)


def run(text, name):
    """Everything a script has defined when it ends."""
    namespace = {"__name__": "__main__"}
    exec(compile(text, name, "exec"), namespace)
    return namespace


@pytest.mark.parametrize("name", ["lecture_cnn", "three_or_seven", "two_layers_with_dropout"])
def test_a_ported_script_learns_as_much(name, digits):
    text = (SCRIPTS / f"{name}.py").read_text()
    changed = ported(text)
    assert "minigrad" in changed
    theirs, ours = run(text, f"{name} on torch"), run(changed, f"{name} on minigrad")
    assert ours["torch"].__name__ == "minigrad"
    for result in (theirs, ours):
        assert result["losses"][-1] < 0.6 * result["losses"][0]
        assert result["accuracy"] > 0.93
    assert abs(ours["accuracy"] - theirs["accuracy"]) < 0.04


def test_the_three_or_seven_script_reaches_the_same_at_every_stage(digits):
    text = (SCRIPTS / "three_or_seven.py").read_text()
    theirs, ours = run(text, "on torch"), run(ported(text), "on minigrad")
    assert ours["baseline"] == pytest.approx(theirs["baseline"], abs=1e-6)
    for stage in ("by_hand", "with_linear", "with_net"):
        assert abs(ours[stage] - theirs[stage]) < 0.06, stage


def test_the_lecture_script_fills_the_classes(digits):
    ours = run(ported((SCRIPTS / "lecture_cnn.py").read_text()), "on minigrad")
    assert sum(ours["class_correct"]) == ours["correct"]
