"""Zip archives as torch writes them, and forged: sizes, overlaps, checksums, compression."""

import io
import struct
import tracemalloc
import zipfile

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.hostile_pickles import archive, tensor

PICKLE = tensor() + b"."


def load(content):
    return mg.load(io.BytesIO(content))


def sound():
    file = io.BytesIO()
    torch.save({"a": torch.arange(4.0), "b": torch.ones(1000)}, file)
    return bytearray(file.getvalue())


def entry(content, name):
    """Where the list of members has a member."""
    at = content.rindex(name)
    return content.rindex(b"PK\x01\x02", 0, at)


@pytest.mark.parametrize(
    ("members", "words"),
    [
        ({"data/0": bytes(15)}, "should have 16 bytes, and has 15"),
        ({"data/0": bytes(20)}, "should have 16 bytes, and has 20"),
        ({"data/0": b""}, "should have 16 bytes, and has 0"),
        ({"byteorder": b"middle"}, "byte order"),
        ({"constants.pkl": b"x"}, "TorchScript"),
    ],
)
def test_members_that_do_not_fit(members, words):
    with pytest.raises(ValueError, match=words):
        load(archive(PICKLE, **members))


@pytest.mark.parametrize(
    ("position", "layout", "value", "words"),
    [
        (10, "<H", 8, "compressed"),
        (8, "<H", 1, "compressed or encrypted"),
        (16, "<I", 1, "checksum"),
        (20, "<I", 3, "two sizes"),
        (24, "<I", 2**32 - 2, "two sizes"),
        (42, "<I", 0, "overlaps|damaged|two sizes|no header"),
        (42, "<I", 2**31, "bytes at byte"),
    ],
)
def test_a_list_of_members_that_contradicts_them(position, layout, value, words):
    content = sound()
    struct.pack_into(layout, content, entry(content, b"/data/1") + position, value)
    with pytest.raises(ValueError, match=words):
        load(content)


def test_both_sizes_forged():
    content = sound()
    for position in (20, 24):
        struct.pack_into("<I", content, entry(content, b"/data/1") + position, 2**31)
    with pytest.raises(ValueError, match="does not lie in the file"):
        load(content)


def test_a_member_twice():
    file = io.BytesIO(archive(PICKLE))
    with zipfile.ZipFile(file, "a") as made, pytest.warns(UserWarning, match="Duplicate"):
        made.writestr("archive/data/0", bytes(16))
    with pytest.raises(ValueError, match="two members named 'archive/data/0'"):
        load(file.getvalue())


def test_a_changed_storage_has_another_checksum(tmp_path):
    content = sound()
    at = content.index(np.float32([0, 1, 2, 3]).tobytes())
    content[at] ^= 1
    with pytest.raises(ValueError, match="checksum"):
        load(content)
    (tmp_path / "w").write_bytes(content)
    assert mg.load(tmp_path / "w", mmap=True)["a"][1] == 1  # which reads on demand, and checks none


def test_a_bomb_is_not_unpacked():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as made:
        made.writestr("archive/data.pkl", b"(" * 100_000_000)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match="compressed"):
            load(file.getvalue())
        assert tracemalloc.get_traced_memory()[1] < 10_000_000
    finally:
        tracemalloc.stop()


def test_other_archives_and_pickles_are_named():
    file = io.BytesIO()
    np.savez(file, a=np.ones(2))
    for content, words in [
        (file.getvalue(), "none that torch.save wrote"),
        (b"\x80\x04K\x01.", "a pickle, but none that torch.save wrote"),
        (b"", "it is empty"),
        (b"<!DOCTYPE html><html>", "neither safetensors nor"),
        (b"\x93NUMPY\x01\x00", "neither safetensors nor"),
    ]:
        with pytest.raises(ValueError, match=words):
            load(content)
    script = io.BytesIO()
    torch.save({"a": 1}, script)
    assert load(script.getvalue()) == {"a": 1}


@pytest.mark.parametrize("length", [1, 1000, 100_000])
def test_mmap_reads_what_a_whole_read_does(tmp_path, length):
    given = {"a": torch.randn(length), "b": torch.arange(length)[1:], "c": torch.ones(3) > 0}
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        torch.save(given, tmp_path / "w", **options)
        before = (tmp_path / "w").read_bytes()
        found = mg.load(tmp_path / "w", mmap=True)
        for name, value in given.items():
            np.testing.assert_array_equal(found[name].numpy(), value.numpy())
            found[name].zero_()  # a private copy of the pages
        assert (tmp_path / "w").read_bytes() == before
    with pytest.raises(ValueError, match="file path"):
        mg.load(io.BytesIO(before), mmap=True)


def test_a_file_that_begins_later():
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        file = io.BytesIO()
        file.write(b"something else")
        torch.save([torch.ones(2), 5], file, **options)
        file.seek(14)
        ones, five = mg.load(file)
        assert (ones.tolist(), five) == ([1, 1], 5)


def test_several_legacy_files_in_one():
    file = io.BytesIO()
    for number in range(3):
        torch.save(torch.ones(2) * number, file, _use_new_zipfile_serialization=False)
    file.seek(0)
    assert [mg.load(file).tolist() for _ in range(3)] == [[0, 0], [1, 1], [2, 2]]


class OnlyReads:
    """A file that cannot read into memory that is there."""

    def __init__(self, content):
        self._file = io.BytesIO(content)
        self.read, self.seek, self.tell = self._file.read, self._file.seek, self._file.tell
        self.readline = self._file.readline


def test_files_with_few_methods():
    for options in ({}, {"_use_new_zipfile_serialization": False}):
        file = io.BytesIO()
        torch.save(torch.ones(2), file, **options)
        assert mg.load(OnlyReads(file.getvalue())).tolist() == [1, 1]
    with pytest.raises(TypeError, match="a path or a file to read from, not object"):
        mg.load(object())
