"""The command `minigrad`: what it does, what it refuses, how it ends."""

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import minigrad as mg
from minigrad.cli import main
from minigrad.vision import models
from minigrad.vision.datasets import MNIST, Digits


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    folder = tmp_path_factory.mktemp("run")
    assert main(["train", "--epochs", "2", "--quiet", "--out", str(folder)]) == 0
    return folder


def test_train_writes_weights_that_give_the_accuracy_it_reports(trained):
    history = json.loads((trained / "history.json").read_text())
    model = models.DigitsCNN(1)
    model.load_state_dict(mg.load(trained / "weights.safetensors"))
    model.eval()
    test = Digits(train=False)
    images = (test.data.float() / 8 - 1).unsqueeze(1)
    with mg.no_grad():
        right = (model(images).argmax(1) == test.targets).float().mean().item()
    assert right == pytest.approx(history["test_accuracy"], abs=1e-6)
    assert right > 0.9


def test_history_is_consistent(trained):
    history = json.loads((trained / "history.json").read_text())
    confusion = np.array(history["confusion"])
    assert confusion.sum() == 360
    assert np.trace(confusion) / 360 == pytest.approx(history["test_accuracy"])
    assert [e["number"] for e in history["epochs"]] == [1, 2]
    assert history["epochs"][-1]["test_accuracy"] == history["test_accuracy"]
    assert not history["interrupted"]
    by_class = list(history["accuracy_per_class"].values())
    assert by_class == pytest.approx((np.diag(confusion) / confusion.sum(1)).tolist())


def test_the_picture_is_a_png(trained):
    assert (trained / "report.png").read_bytes().startswith(b"\x89PNG")


def test_same_seed_same_run(trained, tmp_path):
    main(["train", "--epochs", "2", "--quiet", "--out", str(tmp_path)])
    first, second = (mg.load(d / "weights.safetensors") for d in (trained, tmp_path))
    assert all(first[name].equal(second[name]) for name in first)


@pytest.mark.parametrize("model", ["linear", "mlp"])
@pytest.mark.parametrize("optimizer", ["sgd", "adam"])
def test_every_model_learns_with_every_optimizer(model, optimizer, capsys):
    arguments = ["--model", model, "--optimizer", optimizer, "--lr", "0.01", "--epochs", "3"]
    assert main(["train", *arguments]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last.startswith("test accuracy: ")
    assert float(last.split()[-1].rstrip("%")) > 80


MISTAKES = {
    "epochs": (["--epochs", "-1"], "--epochs"),
    "epochs not a number": (["--epochs", "many"], "--epochs"),
    "batch size": (["--batch-size", "0"], "--batch-size"),
    "learning rate": (["--lr", "-0.1"], "--lr"),
    "learning rate nan": (["--lr", "nan"], "--lr"),
    "threads": (["--threads", "100000"], "threads"),
    "data": (["--data", "imagenet"], "imagenet"),
    "model": (["--model", "transformer"], "transformer"),
    "option": (["--no-such-option"], "--no-such-option"),
    "root without files": (["--root", "somewhere"], "--root"),
    "too small images": (["--model", "resnet18"], "resnet18"),
}


@pytest.mark.parametrize(("arguments", "reported"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_end_with_status_2_and_a_reason(arguments, reported, capsys):
    try:
        status = main(["train", *arguments])
    except SystemExit as end:  # argparse's own way
        status = end.code
    assert status == 2
    assert reported in capsys.readouterr().err


def test_output_that_cannot_be_written_is_refused_before_training(tmp_path, capsys):
    (tmp_path / "file").write_text("not a folder")
    assert main(["train", "--out", str(tmp_path / "file" / "run")]) == 2
    captured = capsys.readouterr()
    assert "--out" in captured.err
    assert "epoch" not in captured.out


def test_missing_data_is_reported(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(MNIST, "mirrors", ["http://127.0.0.1:9/"])
    assert main(["train", "--data", "mnist", "--root", str(tmp_path / "none")]) == 2
    assert "train-images-idx3-ubyte" in capsys.readouterr().err


def test_corrupt_data_is_reported(tmp_path, capsys):
    for remote in MNIST.resources:
        (tmp_path / remote.name).write_bytes(b"\x1f\x8b garbage")
    assert main(["train", "--data", "mnist", "--root", str(tmp_path)]) == 2
    assert "gz" in capsys.readouterr().err


def test_a_user_s_mistake_shows_no_traceback(tmp_path):
    command = [sys.executable, "-m", "minigrad", "train", "--model", "resnet18"]
    ended = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert ended.returncode == 2
    assert ended.stderr.startswith("minigrad: error: ")
    assert "Traceback" not in ended.stderr


@pytest.mark.skipif(os.name == "nt", reason="Windows delivers Ctrl-C to process groups only")
def test_ctrl_c_saves_what_was_reached(tmp_path):
    command = [sys.executable, "-m", "minigrad", "train", "--epochs", "100000"]
    process = subprocess.Popen(
        [*command, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not process.stdout.readline().startswith("epoch 1"):
        assert process.poll() is None
    time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "Traceback" not in err
    assert "test accuracy" in out
    assert json.loads((tmp_path / "history.json").read_text())["interrupted"]
    assert mg.load(tmp_path / "weights.safetensors")


def test_info_tells_what_a_report_needs(capsys):
    assert main(["info"]) == 0
    reported = capsys.readouterr().out
    for word in ("python", "numpy", "numba", "cpu", "threads", "cache", "digits", "mnist"):
        assert word in reported


def test_no_command_is_a_mistake(capsys):
    with pytest.raises(SystemExit) as end:
        main([])
    assert end.value.code == 2
    assert "COMMAND" in capsys.readouterr().err
