"""Damaged files of every format end in the errors that are documented, in bounded memory."""

import gzip
import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmarks import fuzzing
from minigrad.utils.data_files import files

with tempfile.TemporaryDirectory() as _folder:
    FORMATS = fuzzing.formats(Path(_folder))


@pytest.mark.parametrize("name", FORMATS)
@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(draw=st.randoms(use_true_random=False))
def test_damaged_files(name, draw, tmp_path):
    """A sample of `python -m benchmarks.fuzzing`, which tries thousands."""
    form = FORMATS[name]
    fuzzing.try_input(form, fuzzing.damaged(draw.choice(form.good), draw), tmp_path)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pickle"])
def test_good_files_are_read(name, tmp_path):
    form = FORMATS[name]
    for content in form.good:
        assert fuzzing.try_input(form, content, tmp_path) == "read"


def test_what_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(files, "MOST_BYTES", 1 << 20)
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(bytes(5 << 20)))
    with pytest.raises(ValueError, match="more than 1,048,576 bytes"):
        files.read(path)
    header = bytes([0, 0, 8, 1]) + (4).to_bytes(4, "big")
    path.write_bytes(gzip.compress(header + bytes(5 << 20)))
    with pytest.raises(ValueError, match=r"at least 5 bytes .* promises 4"):
        files.read_idx(path, 1)
    assert os.path.getsize(path) < 10_000
