"""`minigrad train`: runs that go on, that end early, and whose output fails."""

import contextlib
import errno
import json
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time

import pytest

import minigrad as mg
from benchmarks import kills
from minigrad.cli import main
from minigrad.training import CheckpointManager
from minigrad.training.interruption import Interruption

DIVERGING = ["--lr", "1e30", "--optimizer", "sgd", "--model", "mlp"]
TINY = ["--model", "linear", "--batch-size", "256", "--quiet"]


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Without matplotlib, whose pictures take seconds; tests/cli has them."""
    monkeypatch.setattr("minigrad.training.run.plotting_available", lambda: False)


def run(folder, *more):
    return main(["train", *TINY, "--epochs", "3", "--out", str(folder), *more])


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """The fingerprint of a run with options that nothing interrupts; each is made once."""
    found = {}

    def made(*options):
        if options not in found:
            folder = tmp_path_factory.mktemp("whole")
            assert run(folder, *options) == 0
            found[options] = kills.fingerprint(folder)
        return found[options]

    return made


def in_a_fork(folder, *arguments):
    """A run in a process of its own, and the file of its output."""
    log = folder.with_suffix(".log")
    return kills.start(["train", *TINY, "--out", str(folder), *arguments], log), log


def steps_of(folder):
    return CheckpointManager(folder / "checkpoints").all_steps()


def test_kills_change_no_bit(tmp_path):
    """A sample of `python -m benchmarks.kills`, which kills 500 times."""
    found = kills.campaign(3, 1, tmp_path, slice(3, 4))
    assert found.all_equal, list(found.table())
    assert found.kills >= 3


class Stop(Exception):  # noqa: N818  it is no error
    """Ends a run between two steps, as a kill does."""


@pytest.mark.parametrize("stop", [1, 6, 17])
@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--schedule", "cosine", "--ema", "0.9", "--accumulate", "2", "--clip", "1"],
        ["--schedule", "plateau", "--early-stop", "2", "--optimizer", "sgd", "--augment", "crop"],
    ],
)
def test_a_run_goes_on_from_any_step(options, stop, whole, tmp_path, monkeypatch):
    trainer = sys.modules["minigrad.training.trainer"].Trainer
    after_step = trainer._after_step

    def ended(self):
        after_step(self)
        if self.progress.step == stop:
            raise Stop

    with monkeypatch.context() as patch:
        patch.setattr(trainer, "_after_step", ended)
        try:
            run(tmp_path / "part", "--checkpoint-every", "1", *options)
        except Stop:
            assert stop in steps_of(tmp_path / "part")
    resumed = ["--quiet", "--out", str(tmp_path / "part"), "--resume", "--workers", "1"]
    assert main(["train", *resumed]) == 0
    assert kills.fingerprint(tmp_path / "part") == whole(*options)


def test_more_epochs_go_on_from_a_finished_run(whole, tmp_path):
    run(tmp_path / "short", "--epochs", "1")
    assert main(["train", "--out", str(tmp_path / "short"), "--resume", "--epochs", "3"]) == 0
    assert kills.fingerprint(tmp_path / "short") == whole()


REFUSALS = {
    "a run is there": ([], "has a run already: --resume goes on with it, --overwrite starts over"),
    "other settings": (["--resume", "--seed", "5"], "cannot change: --seed was 0, is 5"),
    "both": (["--resume", "--overwrite"], "give one of them"),
}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    folder = tmp_path_factory.mktemp("finished")
    assert run(folder, "--epochs", "1") == 0
    return folder


@pytest.mark.parametrize(("options", "reported"), REFUSALS.values(), ids=REFUSALS)
def test_runs_are_not_mixed(options, reported, finished, capsys):
    before = (finished / "weights.safetensors").read_bytes()
    assert run(finished, *options) == 2
    assert reported in capsys.readouterr().err
    assert (finished / "weights.safetensors").read_bytes() == before


def test_resume_without_a_run(tmp_path, capsys):
    assert run(tmp_path / "new", "--resume") == 2
    assert "no run to go on with; --resume auto begins one" in capsys.readouterr().err
    assert main(["train", *TINY, "--resume"]) == 2
    assert run(tmp_path / "new", "--resume", "auto", "--epochs", "1") == 0


def test_overwrite_begins_anew(tmp_path):
    run(tmp_path, "--epochs", "1")
    run(tmp_path, "--overwrite", "--seed", "3")
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["settings"]["seed"] == 3
    assert len(history["epochs"]) == 3


@pytest.mark.parametrize("name", ["SIGTERM", "SIGHUP"])
def test_signals_save_and_end(name, tmp_path):
    folder = tmp_path / "run"
    process, log = in_a_fork(folder, "--epochs", "100000")
    try:
        while not steps_of(folder):
            assert process.is_alive(), log.read_text()
            time.sleep(0.02)
        os.kill(process.pid, getattr(signal, name))
        process.join(60)
    finally:
        process.kill()
    assert process.exitcode == {"SIGTERM": 143, "SIGHUP": 129}[name]
    step = re.search(rf"{name}: ended; --resume goes on after step (\d+)", log.read_text())
    assert steps_of(folder)[-1] == int(step[1])
    assert not (folder / "weights.safetensors").exists()


def _interrupted_twice():
    with Interruption():
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(60)


def test_a_second_ctrl_c_ends_at_once():
    process = multiprocessing.get_context("fork").Process(target=_interrupted_twice)
    process.start()
    process.join(50)
    assert process.exitcode == 130


def test_divergence_ends_with_status_3_and_keeps_the_checkpoint(tmp_path, capsys):
    assert run(tmp_path, *DIVERGING) == 3
    err = capsys.readouterr().err
    assert re.search(r"diverged: .* (inf|nan) .*--on-nonfinite skip", err)
    assert not (tmp_path / "weights.safetensors").exists()
    for step in steps_of(tmp_path):
        state = CheckpointManager(tmp_path / "checkpoints").restore(step)
        assert all(bool(w.isfinite().all()) for w in state["model"].values())


def test_ignored_divergence_leaves_valid_json(tmp_path):
    assert run(tmp_path, *DIVERGING, "--on-nonfinite", "ignore") == 0
    text = (tmp_path / "history.json").read_text()

    def refuse(word):
        raise AssertionError(word)

    history = json.loads(text, parse_constant=refuse)
    assert history["epochs"][-1]["train_loss"] is None


def test_skipped_steps_are_counted(tmp_path, monkeypatch):
    task = sys.modules["minigrad.training.tasks.classification"].Classification
    loss, calls = task.loss, []

    def poisoned(self, model, batch):
        result = loss(self, model, batch)
        calls.append(1)
        return result._replace(loss=result.loss * float("nan")) if len(calls) == 4 else result

    monkeypatch.setattr(task, "loss", poisoned)
    assert run(tmp_path, "--on-nonfinite", "skip") == 0
    history = json.loads((tmp_path / "history.json").read_text())
    assert history["skipped_steps"] == 1
    weights = mg.load(tmp_path / "weights.safetensors")
    assert all(bool(w.isfinite().all()) for w in weights.values())


def test_full_disk(tmp_path, monkeypatch, capsys):
    """Where no small disk can be mounted, as in `benchmarks.faults`, its error is made."""
    folders = sys.modules["minigrad.training.run_folder"]
    write = folders._write_set

    def full(folder, writers):
        if folder == tmp_path / "run":
            raise OSError(errno.ENOSPC, "No space left on device")
        write(folder, writers)

    monkeypatch.setattr(folders, "_write_set", full)
    assert run(tmp_path / "run", "--epochs", "1") == 1
    (recovered,) = tmp_path.glob("run.recovered-*")
    assert mg.load(recovered / "weights.safetensors")
    err = capsys.readouterr().err
    assert f"could not be written to {tmp_path / 'run'}" in err
    assert f"they are in {recovered}" in err


RAISING = """
from minigrad import nn

class Net(nn.Module):
    def __init__(self, in_features, num_classes):
        super().__init__()
        self.fc = nn.Linear(in_features, num_classes)

    def forward(self, x):
        if self.training:
            raise RuntimeError("no step is possible")
        return self.fc(x.flatten(1))
"""
FAILURES = {
    "before data are read": ["--data", "no/such/folder"],
    "before a model is made": ["--model", "nowhere.py:Net"],
    "in its log": ["--log", "tensorboard"],
    "in its first step": ["--model", "raising.py:Net"],
    "in its first step, with a log": ["--model", "raising.py:Net", "--log", "csv"],
    "by divergence": DIVERGING,
}


@pytest.mark.parametrize("options", FAILURES.values(), ids=FAILURES)
@pytest.mark.parametrize("place", ["a new folder", "one that was there"])
def test_a_run_without_a_result_leaves_nothing(options, place, tmp_path, monkeypatch):
    """And what was there stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setitem(sys.modules, "minigrad.utils.tensorboard", None)  # is not installed
    (tmp_path / "raising.py").write_text(RAISING)
    out = tmp_path / "deep" / "folder"
    if place != "a new folder":
        (out / "checkpoints").mkdir(parents=True)
        (out / "notes.txt").write_text("mine")
    before = sorted(tmp_path.rglob("*"))
    with contextlib.suppress(RuntimeError):
        assert run(out, *options) != 0
    assert sorted(p for p in tmp_path.rglob("*") if "__pycache__" not in p.parts) == before


def test_a_set_of_results_is_brought_to_its_place_after_a_kill(tmp_path):
    folders = sys.modules["minigrad.training.run_folder"]
    (tmp_path / "report.png").write_text("old")
    ready = tmp_path / folders._READY
    ready.mkdir()
    (ready / "manifest.json").write_text('["weights.safetensors", "history.json"]')
    (ready / "history.json").write_text("new")
    (tmp_path / "weights.safetensors").write_text("new, moved before the kill")
    folders.settle(tmp_path)
    assert sorted(os.listdir(tmp_path)) == ["history.json", "weights.safetensors"]


def test_two_runs_in_one_folder_are_refused(tmp_path, capsys):
    folders = sys.modules["minigrad.training.run_folder"]
    with folders.RunFolder(tmp_path).taken():
        assert run(tmp_path) == 2
    assert "another run is writing there" in capsys.readouterr().err


MISTAKES = {
    "seed of 2^64": (["--seed", str(2**64)], "--seed"),
    "seed of 400 digits": (["--seed", "9" * 400], "--seed"),
    "epochs of 400 digits": (["--epochs", "9" * 400], "--epochs"),
    "empty out": (["--out", ""], "--out"),
    "empty data": (["--data", ""], "--data"),
    "rate": (["--lr", "1e400"], "--lr"),
    "schedule": (["--schedule", "linear"], "--schedule"),
    "log without out": (["--log", "csv"], "--log goes with --out"),
    "no model file": (["--model", "nowhere.py:Net"], "there is no file"),
    "no optimizer": (["--optimizer", "adamax2"], "--optimizer adamax2"),
    "root": (["--data", "mnist", "--root", "/proc/nowhere"], "no files of mnist are there"),
    "target of images": (["--target", "x"], "--target is for tables"),
    "config": (["--config", "/nowhere.toml"], "/nowhere.toml"),
}


@pytest.mark.parametrize(("arguments", "reported"), MISTAKES.values(), ids=MISTAKES)
def test_mistakes_end_with_status_2(arguments, reported, capsys):
    try:
        status = main(["train", *arguments])
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert reported in capsys.readouterr().err


def test_missing_data_are_named_before_a_download(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr("minigrad.vision.datasets.MNIST.mirrors", ["http://127.0.0.1:9/"])
    root = tmp_path / "none"
    assert main(["train", "--data", "mnist", "--root", str(root)]) == 2
    first = capsys.readouterr().err.splitlines()[0]
    assert first == f"minigrad: mnist was not found in {root}: it is downloaded there"
    assert not root.exists()  # nor is what was made for it


def test_settings_from_a_file(tmp_path, capsys):
    config = tmp_path / "run.toml"
    config.write_text(
        'model = "linear"\nepochs = 1\nbatch-size = 256\nseed = 18446744073709551615\n'
    )
    assert main(["train", "--config", str(config), "--quiet", "--out", str(tmp_path / "a")]) == 0
    again = ["train", "--config", str(tmp_path / "a" / "config.toml"), "--out", str(tmp_path / "b")]
    assert main(again) == 0
    assert kills.fingerprint(tmp_path / "a") == kills.fingerprint(tmp_path / "b")
    config.write_text("epoch = 1\n")
    assert main(["train", "--config", str(config)]) == 2
    assert "no setting is named 'epoch'" in capsys.readouterr().err


def test_info_into_a_closed_pipe():
    line = f"{sys.executable} -m minigrad info | head -1"
    ended = subprocess.run(line, shell=True, capture_output=True, text=True, check=False)
    assert ended.stderr == ""
