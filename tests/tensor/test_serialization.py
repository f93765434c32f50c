"""Tensors by name in safetensors files."""

import os

import numpy as np
import pytest
import safetensors.torch
import torch

import minigrad as mg


def test_round_trip(tmp_path):
    given = {
        "weight": mg.randn(3, 4),
        "half": mg.randn(2).half(),
        "count": mg.tensor(7),
        "flags": mg.tensor([True, False]),
        "empty": mg.zeros(0, 3),
        "transposed": mg.randn(3, 4).T,
    }
    mg.save(given, tmp_path / "w.safetensors")
    found = mg.load(tmp_path / "w.safetensors")
    assert found.keys() == given.keys()
    for name, value in given.items():
        assert found[name].dtype == value.dtype
        assert found[name].equal(value)


def test_torch_reads_ours_and_we_read_torch_s(tmp_path):
    ours = mg.randn(3, 4, dtype=mg.float64)
    mg.save({"w": ours}, tmp_path / "ours.safetensors")
    theirs = safetensors.torch.load_file(tmp_path / "ours.safetensors")["w"]
    assert np.array_equal(theirs.numpy(), ours.numpy())
    safetensors.torch.save_file({"w": theirs * 2}, tmp_path / "theirs.safetensors")
    assert mg.load(tmp_path / "theirs.safetensors")["w"].equal(ours * 2)


def test_a_pickle_is_refused_in_words(tmp_path):
    torch.save({"w": torch.ones(2)}, tmp_path / "w.pt")
    with pytest.raises(ValueError, match="pickle"):
        mg.load(tmp_path / "w.pt")


def test_a_cut_file_is_refused(tmp_path):
    mg.save({"w": mg.ones(100)}, tmp_path / "w")
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-40])
    with pytest.raises(ValueError, match="complete"):
        mg.load(tmp_path / "w")


def test_bad_input(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        mg.load(tmp_path / "nothing")
    with pytest.raises(TypeError, match="state_dict"):
        mg.save(mg.ones(2), tmp_path / "w")
    with pytest.raises(TypeError, match=r"got set at 'a\.1'"):
        mg.save({"a": [3, {4}]}, tmp_path / "w")
    with pytest.raises(TypeError, match="got tuple in 'a'"):
        mg.save({"a": {(1, 2): 3}}, tmp_path / "w")
    with pytest.raises(FileNotFoundError):
        mg.save({"a": mg.ones(1)}, tmp_path / "none" / "w")
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    mg.save({"a": mg.ones(1)}, tmp_path / "w")
    with pytest.raises(TypeError):
        mg.save({"a": mg.ones(1), "b": {1}}, tmp_path / "w")
    assert mg.load(tmp_path / "w")["a"].equal(mg.ones(1))
    assert os.listdir(tmp_path) == ["w"]


def test_a_checkpoint_goes_on_where_it_stopped(tmp_path):
    def start():
        mg.manual_seed(0)
        model = mg.nn.Sequential(mg.nn.Linear(3, 4), mg.nn.BatchNorm1d(4), mg.nn.Linear(4, 1))
        return model, mg.optim.Adam(model.parameters(), lr=0.1)

    def train(model, optimizer, steps):
        for i in range(steps):
            optimizer.zero_grad()
            model(mg.arange(12).reshape(4, 3) / (7 + i)).square().mean().backward()
            optimizer.step()

    model, optimizer = start()
    train(model, optimizer, 3)
    checkpoint = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": 3}
    mg.save(checkpoint, tmp_path / "checkpoint")
    train(model, optimizer, 3)

    other, its = start()
    found = mg.load(tmp_path / "checkpoint")
    other.load_state_dict(found["model"])
    its.load_state_dict(found["optimizer"])
    assert found["epoch"] == 3
    train(other, its, 3)
    for a, b in zip(model.parameters(), other.parameters(), strict=True):
        assert a.equal(b)


def test_nested_objects_come_back_as_they_were(tmp_path):
    given = {
        "a.b": mg.ones(2),
        "a": {"b": mg.zeros(2), 3: (1, 2.5, None)},
        "l": [True, "x", [mg.eye(2)]],
        "inf": float("inf"),
    }
    mg.save(given, tmp_path / "w")
    found = mg.load(tmp_path / "w")
    assert list(found) == list(given)
    assert found["a.b"].tolist() == [1, 1]
    assert found["a"]["b"].tolist() == [0, 0]
    assert found["a"][3] == (1, 2.5, None)
    assert found["l"][:2] == [True, "x"]
    assert found["l"][2][0].equal(mg.eye(2))
    assert found["inf"] == float("inf")
