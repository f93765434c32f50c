"""Files that PyTorch wrote: what is read equals what was written, types and orders included."""

import io
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

import minigrad as mg

FORMATS = {
    "zip": {},
    "legacy": {"_use_new_zipfile_serialization": False},
    "protocol 3": {"pickle_protocol": 3},
    "protocol 4": {"pickle_protocol": 4},
    "protocol 5": {"pickle_protocol": 5},
    "legacy, protocol 4": {"_use_new_zipfile_serialization": False, "pickle_protocol": 4},
}
every_format = pytest.mark.parametrize("options", FORMATS.values(), ids=FORMATS)


def read(obj, **options):
    file = io.BytesIO()
    torch.save(obj, file, **options)
    file.seek(0)
    return mg.load(file)


def assert_same(ours, theirs):
    """Equal values of the same types in the same order; tensors in the same strides."""
    if isinstance(theirs, torch.Tensor):
        is_buffer = isinstance(theirs, torch.nn.Buffer)
        kind = mg.nn.Parameter if isinstance(theirs, torch.nn.Parameter) else mg.Tensor
        assert type(ours) is (mg.nn.Buffer if is_buffer else kind)
        assert ours.dtype.name == str(theirs.dtype).removeprefix("torch.")
        assert tuple(ours.shape) == tuple(theirs.shape)
        assert ours.requires_grad == theirs.requires_grad
        np.testing.assert_array_equal(ours.detach().numpy(), theirs.detach().numpy())
        if ours.numel():
            assert ours.stride() == theirs.stride()
    elif isinstance(theirs, np.ndarray | np.generic):
        assert type(ours) is type(theirs)
        assert ours.dtype.newbyteorder("=") == theirs.dtype.newbyteorder("=")  # as NumPy does
        np.testing.assert_array_equal(ours, theirs)
    elif isinstance(theirs, dict):
        assert type(ours) is type(theirs)
        assert list(ours) == list(theirs)
        for key in theirs:
            assert_same(ours[key], theirs[key])
    elif isinstance(theirs, list | tuple):
        assert type(ours) is type(theirs) or isinstance(theirs, torch.Size)
        assert len(ours) == len(theirs)
        for one, other in zip(ours, theirs, strict=True):
            assert_same(one, other)
    elif isinstance(theirs, torch.dtype):
        assert repr(ours) == repr(theirs).replace("torch", "minigrad")
    elif isinstance(theirs, torch.device):
        assert str(ours) == str(theirs)
    else:
        assert type(ours) is type(theirs)
        assert ours == theirs


def block(width):
    return torch.nn.Sequential(
        torch.nn.Conv2d(3, width, 3, bias=False), torch.nn.BatchNorm2d(width), torch.nn.ReLU(),
        torch.nn.Flatten(), torch.nn.LazyLinear(5),
    )  # fmt: skip


VALUES = {
    "tensor": torch.arange(6.0).reshape(2, 3),
    "number": 3,
    "nested": {
        "b": [1, (2.5, None, "x"), {"c": True}],
        "a": {3: b"by\xfftes", None: bytearray(b"\x00")},
    },
    "big numbers": [2**31, -(2**40), 2**300, -1, 255, 65536, float("inf"), 1e-300],
    "text": ["", "ä€😀", "x" * 300, "line\nline"],
    "empty": [{}, [], (), "", b"", set(), OrderedDict(), Counter(), torch.zeros(0, 3)],
    "sets": [{1, "a"}, frozenset({(1, 2)})],
    "counter": Counter([30, 80, 80]),
    "ordered": OrderedDict([("b", 1), ("a", torch.ones(1))]),
    "complex number": 1 + 2j,
    "dtypes": [torch.float32, torch.bool, torch.int64, torch.device("cpu"), torch.Size([2, 3])],
    "numpy": [
        np.float32(2.5),
        np.int64(-3),
        np.bool_(True),
        np.arange(6).reshape(2, 3),
        np.ones((2, 3), ">f4"),
        np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        (np.zeros(0), np.array(5, np.uint16)),
    ],
    "every dtype": [
        torch.tensor([0, 1, 3]).to(getattr(torch, name))
        for name in (
            "float64",
            "float32",
            "float16",
            "int64",
            "int32",
            "int16",
            "int8",
            "uint8",
            "bool",
        )
    ],
    "strides": [
        torch.arange(24.0).reshape(2, 3, 4)[:, 1:, ::2],
        torch.ones(2, 3).T,
        torch.ones(1).expand(4, 5),
        torch.ones(2, 3, 4, 5).to(memory_format=torch.channels_last),
        torch.tensor(7),
    ],
    "parameters": [
        torch.nn.Parameter(torch.ones(2)),
        torch.ones(2, requires_grad=True),
        torch.nn.Parameter(torch.ones(2), requires_grad=False),
        torch.nn.Buffer(torch.ones(3)),
    ],
    "special floats": torch.tensor([float("nan"), float("inf"), -0.0, 1e-42]),
}


@every_format
@pytest.mark.parametrize("name", VALUES)
def test_values(name, options):
    assert_same(read(VALUES[name], **options), VALUES[name])


@every_format
def test_a_state_dict_with_its_metadata(options):
    model = block(4)
    model(torch.randn(2, 3, 8, 8))
    ours, theirs = read(model.state_dict(), **options), model.state_dict()
    assert_same(ours, theirs)
    assert_same(ours._metadata, theirs._metadata)


@every_format
def test_an_optimizer_and_a_scheduler_in_the_middle(options):
    model = torch.nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1, amsgrad=True)
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, [2, 4], 0.5)
    for _ in range(3):
        model(torch.ones(4, 3)).square().sum().backward()
        optimizer.step()
        scheduler.step()
    given = {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
        "history": [{"loss": 0.5}, {"loss": 0.25}],
    }
    assert_same(read(given, **options), given)


@every_format
def test_shared_storages_stay_shared(options):
    whole = torch.arange(10.0)
    tied = torch.nn.Parameter(torch.ones(3))
    a, b, c, d, e = read([whole, whole[2:5], whole[::3], tied, tied.detach()], **options)
    b.fill_(-1)
    assert a.tolist() == [0, 1, -1, -1, -1, 5, 6, 7, 8, 9]
    assert c.tolist() == [0, -1, 6, 9]
    e.zero_()
    assert d.tolist() == [0, 0, 0]
    assert b._version == a._version == 1
    same = read([whole, whole], **options)
    assert same[0] is same[1]


WIDENED = {
    "bfloat16": torch.float32, "float8_e4m3fn": torch.float32, "float8_e5m2": torch.float32,
    "float8_e4m3fnuz": torch.float32, "float8_e5m2fnuz": torch.float32,
    "float8_e8m0fnu": torch.float32,
    "uint16": torch.int32, "uint32": torch.int64, "uint64": torch.int64,
}  # fmt: skip


@every_format
@pytest.mark.parametrize("name", WIDENED)
def test_types_that_numpy_lacks_are_widened_and_said_once(name, options):
    codes = torch.arange(256, dtype=torch.uint8)
    dtype = getattr(torch, name)
    given = codes.repeat(dtype.itemsize).reshape(dtype.itemsize, 256).T.contiguous()
    if name == "uint64":
        given[:, -1] = 0
    given = given.view(dtype).reshape(16, 16)
    with pytest.warns(UserWarning, match=name) as caught:
        ours = read([given, given.T, given[1:]], **options)
    assert len([w for w in caught if "are read as" in str(w.message)]) == 1
    assert_same(ours[0], given.to(WIDENED[name]))
    assert_same(ours[1], given.T.to(WIDENED[name]))
    ours[0][1].zero_()
    assert ours[2][0].tolist() == [0] * 16


@pytest.mark.filterwarnings("ignore")
def test_dtypes_that_have_no_place_are_refused_in_words():
    for given, words in [
        (torch.ones(2).to_sparse(), "sparse"),
        (torch.quantize_per_tensor(torch.ones(2), 0.1, 0, torch.quint8), "quantized"),
        (torch.ones(2, device="meta"), "meta"),
        (torch.tensor([-1]).view(torch.uint64), "uint64"),
        (torch.ones(2).untyped_storage(), "storage"),
    ]:
        with pytest.raises(ValueError, match=words):
            read(given)


@pytest.mark.parametrize("options", [{}, {"_use_new_zipfile_serialization": False}])
def test_a_whole_module_is_refused_in_words(options):
    with pytest.raises(ValueError, match="state_dict"):
        read(torch.nn.Linear(2, 2), **options)


def test_a_big_endian_file(tmp_path):
    torch.save(
        {"a": torch.arange(3.0), "b": torch.tensor([1, 2], dtype=torch.int16)}, tmp_path / "x"
    )
    with zipfile.ZipFile(tmp_path / "x") as old, zipfile.ZipFile(tmp_path / "y", "w") as new:
        for member in old.infolist():
            content = old.read(member)
            if member.filename.endswith("byteorder"):
                content = b"big"
            if "/data/" in member.filename:
                content = (
                    np.frombuffer(content, "<f4" if len(content) == 12 else "<i2")
                    .byteswap()
                    .tobytes()
                )
            new.writestr(member.filename, content)
    found = mg.load(tmp_path / "y")
    assert found["a"].tolist() == [0, 1, 2]
    assert found["b"].tolist() == [1, 2]


def test_attributes_of_tensors_come_along():
    weight = torch.nn.Parameter(torch.ones(2))
    weight.tag, weight.scale = "encoder", [1, 2.5]
    plain = torch.ones(3)
    plain.note = {"from": "here"}
    ours, other = read([weight, plain])
    assert (ours.tag, ours.scale, other.note) == ("encoder", [1, 2.5], {"from": "here"})


def test_a_file_from_a_gpu_is_read_to_the_cpu():
    file = io.BytesIO()
    torch.save(torch.arange(3.0), file, _use_new_zipfile_serialization=False)
    content = file.getvalue().replace(b"X\x03\x00\x00\x00cpu", b"X\x06\x00\x00\x00cuda:1")
    assert mg.load(io.BytesIO(content)).tolist() == [0, 1, 2]
    assert mg.load(io.BytesIO(content), {"cuda:1": "cpu"}).tolist() == [0, 1, 2]
    seen = []
    mg.load(io.BytesIO(content), lambda storage, location: seen.append(location))
    assert seen == ["cuda:1"]
    with pytest.raises(RuntimeError, match="cuda:0"):
        mg.load(io.BytesIO(content), {"cuda:1": "cuda:0"})
