"""safetensors files: every element type, and forged headers, which are refused by their sizes."""

import io
import json
import struct
import tracemalloc

import numpy as np
import pytest
import safetensors.torch
import torch

import minigrad as mg

TYPES = {
    "float64": "float64", "float32": "float32", "float16": "float16", "bfloat16": "float32",
    "float8_e4m3fn": "float32", "float8_e5m2": "float32", "float8_e8m0fnu": "float32",
    "float8_e4m3fnuz": "float32", "float8_e5m2fnuz": "float32",
    "int64": "int64", "int32": "int32", "int16": "int16", "int8": "int8", "uint8": "uint8",
    "uint16": "int32", "uint32": "int64", "uint64": "int64", "bool": "bool",
}  # fmt: skip


def file(header, data=b"", length=None):
    content = header if isinstance(header, bytes) else json.dumps(header).encode()
    return struct.pack("<Q", len(content) if length is None else length) + content + data


def entry(dtype="F32", shape=(2,), begin=0, end=8, **others):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end], **others}


def form(value):
    return {"__metadata__": {"minigrad.form": json.dumps(value)}, "a": entry()}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", TYPES)
def test_every_element_type(name, tmp_path):
    given = torch.arange(6).reshape(2, 3).to(getattr(torch, name))
    try:
        safetensors.torch.save_file({"a": given}, tmp_path / "w")
    except KeyError:  # a type that the package does not write
        pytest.skip(f"safetensors has no {name}")
    found = mg.load(tmp_path / "w")["a"]
    assert found.dtype.name == TYPES[name]
    np.testing.assert_array_equal(found.numpy(), given.to(getattr(torch, TYPES[name])).numpy())


def test_a_widened_type_is_said_once(tmp_path):
    given = {name: torch.ones(2).bfloat16() for name in "abc"}
    safetensors.torch.save_file(given, tmp_path / "w")
    with pytest.warns(UserWarning, match="bfloat16.*read as float32") as caught:
        mg.load(tmp_path / "w")
    assert len(caught) == 1


def test_names_come_in_the_order_of_the_file():
    header = {"b": entry(begin=8, end=16), "a": entry()}
    found = mg.load(io.BytesIO(file(header, np.arange(4, dtype=np.float32).tobytes())))
    assert list(found) == ["b", "a"]
    assert found["b"].tolist() == [2, 3]


HUGE = 2**62
FORGED = {
    "no file": (b"", "it is empty"),
    "seven bytes": (bytes(7), "neither safetensors"),
    "a header longer than the file": (file({}, length=HUGE), "should have"),
    "a length above 2**63": (file({}, length=2**64 - 1), "should have"),
    "no JSON": (file(b"{oops}"), "header is no JSON"),
    "no UTF-8": (file(b"{\xff\xff}"), "header is no JSON"),
    "a list": (file(b'{"a": [1]}'), "should have a dtype"),
    "deeply nested": (file(b'{"a":' * 100_000), "nested too deeply"),
    "deeply nested lists": (file(b'{"a":' + b"[" * 100_000), "nested too deeply"),
    "a name twice": (file(b'{"a": 1, "a": 2}'), "a name twice"),
    "a key twice": (file(b'{"a": {"dtype": "F32", "dtype": "F64"}}'), "a name twice"),
    "metadata of numbers": (file({"__metadata__": {"a": 1}}), "should be strings"),
    "metadata that is a list": (file({"__metadata__": ["a"]}), "should be strings"),
    "an unknown type": (file({"a": entry("F31")}, bytes(8)), "unknown: F31"),
    "a type of half a byte": (file({"a": entry("F4")}, bytes(8)), "float4"),
    "a type that is a number": (file({"a": entry(3)}, bytes(8)), "unknown"),
    "more elements than bytes": (file({"a": entry(shape=[3])}, bytes(8)), "12 bytes, and has 8"),
    "a huge shape": (file({"a": entry(shape=[HUGE])}, bytes(8)), "counted"),
    "a product that overflows": (file({"a": entry(shape=[2**32, 2**32])}, bytes(8)), "counted"),
    "a huge shape of nothing": (file({"a": entry(shape=[0, HUGE], end=0)}), "counted"),
    "a negative size": (file({"a": entry(shape=[-2])}, bytes(8)), "sizes >= 0"),
    "a size that is true": (file({"a": entry(shape=[True, 2])}, bytes(8)), "sizes >= 0"),
    "a size with a fraction": (file({"a": entry(shape=[2.0])}, bytes(8)), "sizes >= 0"),
    "65 sizes": (file({"a": entry(shape=[1] * 65, end=4)}, bytes(4)), "at most 64"),
    "offsets outside": (file({"a": entry(shape=[2**40], end=2**42)}, bytes(8)), "complete"),
    "too many elements": (file({"a": entry(shape=[HUGE // 4], end=HUGE)}, bytes(8)), "counted"),
    "offsets in the wrong order": (file({"a": entry(begin=8, end=0)}, bytes(8)), "beginning"),
    "negative offsets": (file({"a": entry(begin=-8, end=0)}, bytes(8)), "beginning"),
    "three offsets": (file({"a": entry(data_offsets=[0, 8, 8])}, bytes(8)), "beginning"),
    "an entry too many": (file({"a": entry(x=1)}, bytes(8)), "should have a dtype"),
    "overlapping tensors": (
        file({"a": entry(), "b": entry(begin=4, end=12)}, bytes(12)),
        "overlaps",
    ),
    "the same bytes twice": (file({"a": entry(), "b": entry()}, bytes(8)), "overlaps"),
    "a gap": (file({"a": entry(begin=8, end=16)}, bytes(16)), "gap"),
    "bytes too few": (file({"a": entry()}, bytes(7)), "not complete"),
    "bytes too many": (file({"a": entry()}, bytes(9)), "not complete"),
    "form that is no JSON": (
        file({"__metadata__": {"minigrad.form": "{"}, "a": entry()}, bytes(8)),
        "structure is no JSON",
    ),
}
FORMS = {
    "a tensor that is missing": ({"tensor": "b"}, "missing"),
    "an unknown kind": ({"eval": "1"}, "unknown kind, 'eval'"),
    "an empty object": ({}, "damaged"),
    "a list outside of an object": ([1], "damaged"),
    "a dict of numbers": ({"dict": [1]}, "damaged"),
    "pairs of three": ({"dict": [[1, 2, 3]]}, "should have pairs"),
    "a list for a key": ({"dict": [[{"list": []}, 1]]}, "key"),
    "a list in a set": ({"set": [{"list": []}]}, "key"),
    "an offset outside": ({"tensor": "a", "offset": 1, "shape": [2], "strides": [1]}, "fit"),
    "a negative offset": ({"tensor": "a", "offset": -1, "shape": [2], "strides": [1]}, ">= 0"),
    "a huge view": ({"tensor": "a", "offset": 0, "shape": [HUGE], "strides": [0]}, "counted"),
    "strides with gaps": ({"tensor": "a", "strides": [2]}, "do not fit"),
    "too few strides": ({"tensor": "a", "strides": []}, "as many strides"),
    "one tensor copied often": (
        {"list": [{"tensor": "a", "strides": [1], "n": n} for n in range(3)]},
        "strides twice",
    ),
    "a damaged scalar": ({"scalar": ["object", 1]}, "damaged scalar"),
    "a scalar of text": ({"scalar": ["float32", "x"]}, "damaged scalar"),
    "damaged bytes": ({"bytes": "?"}, "damaged bytes"),
    "a dtype of objects": ({"dtype": "O"}, "damaged dtype"),
    "a device that is none": ({"device": "nothing"}, "damaged device"),
    "a complex number of three": ({"complex": [1, 2, 3]}, "damaged complex"),
}
FORGED |= {
    f"form with {name}": (file(form(value), bytes(8)), words)
    for name, (value, words) in FORMS.items()
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_files_are_refused_before_memory_is_taken(name, tmp_path):
    content, words = FORGED[name]
    (tmp_path / "w").write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=words):
            mg.load(tmp_path / "w")
        assert tracemalloc.get_traced_memory()[1] < 200_000 + 40 * len(content)
    finally:
        tracemalloc.stop()
