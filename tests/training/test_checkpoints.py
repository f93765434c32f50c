"""CheckpointManager: what it keeps, how it goes on after kills and from damaged files."""

import json
import multiprocessing
import os
import random
import signal
import time

import numpy as np
import pytest
import safetensors.numpy

import minigrad as mg
from minigrad.training import (
    CheckpointManager,
    DamagedCheckpointError,
    RandomState,
    checkpoint_file,
)
from minigrad.utils.data import DataLoader, TensorDataset


class Run:
    """A network with dropout, momentum, a schedule and a shuffled loader."""

    def __init__(self, workers=0):
        mg.manual_seed(0)
        self.model = mg.nn.Sequential(mg.nn.Linear(4, 8), mg.nn.Dropout(0.3), mg.nn.Linear(8, 1))
        self.optimizer = mg.optim.Adam(self.model.parameters(), lr=0.01)
        self.schedule = mg.optim.lr_scheduler.CosineAnnealingLR(self.optimizer, 30)
        data = TensorDataset(mg.randn(40, 4), mg.randn(40, 1))
        self.loader = DataLoader(data, 4, shuffle=True, num_workers=workers)
        self.scaler = mg.GradScaler("cpu", init_scale=8.0, growth_interval=3)
        self.step = 0

    def parts(self):
        names = ("model", "optimizer", "schedule", "loader", "scaler")
        return {"random": RandomState(), **{name: getattr(self, name) for name in names}}

    def train(self, manager, steps):
        """Train up to a number of steps, from the latest checkpoint if there is one."""
        if manager is not None and manager.latest_step() is not None:
            self.step = manager.restore(into=self.parts())["step"]
        while self.step < steps:
            for x, y in self.loader:
                self.optimizer.zero_grad()
                self.scaler.scale(mg.nn.functional.mse_loss(self.model(x), y)).backward()
                self.scaler.step(self.optimizer)
                self.scaler.update()
                self.schedule.step()
                self.step += 1
                if manager is not None:
                    manager.save(self.step, {**self.parts(), "step": self.step})
                if self.step == steps:
                    break
        return [p.detach().clone() for p in self.model.parameters()]


def same(left, right):
    return all(a.equal(b) for a, b in zip(left, right, strict=True))


@pytest.mark.parametrize(("workers", "later"), [(0, 0), (2, 1)])
@pytest.mark.parametrize("stop", [3, 10, 17])
def test_a_run_goes_on_bit_for_bit(workers, later, stop, tmp_path):
    whole = Run().train(None, 25)
    with CheckpointManager(tmp_path) as manager:
        Run(workers).train(manager, stop)
    mg.manual_seed(99)
    assert same(Run(later).train(CheckpointManager(tmp_path, asynchronous=False), 25), whole)


def train_until_killed(folder, asynchronous):
    mg.set_num_threads(1)
    Run().train(CheckpointManager(folder, asynchronous=asynchronous), 10**9)


@pytest.mark.parametrize("asynchronous", [True, False])
def test_a_run_that_is_killed_again_and_again_goes_on(asynchronous, tmp_path):
    fork = multiprocessing.get_context("fork")
    for attempt in range(5):
        process = fork.Process(target=train_until_killed, args=(tmp_path, asynchronous))
        process.start()
        before = max((p.name for p in tmp_path.glob("step*")), default="")
        while not any(p.name > before for p in tmp_path.glob("step*")):
            assert process.is_alive()
            time.sleep(0.002)
        time.sleep(random.Random(attempt).random() * 0.05)
        os.kill(process.pid, signal.SIGKILL)
        process.join()
    manager = CheckpointManager(tmp_path, asynchronous=False)
    reached = manager.latest_step()
    assert same(Run().train(manager, reached + 5), Run().train(None, reached + 5))
    assert not list(tmp_path.glob(".*"))  # what the kills have left is cleared


def test_saving_in_the_background_never_mixes_two_steps(tmp_path, monkeypatch):
    write = checkpoint_file._write
    monkeypatch.setattr(checkpoint_file, "_write", lambda *a: (time.sleep(0.02), write(*a)))
    model = mg.nn.Linear(300, 300)
    with CheckpointManager(tmp_path, max_to_keep=None) as manager, mg.no_grad():
        for step in range(6):
            for parameter in model.parameters():
                parameter.fill_(step)
            manager.save(step, {"model": model, "step": step})
            for parameter in model.parameters():
                parameter.fill_(-1.0)
    for step in manager.all_steps():
        state = manager.restore(step)
        assert state["step"] == step
        assert all((values == step).all() for values in state["model"].values())


def test_memory_of_the_copy_is_used_again(tmp_path):
    with CheckpointManager(tmp_path) as manager:
        manager.save(1, {"x": mg.ones(1000)})
        first = manager._memory.arrays["x"]
        manager.save(2, {"x": mg.zeros(1000)})
        assert manager._memory.arrays["x"] is first
    assert (manager.restore(1)["x"] == 1).all()


def test_the_latest_are_kept_and_the_best(tmp_path):
    losses = {1: 0.5, 2: 0.1, 3: 0.3, 4: float("nan"), 5: 0.4, 6: 0.2}
    with CheckpointManager(tmp_path, max_to_keep=2, keep_best="loss") as manager:
        for step, loss in losses.items():
            manager.save(step, {"metrics": {"loss": loss, "accuracy": 1 - loss}})
    assert manager.all_steps() == [2, 5, 6]
    assert (manager.best("loss"), manager.best("accuracy", "max")) == (2, 2)
    assert manager.best("loss", "max") == 5
    assert manager.best("recall") is None
    assert manager.metrics(2) == {"loss": 0.1, "accuracy": 0.9}


def test_steps_that_are_not_due_are_left(tmp_path):
    with CheckpointManager(tmp_path, save_interval_steps=10) as manager:
        assert [manager.save(step, {}) for step in (0, 5, 10)] == [True, False, True]
        assert manager.save(11, {}, force=True)
    assert manager.all_steps() == [0, 10, 11]


def test_a_checkpoint_is_a_safetensors_file(tmp_path):
    CheckpointManager(tmp_path, asynchronous=False).save(7, {"model": mg.nn.Linear(3, 2)})
    (path,) = tmp_path.glob("*.safetensors")
    arrays = safetensors.numpy.load_file(path)
    assert arrays["model.weight"].shape == (2, 3)
    assert mg.load(path)["model"]["weight"].array.tobytes() == arrays["model.weight"].tobytes()


def flipped(content, at):
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


DAMAGES = {
    "a bit of the elements": lambda c: flipped(c, len(c) - 9),
    "a bit of the header": lambda c: flipped(c, 40),
    "a bit of the length": lambda c: flipped(c, 1),
    "cut off": lambda c: c[:-1],
    "cut off in the header": lambda c: c[:50],
    "longer": lambda c: c + b"\0",
    "empty": lambda c: b"",
    "zeros": lambda c: bytes(len(c)),
    "a block of zeros": lambda c: c[:-500] + bytes(500),
    "a forged length": lambda c: (2**62).to_bytes(8, "little") + c[8:],
    "no checkpoint": lambda c: safetensors.numpy.save({"x": np.zeros(3)}),
    "another format, without its checksum": lambda c: c.replace(
        b'{\\"format\\": 1', b'{\\"format\\": 2'
    ),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_the_checkpoint_before_a_damaged_one_is_used(damage, tmp_path):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    for step in (1, 2):
        manager.save(step, {"x": mg.full((300,), float(step)), "step": step})
    path = manager.path(2)
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DamagedCheckpointError, match="step-0000000002"):
        manager.restore(2)
    with pytest.warns(UserWarning, match=r"step-0000000002.*the checkpoint before it is used"):
        state = manager.restore()
    assert state["step"] == 1
    assert (state["x"] == 1).all()
    assert manager.all_steps() == [1]
    assert path.with_suffix(".damaged").exists()


def test_the_version_of_a_newer_file_is_named_and_the_file_stays(tmp_path, monkeypatch):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    manager.save(1, {})
    with monkeypatch.context() as patch:
        patch.setattr("minigrad.training.checkpoint_file.FORMAT", 9)
        manager.save(2, {})
    for step in (2, None):
        with pytest.raises(DamagedCheckpointError, match=r"format 9.*reads format 1"):
            manager.restore(step)
    assert manager.all_steps() == [1, 2]


def test_nothing_whole_is_an_error_that_names_all(tmp_path):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    with pytest.raises(FileNotFoundError, match="no checkpoint in"):
        manager.restore()
    for step in (1, 2):
        manager.save(step, {})
        manager.path(step).write_bytes(b"")
    with (
        pytest.warns(UserWarning, match="damaged"),
        pytest.raises(DamagedCheckpointError, match=r"step-0000000002.*step-0000000001"),
    ):
        manager.restore()


def test_an_earlier_step_is_refused_until_later_ones_are_deleted(tmp_path):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    manager.save(5, {"x": 5})
    with pytest.raises(ValueError, match=r"step 5, which is later than 3: delete\(5\)"):
        manager.save(3, {})
    manager.delete(5)
    manager.save(3, {"x": 3})
    manager.save(3, {"x": 4})
    assert manager.restore() == {"x": 4}


def test_an_error_of_the_background_is_raised_in_the_run(tmp_path):
    blocked = tmp_path / "file"
    blocked.write_text("not a folder")
    manager = CheckpointManager(blocked / "checkpoints")
    manager.save(1, {"x": 1})
    with pytest.raises(NotADirectoryError):
        manager.wait()
    manager.directory = tmp_path
    manager.save(2, {"x": 2})
    manager.close()
    assert manager.restore() == {"x": 2}


def test_what_cannot_be_saved_or_set_is_refused(tmp_path):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    with pytest.raises(TypeError, match="'f'"):
        manager.save(1, {"f": len})
    with pytest.raises(TypeError, match="metric 'loss' should be a number"):
        manager.save(1, {"metrics": {"loss": "low"}})
    for step in (-1, 1.5, True):
        with pytest.raises(ValueError, match="step should be an integer"):
            manager.save(step, {})
    with pytest.raises(ValueError, match="max_to_keep should be a positive integer"):
        CheckpointManager(tmp_path, 0)
    manager.save(1, {"x": 1})
    with pytest.raises(KeyError, match="no 'model'; it has x"):
        manager.restore(into={"model": mg.nn.Linear(1, 1)})
    with pytest.raises(FileNotFoundError, match=r"step 2 in .*: 1"):
        manager.restore(2)
    assert os.listdir(tmp_path) == ["step-0000000001.safetensors"]


def test_generators_go_on(tmp_path):
    own = mg.Generator().manual_seed(5)
    mg.manual_seed(6)
    parts = {"own": own, "random": RandomState()}
    manager = CheckpointManager(tmp_path, asynchronous=False)
    manager.save(1, parts)

    def draws():
        numpys = np.random.rand()  # noqa: NPY002
        return mg.rand(2, generator=own).tolist(), mg.rand(2).tolist(), random.random(), numpys

    expected = draws()
    mg.manual_seed(7)
    manager.restore(into=parts)
    assert draws() == expected
    assert mg.initial_seed() == 6


def test_metrics_that_are_not_finite_leave_the_header_json(tmp_path):
    manager = CheckpointManager(tmp_path, asynchronous=False)
    manager.save(1, {"metrics": {"loss": float("inf")}})
    content = manager.path(1).read_bytes()
    length = int.from_bytes(content[:8], "little")
    metadata = json.loads(content[8 : 8 + length])["__metadata__"]

    def refuse(word):
        raise AssertionError(word)

    json.loads(metadata[checkpoint_file.DESCRIPTION], parse_constant=refuse)
    assert manager.restore()["metrics"] == {"loss": float("inf")}
