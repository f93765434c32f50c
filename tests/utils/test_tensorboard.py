"""SummaryWriter writes what is read back from its files."""

import subprocess
import sys

import pytest

import minigrad as mg

pytest.importorskip("tensorboardX", reason="tensorboardX is not installed: minigrad[tensorboard]")
from minigrad.utils.tensorboard import SummaryWriter
from tests.support.tensorboard_events import events


def test_scalars_of_tensors_and_numbers(tmp_path):
    with SummaryWriter(tmp_path / "run") as writer:
        assert writer.log_dir == str(tmp_path / "run")
        for step in range(3):
            writer.add_scalar("loss", mg.tensor(0.5, requires_grad=True) * step, step)
        writer.add_scalar("rate", 0.25, global_step=7)
    found = events(tmp_path)
    assert [(step, value.simple_value) for step, value in found["loss"]] == [
        (0, 0.0), (1, 0.5), (2, 1.0),
    ]  # fmt: skip
    assert [(step, value.simple_value) for step, value in found["rate"]] == [(7, 0.25)]


def test_scalars_together(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_scalars("losses", {"train": mg.tensor(1.0), "test": 2.0}, 1)
    values = [v.simple_value for each in events(tmp_path).values() for _, v in each]
    assert sorted(values) == [1.0, 2.0]


def test_histograms_images_text_and_hyperparameters(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        writer.add_histogram("weights", mg.nn.Linear(3, 4).weight, 0)
        writer.add_image("image", mg.rand(3, 4, 5), 0)
        writer.add_images("images", mg.rand(2, 1, 4, 5), 0)
        writer.add_text("note", "hello", 0)
        writer.add_hparams({"lr": 0.1, "layers": 2}, {"accuracy": mg.tensor(0.75)}, run_name="h")
    found = events(tmp_path)
    assert found["weights"][0][1].histo.num == 12
    image = found["image"][0][1].image
    assert (image.height, image.width) == (4, 5)
    assert found["images"][0][1].image.width == 10
    assert [value.simple_value for _, value in found["accuracy"]] == [0.75]
    assert (tmp_path / "h").is_dir()


def test_what_cannot_be_written_says_so(tmp_path):
    with SummaryWriter(str(tmp_path)) as writer:
        with pytest.raises(NotImplementedError, match=r"utils\.graph"):
            writer.add_graph(mg.nn.Linear(1, 1), mg.ones(1, 1))
        with pytest.raises(NotImplementedError, match="domains"):
            writer.add_hparams({"lr": 1}, {"a": 1}, {"lr": [1, 2]})


def test_without_the_package_the_error_names_the_extra():
    script = "import sys; sys.modules['tensorboardX'] = None\nimport minigrad.utils.tensorboard"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=300
    )
    assert "pip install 'minigrad[tensorboard]'" in done.stderr
