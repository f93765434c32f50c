"""Files that are damaged at random: each is read or is a ValueError, and takes little memory."""

import contextlib
import io
import os
import random
import tracemalloc
import warnings
import zipfile
from collections import Counter, OrderedDict

import numpy as np
import pytest
import torch

import minigrad as mg
from tests.support.hostile_pickles import archive

# Files of each kind, run in every suite; MINIGRAD_DAMAGED_FILES=2000 makes it 10 000 in all.
FILES = int(os.environ.get("MINIGRAD_DAMAGED_FILES", "120"))


def checkpoint():
    model = torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.randn(4, 3)).sum().backward()
    optimizer.step()
    whole = torch.arange(12.0)
    return {
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "views": [whole, whole[3:7]],
        "half": torch.ones(3, dtype=torch.bfloat16),
        "bytes": b"\x00\xff",
        "set": {1, "a"},
        "counter": Counter([3, 3]),
        "numpy": [np.arange(3), np.float32(2.5)],
        "text": "ä" * 20,
        "parameter": torch.nn.Parameter(torch.ones(2)),
        "numbers": [2**40, -1, 2.5, 300, None, True],
    }


def sound_files():
    """A file of each format, and the pickle of an archive, to be damaged below its checksum."""
    torch.manual_seed(0)
    made = {}
    for name, options in [("zip", {}), ("legacy", {"_use_new_zipfile_serialization": False})]:
        file = io.BytesIO()
        torch.save(checkpoint(), file, **options)
        made[name] = file.getvalue()
    file = io.BytesIO()
    torch.save(checkpoint(), file, pickle_protocol=4)
    made["pickle"] = zipfile.ZipFile(file).read("archive/data.pkl")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        given = mg.load(io.BytesIO(made["zip"]))
    for name, of in [("safetensors", given), ("flat", given["model"])]:
        file = io.BytesIO()
        mg.save(of, file)
        made[name] = file.getvalue()
    return made


SOUND = sound_files()
# Bytes that mean much in some format.
TELLING = [0, 1, 255, 127, 128, *b'RbQc(t.}])sujhqKJM\x8a\x93\x94\x81PK{["0-9,:']


def damaged(content, rng):
    """The content with one to four faults."""
    content = bytearray(content)
    for _ in range(rng.choice([1, 1, 1, 2, 4])):
        at, length = rng.randrange(len(content)), rng.choice([1, 2, 4, 8, 50])
        kind = rng.randrange(8)
        if kind == 0:
            content[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            content[at] = rng.choice(TELLING)
        elif kind == 2:
            content[at : at + length] = rng.randbytes(length)
        elif kind == 3:
            del content[at : at + length]
        elif kind == 4:
            content[at:at] = bytes(rng.choices(TELLING, k=length))
        elif kind == 5:
            other = rng.choice(list(SOUND.values()))
            start = rng.randrange(len(other))
            content[at : at + length] = other[start : start + length]
        elif kind == 6:
            content[at : at + length] = rng.choice([b"\xff", b"\x00", b"\x7f"]) * length
        elif rng.random() < 0.3:
            del content[at + 1 :]
    return bytes(content)


def storages():
    with zipfile.ZipFile(io.BytesIO(SOUND["zip"])) as sound:
        names = [n.removeprefix("archive/") for n in sound.namelist() if "/data/" in n]
        return {name: sound.read(f"archive/{name}") for name in names}


STORAGES = storages()


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", SOUND)
def test_damaged_files_are_read_or_refused(kind):
    rng = random.Random(kind)
    read = 0
    tracemalloc.start()
    try:
        for _ in range(FILES):
            content = damaged(SOUND[kind], rng)
            if kind == "pickle":
                content = archive(content, **STORAGES)
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            with contextlib.suppress(ValueError):
                mg.load(io.BytesIO(content))
                read += 1
            peak = tracemalloc.get_traced_memory()[1] - before
            assert peak < 1_000_000 + 40 * len(content)
    finally:
        tracemalloc.stop()
    assert read < FILES


@pytest.mark.filterwarnings("ignore")
def test_the_files_are_sound_before():
    for kind, content in SOUND.items():
        found = mg.load(io.BytesIO(archive(content, **STORAGES) if kind == "pickle" else content))
        assert type(found) in (dict, OrderedDict)
        assert len(found) >= 7
        for length in {0, 1, 7, 8, 9, len(content) // 2, len(content) - 1}:
            cut = content[:length]
            with pytest.raises(ValueError, match="cannot read"):
                mg.load(io.BytesIO(archive(cut, **STORAGES) if kind == "pickle" else cut))
