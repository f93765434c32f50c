"""`minigrad cache`: what lies there, and clearing it while it is in use."""

import pytest

from minigrad.cli import main

OURS = "kernels/softmax-0123456789abcdef/softmax.py311.nbc"


@pytest.fixture
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    for name, size in {OURS: 3 << 20, "rules/adam.py": 2 << 20, "data/digits.gz": 1 << 20}.items():
        (tmp_path / name).parent.mkdir(parents=True)
        (tmp_path / name).write_bytes(bytes(size))
    return tmp_path


def test_info_counts_files_and_says_the_limit(cache, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_CACHE_LIMIT", "2048")
    assert main(["cache", "info"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:6] for line in lines] == [
        ["kernels", "1", "files", "3.0", "MiB", "of"],
        ["rules", "1", "files", "2.0", "MiB", str(cache / "rules")],
        ["data", "1", "files", "1.0", "MiB", str(cache / "data")],
    ]
    assert "of 2,048" in lines[0]


def test_clear_leaves_data_and_files_of_other_programs(cache, capsys):
    other = cache / "kernels" / "other_program" / "x.nbc"
    other.parent.mkdir()
    other.write_bytes(b"x")
    assert main(["cache", "clear"]) == 0
    assert "kernels: 1 files, 3.0 MiB cleared" in capsys.readouterr().out
    assert not (cache / OURS).parent.exists()
    assert not (cache / "rules").exists()
    assert other.exists()
    assert (cache / "data" / "digits.gz").exists()
    assert main(["cache", "clear", "--data"]) == 0
    assert not (cache / "data").exists()


def test_an_empty_cache_is_no_error(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_CACHE", str(tmp_path / "none"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    assert main(["cache", "info"]) == 0
    assert main(["cache", "clear", "--data"]) == 0
    assert capsys.readouterr().out.count(" 0 files") == 6


def test_a_limit_that_is_none_is_a_mistake(cache, monkeypatch, capsys):
    monkeypatch.setenv("MINIGRAD_CACHE_LIMIT", "large")
    assert main(["cache", "info"]) == 2
    assert "MINIGRAD_CACHE_LIMIT is 'large'" in capsys.readouterr().err
