"""`minigrad train --distributed`: any number of processes, and the same bits."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest

from minigrad.cli import main
from minigrad.training.interruption import Interruption
from minigrad.training.team import Team
from tests.support.ranks import needs_mpi

# A network with all that depends on who has which samples.  Where it is told to, a process sends
# SIGTERM, to itself or to `minigrad run`.
NETWORK = """
import os, pathlib, signal
from minigrad import nn

class Net(nn.Sequential):
    def __init__(self, in_features, num_classes):
        super().__init__(
            nn.Flatten(), nn.Linear(in_features, 16), nn.BatchNorm1d(16), nn.ReLU(),
            nn.Dropout(0.2), nn.Linear(16, num_classes),
        )
        self.calls = {True: 0, False: 0}

    def forward(self, x):
        self.calls[self.training] += 1
        words = os.environ.get("RANK"), "train" if self.training else "test"
        if f"{' '.join(map(str, words))} {self.calls[self.training]}" == os.environ.get("END_AT"):
            file = os.environ.get("END_OF")
            pid = os.getpid() if file is None else int(pathlib.Path(file).read_text())
            os.kill(pid, signal.SIGTERM)
            while file and signal.getsignal(signal.SIGTERM).__self__.noted is None:
                pass  # `minigrad run` hands the signal on
        return super().forward(x)
"""
SETTINGS = [
    "--batch-size", "300", "--shard-size", "40", "--augment", "crop", "--clip", "1",
    "--accumulate", "2", "--ema", "0.9", "--schedule", "cosine", "--epochs", "2",
]  # fmt: skip


@pytest.fixture(autouse=True)
def no_pictures(monkeypatch):
    """Without matplotlib, whose pictures take seconds."""
    monkeypatch.setattr("minigrad.training.run.plotting_available", lambda: False)


@pytest.fixture(scope="module")
def network(tmp_path_factory):
    file = tmp_path_factory.mktemp("network") / "net.py"
    file.write_text(NETWORK)
    return f"{file}:Net"


def train_on(count, *arguments):
    """`minigrad run -n COUNT train`; its status, and all that it printed."""
    command = [sys.executable, "-m", "minigrad", "run", "-n", count, "train", *arguments]
    job = subprocess.Popen(
        [*map(str, command)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if (file := os.environ.get("END_OF")) is not None:
        Path(file).write_text(str(job.pid))
    out, _ = job.communicate(timeout=300)
    return job.returncode, out


def train_alone(*arguments):
    return main(["train", "--distributed", "--quiet", *map(str, arguments)])


def reached(folder):
    """All that a run comes to, without times and numbers of processes."""
    history = json.loads((folder / "history.json").read_text())
    epochs = [{k: v for k, v in e.items() if "per_second" not in k} for e in history["epochs"]]
    weights = (folder / "weights.safetensors").read_bytes()
    return weights, epochs, history["confusion"]


def test_one_process_needs_no_mpi(tmp_path, monkeypatch, network):
    monkeypatch.setitem(sys.modules, "mpi4py", None)  # as if it were not installed
    assert train_alone("--model", network, *SETTINGS, "--out", tmp_path / "run") == 0
    assert json.loads((tmp_path / "run" / "history.json").read_text())["processes"] == 1


@needs_mpi
def test_any_number_of_processes_comes_to_the_same_bits(tmp_path, network, whole):
    status, out = train_on(3, "--model", network, *SETTINGS, "--out", tmp_path / "three")
    assert status == 0, out
    assert len(re.findall(r"^epoch \d: ", out, re.MULTILINE)) == 2  # the leader's alone
    assert "1 threads on each of 3 processes" in out
    assert reached(tmp_path / "three") == reached(whole)


@pytest.fixture(scope="module")
def whole(network, tmp_path_factory):
    """A run that nothing interrupts."""
    folder = tmp_path_factory.mktemp("whole") / "run"
    with mock.patch("minigrad.training.run.plotting_available", return_value=False):
        assert train_alone("--model", network, *SETTINGS, "--out", folder) == 0
    return folder


# Of six steps: the 21st shard of process 1 is in the first batch of epoch 2.
SIGNALS = {
    "to one process": ("1 train 21", False, 4),
    "to the launcher, while all evaluate": ("0 test 1", True, 3),
}


@needs_mpi
@pytest.mark.parametrize(("place", "to_launcher", "step"), SIGNALS.values(), ids=SIGNALS)
def test_a_signal_ends_all_at_the_same_step(
    place, to_launcher, step, tmp_path, monkeypatch, network, whole
):
    """And the run goes on with another number of them."""
    monkeypatch.setenv("END_AT", place)
    if to_launcher:
        monkeypatch.setenv("END_OF", str(tmp_path / "pid"))
    status, out = train_on(2, "--model", network, *SETTINGS, "--out", tmp_path / "part")
    assert status == 143, out
    assert f"SIGTERM: ended; --resume goes on after step {step}\n" in out
    monkeypatch.delenv("END_AT")
    assert train_alone("--resume", "--out", tmp_path / "part") == 0
    assert reached(tmp_path / "part") == reached(whole)


@needs_mpi
def test_texts_are_learnt_on_several_processes(tmp_path):
    text = tmp_path / "text.txt"
    text.write_text("to be or not to be, that is the question.\n" * 20)
    chosen = [
        "--data", text, "--model", "lstm", "--width", "8", "--layers", "1", "--context", "8",
        "--epochs", "1", "--batch-size", "40", "--shard-size", "7", "--out",
    ]  # fmt: skip
    assert train_alone(*chosen, tmp_path / "one") == 0
    assert train_on(2, *chosen, tmp_path / "two")[0] == 0
    weights = [(tmp_path / n / "weights.safetensors").read_bytes() for n in ("one", "two")]
    assert weights[0] == weights[1]


@needs_mpi
def test_mistakes_are_told_once(tmp_path, capfd):
    with pytest.raises(SystemExit, match="2"):
        main(["run", "train", "--lr", "-1"])
    assert capfd.readouterr().err.count("argument --lr: expected a number above 0") == 1
    status, out = train_on(2, "--data", tmp_path / "none.csv")
    assert status == 2
    assert out.count("is none of digits") == 1


def test_settings_that_do_not_go_together(capsys, tmp_path):
    for arguments, words in (
        (["--shard-size", "4"], "--shard-size goes with --distributed"),
        (["--distributed", "--find-lr"], "--find-lr looks in one process"),
    ):
        assert main(["train", *arguments]) == 2
        assert words in capsys.readouterr().err


# --- parts ----------------------------------------------------------------------------------------


class Pretended(Team):
    """One of several processes, whose results are known."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size

    def all_of(self, own):
        parts = list(range(7))
        return [[10 * p for p in parts[r :: self.size]] for r in range(self.size)]


@pytest.mark.parametrize("size", [1, 2, 3, 8])
def test_shares_are_put_together_in_order(size):
    for rank in range(size):
        team = Pretended(rank, size)
        own = [10 * part for part in team.dealt(range(7))]
        assert team.collected(own) == [0, 10, 20, 30, 40, 50, 60]


def test_a_signal_counts_once_it_is_agreed():
    alone, one_of_several = Interruption(), Interruption(agreed=True)
    for interruption in (alone, one_of_several):
        interruption.note("SIGTERM")
    assert (alone.name, one_of_several.name) == ("SIGTERM", None)
    one_of_several.agree([None, None])
    assert one_of_several.name is None
    one_of_several.agree([None, "SIGTERM", "SIGINT"])
    assert one_of_several.name == "SIGTERM"
    one_of_several.agree(["SIGINT"])
    assert one_of_several.name == "SIGTERM"
