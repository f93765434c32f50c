"""A cache of kernels that is damaged, foreign, full or open to others: each kernel still runs."""

import errno
import os
import pickle
import random
import shutil
import stat
from collections.abc import Callable
from pathlib import Path

import numba
import pytest

from minigrad.kernels.compiler import cache_folder, checked_cache
from minigrad.kernels.compiler.cache import KernelCacheLocator, keep_on_disk
from minigrad.kernels.compiler.cache_folder import others_can_write, private_folder
from minigrad.kernels.compiler.checked_cache import KernelCache
from tests.support.processes import streams

# Of each kind of damage, run in every suite; MINIGRAD_CACHE_DAMAGES=29 makes it 203 in all.
DAMAGES = int(os.environ.get("MINIGRAD_CACHE_DAMAGES", "3"))


def scale(x):  # the two have the same code but for a number, and a file each in the same folder
    return x * 2


def shift(x):
    return x + 3


RESULTS = {scale: (10.0, 10), shift: (8.0, 8)}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "kernels"))
    cache_folder.say_once.cache_clear()
    return tmp_path / "kernels"


def call(function: Callable) -> int:
    """Call the function for two types as a new process would; return how many it had to compile."""
    keep_on_disk(function)
    compiled = numba.njit(function)
    compiled._cache = KernelCache(function)
    assert (compiled(5.0), compiled(5)) == RESULTS[function]
    return sum(compiled._cache_misses.values())


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A cache with both functions for both types."""
    folder = tmp_path_factory.mktemp("sound") / "kernels"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NUMBA_CACHE_DIR", str(folder))
        assert [call(function) for function in RESULTS] == [2, 2]
    return folder


def truncate(file: Path, files: list[Path], rng: random.Random) -> None:
    file.write_bytes(file.read_bytes()[: rng.randrange(1, file.stat().st_size)])


def flip(file: Path, files: list[Path], rng: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)
    file.write_bytes(content)


def swap(file: Path, files: list[Path], rng: random.Random) -> None:
    other = rng.choice([f for f in files if f != file])
    mine, theirs = file.read_bytes(), other.read_bytes()
    file.write_bytes(theirs)
    other.write_bytes(mine)


def replace(file: Path, files: list[Path], rng: random.Random) -> None:
    foreign = pickle.dumps(rng.choice([None, {}, {"a": 1}, ("0.0", b""), Path("x")]))
    file.write_bytes(rng.choice([foreign, rng.randbytes(3000), b"GIF89a"]))


def empty(file: Path, files: list[Path], rng: random.Random) -> None:
    file.write_bytes(b"")


def use_other_index(file: Path, files: list[Path], rng: random.Random) -> None:
    indexes = [f for f in files if f.suffix == ".nbi"]
    one, other = rng.sample(indexes, 2)
    one.write_bytes(other.read_bytes())


def make_folder(file: Path, files: list[Path], rng: random.Random) -> None:
    file.unlink()
    file.mkdir()


KINDS = [truncate, flip, swap, replace, empty, use_other_index, make_folder]


@pytest.mark.parametrize("seed", range(DAMAGES))
@pytest.mark.parametrize("damage", KINDS, ids=lambda f: f.__name__)
def test_what_is_damaged_is_compiled_again_once(
    damage: Callable, seed: int, sound: Path, folder: Path, capsys: pytest.CaptureFixture
) -> None:
    shutil.copytree(sound, folder)
    rng = random.Random(seed)
    files = sorted(folder.rglob("*.nb?"))
    damage(rng.choice(files), files, rng)
    misses = sum(call(function) for function in RESULTS)
    lines = [line for line in capsys.readouterr().err.splitlines() if "are damaged" in line]
    assert 1 <= misses <= 4
    assert len(lines) == 1
    assert str(folder) in lines[0]
    if damage is not make_folder:  # which is left for its owner to remove
        assert sum(call(function) for function in RESULTS) == 0


def test_a_sound_file_that_cannot_be_used_is_compiled_again(
    sound: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(sound, folder)
    with monkeypatch.context() as patch:
        patch.setattr(checked_cache._CheckedFiles, "_dump", lambda *_: b"no pickle")
        for index in folder.rglob("*.nbi"):
            index.unlink()
        assert call(scale) == 2
    assert call(scale) == 2
    assert call(scale) == 0


def test_an_index_of_another_version_is_silently_replaced(
    sound: Path, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    shutil.copytree(sound, folder)
    monkeypatch.setattr(numba, "__version__", "0.0.1")
    assert [call(scale), call(scale)] == [2, 0]
    assert "damaged" not in capsys.readouterr().err


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EROFS, errno.EACCES, errno.EDQUOT])
def test_where_nothing_can_be_saved_kernels_run_and_one_line_says_so(
    number: int, folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    def fail(path: str, flags: int) -> int:
        raise OSError(number, os.strerror(number), path)

    monkeypatch.setattr(checked_cache, "_open_for_this_user", fail)
    assert [call(function) for function in (scale, shift)] == [2, 2]
    lines = capsys.readouterr().err.splitlines()
    assert [os.strerror(number) in line for line in lines if "cannot be kept" in line] == [True]
    assert not list(folder.rglob("*.nb*"))


def test_a_full_disk_leaves_no_part_of_a_file(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(old: str, new: str) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(checked_cache.os, "replace", fail)
        assert call(scale) == 2
    assert not [file for file in folder.rglob("*") if file.is_file()]
    assert [call(scale), call(scale)] == [2, 0]


def test_a_folder_that_cannot_be_made_is_done_without(
    folder: Path, capsys: pytest.CaptureFixture
) -> None:
    folder.write_text("a file where the folder should be")
    assert call(scale) == 2
    assert "cannot be kept" in capsys.readouterr().err


posix = pytest.mark.skipif(not cache_folder.HAS_OWNERS, reason="files have no modes here")


@posix
@pytest.mark.parametrize("which", ["root", "leaf"])
def test_a_folder_that_others_can_write_to_is_not_read(
    which: str, sound: Path, folder: Path, capsys: pytest.CaptureFixture
) -> None:
    shutil.copytree(sound, folder)
    place = folder if which == "root" else next(folder.iterdir())
    place.chmod(0o777)
    cache = KernelCacheLocator(scale, __file__).get_cache_path()
    try:
        assert not cache.startswith(str(folder))
        assert stat.S_IMODE(os.stat(Path(cache).parent).st_mode) == 0o700
        lines = capsys.readouterr().err.splitlines()
        assert [f"others can write to {place}" in line for line in lines] == [True]
    finally:
        shutil.rmtree(cache)


@posix
def test_a_file_that_others_can_write_to_is_not_read(sound: Path, folder: Path) -> None:
    shutil.copytree(sound, folder)
    for file in folder.rglob("*.nbc"):
        file.chmod(0o666)
    assert [call(scale), call(scale)] == [2, 0]


@posix
def test_what_is_saved_is_for_this_user_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        folder = private_folder(tmp_path, "leaf")
    finally:
        os.umask(before)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@posix
def test_a_folder_of_another_user_is_not_trusted(tmp_path: Path) -> None:
    status = list(tmp_path.stat())
    status[stat.ST_UID] = os.geteuid() + 1
    assert others_can_write(os.stat_result(status))


@posix
def test_a_temporary_cache_goes_with_the_process(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    out, err = streams(
        "import numpy as np\n"
        "from minigrad.kernels.compiler.cache_folder import temporary_folder\n"
        "from minigrad.kernels.pointwise import elementwise\n"
        "print(elementwise.exp(np.zeros(4, 'float32'))[0])\n"
        "print(len(list(temporary_folder().rglob('*.nbc'))) > 0, temporary_folder())\n",
        NUMBA_CACHE_DIR=str(tmp_path),
    )
    value, kept, folder = out.split()
    assert (value, kept) == ("1.0", "True")
    assert not Path(folder).exists()
    assert err.count("not trusted") == 1
    assert not any(tmp_path.rglob("*.nb*"))
