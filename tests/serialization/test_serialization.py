"""What is saved is read as it was: values, types, orders, shared memory, in files of all kinds."""

import io
import json
import os
from collections import Counter, OrderedDict

import numpy as np
import pytest
import safetensors.numpy
import safetensors.torch

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


def test_a_cut_file_is_refused(tmp_path):
    mg.save({"w": mg.ones(100)}, tmp_path / "w")
    (tmp_path / "w").write_bytes((tmp_path / "w").read_bytes()[:-40])
    with pytest.raises(ValueError, match="complete"):
        mg.load(tmp_path / "w")


def test_bad_input(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing"):
        mg.load(tmp_path / "nothing")
    with pytest.raises(TypeError, match=r"got object at 'a\.1'"):
        mg.save({"a": [3, object()]}, tmp_path / "w")
    with pytest.raises(TypeError, match="got frozenset in 'a'"):
        mg.save({"a": {frozenset(): 3}}, tmp_path / "w")
    with pytest.raises(TypeError, match="a path or a file to write to, not int"):
        mg.save({}, 3)
    with pytest.raises(TypeError, match="a path or a file to read from, not int"):
        mg.load(3)
    itself = []
    itself.append(itself)
    with pytest.raises(ValueError, match="nested too deeply, or holds itself"):
        mg.save(itself, tmp_path / "w")
    with pytest.raises(FileNotFoundError):
        mg.save({"a": mg.ones(1)}, tmp_path / "none" / "w")
    assert os.listdir(tmp_path) == []


def test_a_failed_write_leaves_the_old_file(tmp_path):
    mg.save({"a": mg.ones(1)}, tmp_path / "w")
    with pytest.raises(TypeError):
        mg.save({"a": mg.ones(1), "b": object()}, tmp_path / "w")
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


VALUES = [
    mg.ones(2, 3), 3, 2.5, True, None, "x\ud800", b"by\xfftes", bytearray(b"\x00"), 1 + 2j, 2**200,
    [], {}, (), set(), "", b"", OrderedDict(), Counter(), {1, "a"}, frozenset({(1, b"2")}),
    Counter([30, 80, 80]), OrderedDict([("b", 1), ("a", 2)]), {"b": 1, "a": 2}, [(1,), [2]],
    {1: "int", "1": "str", None: 0, 2.5: 1, (1, "x"): 2, b"k": 3}, {True: 1}, float("-inf"), 1e-300,
    np.float32(2.5), np.int64(-3), np.bool_(True), np.uint16(7), np.arange(6).reshape(2, 3),
    np.ones(2, ">f4"), np.array(5, np.uint16), np.zeros((0, 3)), mg.float32, mg.bool,
    mg.device("cpu"), mg.Size([2, 3]), mg.tensor(7), mg.zeros(0, 3),
    mg.nn.Parameter(mg.ones(2)), mg.nn.Parameter(mg.ones(2), requires_grad=False),
    mg.nn.Buffer(mg.ones(2), persistent=False), mg.ones(2, requires_grad=True),
    mg.arange(24.0).reshape(2, 3, 4).permute(2, 0, 1), mg.ones(1).expand(3, 4),
]  # fmt: skip


def same(ours, given):
    """True for equal values of one type, in one order."""
    if type(ours) is not type(given):
        return False
    if isinstance(given, mg.Tensor):
        kept = (given.requires_grad, given.dtype, given.shape, getattr(given, "persistent", None))
        found = (ours.requires_grad, ours.dtype, ours.shape, getattr(ours, "persistent", None))
        strides = ours.stride() == given.stride() or not given.numel()
        return found == kept and ours.tolist() == given.tolist() and strides
    if isinstance(given, np.ndarray | np.generic):
        return ours.dtype == given.dtype.newbyteorder("=") and np.array_equal(ours, given)
    if isinstance(given, dict):
        return same(list(ours.items()), list(given.items()))
    if isinstance(given, list | tuple):
        return len(ours) == len(given) and all(map(same, ours, given))
    return ours == given


@pytest.mark.parametrize("given", VALUES, ids=lambda value: type(value).__name__)
def test_a_value_alone_and_inside_of_others(given):
    file = io.BytesIO()
    mg.save(given, file)
    mg.save({"a": [given, (given,)]}, file)
    mg.save({"a": given}, file)
    file.seek(0)
    assert same(mg.load(file), given)
    assert same(mg.load(file), {"a": [given, (given,)]})
    assert same(mg.load(file), {"a": given})
    assert not file.read()


def test_shared_memory_stays_shared(tmp_path):
    whole = mg.arange(10.0)
    mg.save([whole, whole[2:5], whole[::3], whole], tmp_path / "w")
    a, b, c, d = mg.load(tmp_path / "w")
    b.fill_(-1)
    assert a.tolist() == [0, 1, -1, -1, -1, 5, 6, 7, 8, 9]
    assert c.tolist() == [0, -1, 6, 9]
    assert a is d
    assert a._version == 1
    mg.save([whole[:4], whole[2:8]], tmp_path / "w")  # no tensor covers all
    a, b = mg.load(tmp_path / "w")
    assert b.tolist() == [2, 3, 4, 5, 6, 7]
    b.zero_()
    assert a.tolist() == [0, 1, 0, 0]


def test_tied_weights_stay_tied_and_other_readers_see_both(tmp_path):
    model = mg.nn.Sequential(mg.nn.Linear(3, 3), mg.nn.Linear(3, 3))
    model[1].weight = model[0].weight
    mg.save(model.state_dict(), tmp_path / "w")
    found = mg.load(tmp_path / "w")
    found["0.weight"].zero_()
    assert found["1.weight"].sum() == 0
    theirs = safetensors.torch.load_file(tmp_path / "w")
    assert theirs["1.weight"].tolist() == model[0].weight.tolist()
    assert list(found) == ["0.weight", "0.bias", "1.weight", "1.bias"]


def test_attributes_of_tensors_come_along():
    weight = mg.nn.Parameter(mg.ones(2))
    weight.tag, weight.scale = "encoder", [1, 2.5]
    weight.sum().backward()
    file = io.BytesIO()
    mg.save({"a": weight, "b": [weight]}, file)
    file.seek(0)
    found = mg.load(file)
    assert found["a"] is found["b"][0]
    assert (found["a"].tag, found["a"].scale, found["a"].grad) == ("encoder", [1, 2.5], None)
    form = {"tensor": "a", "attributes": [["array", 3]]}
    forged = safetensors.numpy.save(
        {"a": np.ones(2, np.float32)}, {"minigrad.form": json.dumps(form)}
    )
    with pytest.raises(ValueError, match="attribute that minigrad does not set"):
        mg.load(io.BytesIO(forged))


def test_a_slice_of_a_large_tensor_takes_its_own_size(tmp_path):
    mg.save({"a": mg.zeros(1_000_000)[5:7], "b": mg.zeros(1000, 1000)[:, 3]}, tmp_path / "w")
    assert (tmp_path / "w").stat().st_size < 10_000


def test_one_memory_as_two_types_is_refused_as_in_torch(tmp_path):
    given = np.zeros(4, np.float32)
    pair = [mg.from_numpy(given), mg.from_numpy(given.view(np.int32))]
    with pytest.raises(RuntimeError, match="view the same data as different types"):
        mg.save(pair, tmp_path / "w")


def test_a_name_that_torch_would_misread_warns(tmp_path):
    with pytest.warns(UserWarning, match=r"does not read under the name 'm\.pt'"):
        mg.save({"a": mg.ones(1)}, tmp_path / "m.pt")
    assert mg.load(tmp_path / "m.pt")["a"].tolist() == [1]


@pytest.mark.parametrize("mmap", [False, True])
def test_map_location(tmp_path, mmap):
    mg.save({"a": mg.ones(3)}, tmp_path / "w")
    seen = []
    for given in ("cpu", mg.device("cpu"), {"cuda:0": "cpu"}, lambda s, at: seen.append((s, at))):
        assert mg.load(tmp_path / "w", given, mmap=mmap)["a"].tolist() == [1, 1, 1]
    assert [(s.tolist(), at) for s, at in seen] == [([1, 1, 1], "cpu")]
    with pytest.raises(RuntimeError, match="cuda"):
        mg.load(tmp_path / "w", {"cpu": "cuda:0"})
    with pytest.raises(RuntimeError, match="cuda"):
        mg.load(tmp_path / "w", map_location="cuda")
    with pytest.raises(TypeError, match="map_location expects a device"):
        mg.load(tmp_path / "w", map_location=3)
    with pytest.raises(ValueError, match="return the storage that it was given"):
        mg.load(tmp_path / "w", map_location=lambda storage, at: 3)


def test_schedulers_resume(tmp_path):
    def start():
        optimizer = mg.optim.SGD([mg.nn.Parameter(mg.ones(1))], lr=1.0)
        return optimizer, mg.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4, 4], 0.5)

    def rates(optimizer, scheduler, steps):
        found = []
        for _ in range(steps):
            optimizer.step()
            scheduler.step()
            found.append(scheduler.get_last_lr()[0])
        return found

    optimizer, scheduler = start()
    rates(optimizer, scheduler, 3)
    mg.save({"o": optimizer.state_dict(), "s": scheduler.state_dict()}, tmp_path / "w")
    other, its = start()
    found = mg.load(tmp_path / "w")
    other.load_state_dict(found["o"])
    its.load_state_dict(found["s"])
    assert rates(other, its, 3) == rates(optimizer, scheduler, 3) == [0.125, 0.125, 0.125]


def test_a_file_that_an_earlier_version_wrote_is_read(tmp_path):
    form = '{"dict": [["a", {"tensor": "a"}], [3, {"tuple": [1, {"list": [null]}]}]]}'
    arrays = {"a": np.ones(2, np.float32)}
    safetensors.numpy.save_file(arrays, tmp_path / "w", {"minigrad.form": form})
    found = mg.load(tmp_path / "w")
    assert found[3] == (1, [None])
    assert found["a"].tolist() == [1, 1]
