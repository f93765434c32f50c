"""The reader of CIFAR-10's pickles: agrees with Python's on batches, runs nothing of any other."""

import contextlib
import os
import pickle

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minigrad.vision import datasets
from minigrad.vision.datasets.unpickle import unpickle
from tests.support.dataset_files import (
    DTYPE,
    NEW_ARRAY,
    REAL,
    binstring,
    cifar_batch,
    needs_cifar,
    pickled_array,
    pickled_batch,
    pickled_labels,
    write_cifar,
)

ROW = np.zeros((2, 3072), np.uint8)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a batch of CIFAR-10"),
        (cifar_batch(ROW, [0, 1])[:-3000], "not a batch of CIFAR-10"),
        (b"<html>", "not a batch of CIFAR-10"),
        (b"\x80\x02}.", "expected an array b'data'"),
        (b"\x80\x02].", "expected an array b'data'"),
        (pickled_batch(pickled_labels([1]), pickled_labels([1])), "expected an array b'data'"),
        (pickled_batch(NEW_ARRAY, pickled_labels([1])), "expected an array b'data'"),
        (cifar_batch(ROW[:, 1:], [0, 1]), r"expected data of shape \(N, 3072\), got \(2, 3071\)"),
        (cifar_batch(ROW, [0]), "1 labels for 2 images"),
        (cifar_batch(ROW, [0, 10]), "label 10 at position 1 is out of range"),
        (cifar_batch(ROW, [-1, 0]), "label -1 at position 0 is out of range"),
        (
            pickled_batch(
                pickled_array((2, 3072), ROW.tobytes()), b"](" + binstring(b"x") * 2 + b"e"
            ),
            "expected labels that are integers",
        ),
    ],
)
def test_a_damaged_batch_is_refused(tmp_path, content, message):
    write_cifar(tmp_path)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match=message) as caught:
        datasets.CIFAR10(tmp_path, train=False)
    assert str(tmp_path / "test_batch") in str(caught.value)


def test_the_reader_agrees_with_python_s_on_what_it_reads():
    images = np.random.default_rng(0).integers(0, 256, (3, 3072), dtype=np.uint8)
    content = cifar_batch(images, [1, 2, 3])
    ours, theirs = unpickle(content), pickle.loads(content, encoding="bytes")
    assert ours.keys() == theirs.keys()
    np.testing.assert_array_equal(ours[b"data"], theirs[b"data"])
    assert ours[b"labels"] == theirs[b"labels"]


@needs_cifar
def test_the_reader_agrees_with_python_s_on_the_published_files():
    for name in ("batches.meta", "test_batch"):
        content = (REAL / "cifar10" / name).read_bytes()
        ours, theirs = unpickle(content), pickle.loads(content, encoding="bytes")
        assert ours.keys() == theirs.keys()
        for key in theirs:
            np.testing.assert_array_equal(ours[key], theirs[key])
    meta = unpickle((REAL / "cifar10" / "batches.meta").read_bytes())
    assert [name.decode() for name in meta[b"label_names"]] == datasets.CIFAR10.classes


class Evil:
    """What a pickle may ask of Python's own unpickler."""

    fired: list[str] = []  # noqa: RUF012  the marks of whatever ran

    def __init__(self, function, *arguments):
        self.call = (function, arguments)

    def __reduce__(self):
        return self.call


def fire(*arguments):
    Evil.fired.append("fired")


NAME, OPCODE = "refers to '{}', which no batch needs", "opcode {} at byte"
CALL, STATE = "calls {} with unexpected arguments", "sets the state of something that is no array"
RECONSTRUCT = b"cnumpy.core.multiarray\n_reconstruct\n"
BY_B = binstring(b"b") + b"\x87R."

HOSTILE = {
    "own function": (pickle.dumps(Evil(fire), 2), NAME.format(f"{__name__}.fire")),
    "os.system": (pickle.dumps(Evil(os.system, "echo hostile"), 2), NAME.format(r"\w+.system")),
    "os.system in protocol 0": (b"cos\nsystem\n(S'echo hostile'\ntR.", NAME.format("os.system")),
    "os.system by INST": (b"(S'echo hostile'\nios\nsystem\n.", OPCODE.format("STRING")),
    "os.system by OBJ": (b"(cos\nsystem\nS'echo hostile'\no.", NAME.format("os.system")),
    "builtins.eval": (
        pickle.dumps(Evil(eval, "__import__('os').abort()"), 2),
        NAME.format(r"\w+.eval"),
    ),
    "protocol 4": (pickle.dumps(Evil(fire), 4), OPCODE.format("FRAME")),
    "protocol 5": (pickle.dumps(Evil(fire), 5), OPCODE.format("FRAME")),
    "nested": (
        pickled_batch(b"](](" + pickle.dumps(Evil(fire), 2)[2:-1] + b"ee", b"]"),
        NAME.format(f"{__name__}.fire"),
    ),
    "persistent id": (b"Pfile\n.", OPCODE.format("PERSID")),
    "extension": (b"\x82\x01.", OPCODE.format("EXT1")),
    "numpy object array": (
        pickle.dumps(np.array([Evil(fire)], dtype=object), 2),
        NAME.format(r"numpy\.\w+\.multiarray._reconstruct"),
    ),
    "numpy.load": (b"cnumpy\nload\n" + binstring(b"x") + b"\x85R.", NAME.format("numpy.load")),
    "numpy attribute": (b"cnumpy\nndarray.dump\n.", NAME.format("numpy.ndarray.dump")),
    "reconstruct of a list": (
        RECONSTRUCT + b"c__builtin__\nlist\n)R.",
        NAME.format("__builtin__.list"),
    ),
    "reconstruct of a dtype": (
        RECONSTRUCT + b"cnumpy\ndtype\nK\0\x85" + BY_B,
        CALL.format("reconstruct"),
    ),
    "reconstruct of odd size": (
        RECONSTRUCT + b"cnumpy\nndarray\nK\x09\x85" + BY_B,
        CALL.format("reconstruct"),
    ),
    "dtype of objects": (
        b"cnumpy\ndtype\n" + binstring(b"O8") + b"K\0K\1\x87R.",
        CALL.format("dtype"),
    ),
    "dtype with odd state": (
        DTYPE + b"(K\x03" + binstring(b"|") + b"N}Ntb.",
        "gives a dtype an unexpected state",
    ),
    "ndarray called": (b"cnumpy\nndarray\n(K\1tR.", CALL.format("ndarray")),
    "call of a call": (DTYPE + b"(tR.", CALL.format("something")),
    "call of bytes": (binstring(b"x") + b"(tR.", CALL.format("something")),
    "state for a name": (b"cnumpy\nndarray\n}b.", STATE),
    "state for a dict": (b"}}b.", STATE),
    "array filled twice": (pickled_array((1, 1), b"x") + b"(K\1tb.", STATE),
    "array of another dtype": (
        pickled_array((1, 8), bytes(8), dtype=binstring(b"O")) + b".",
        "uint8 values",
    ),
    "array longer than its content": (
        pickled_array((10, 3072), b"") + b".",
        r"does not have the length of its shape \(10, 3072\)",
    ),
    "array of negative size": (pickled_array((-1, -1), b"x") + b".", "two integers >= 0"),
    "array of three sizes": (pickled_array((1, 1, 1), b"x") + b".", "two integers"),
    "array with a short state": (NEW_ARRAY + b"(K\1tb.", "state of five values"),
    "unhashable key": (b"}(]K\1u.", "bytes for keys"),
    "odd number of items": (b"}(" + binstring(b"a") + b"u.", "a value for each"),
    "items without a dict": (b"](" + binstring(b"a") + b"K\1u.", "a dict is missing"),
    "values without a list": (b"}(K\1e.", "a list is missing"),
    "no mark": (b"]K\1e.", "a mark is missing"),
    "empty stack": (b"R.", "a value is missing"),
    "mark for a value": (b"(\x85.", "a value is missing"),
    "nothing remembered": (b"h\x05.", "nothing was stored under number 5"),
    "left over": (b"K\1K\2.", "left over at the end"),
    "no STOP": (b"K\1", "exhausted before seeing STOP"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_pickles_are_refused_and_run_nothing(tmp_path, capfd, name):
    content, message = HOSTILE[name]
    with pytest.raises(ValueError, match=message):
        unpickle(content)
    (tmp_path / "test_batch").write_bytes(content)
    with pytest.raises(ValueError, match=f"test_batch is not a batch of CIFAR-10: .*{message}"):
        datasets.CIFAR10(tmp_path, train=False)
    assert not Evil.fired
    assert "hostile" not in capfd.readouterr().out


def test_what_follows_the_end_is_not_read():
    assert unpickle(b"\x80\x02}." + pickle.dumps(Evil(fire), 2)) == {}
    assert not Evil.fired


def test_the_hostile_pickles_are_hostile():
    pickle.loads(HOSTILE["own function"][0])
    assert Evil.fired.pop() == "fired"


SMALL = cifar_batch(np.arange(6, dtype=np.uint8).reshape(2, 3), [4, 5])


@given(st.lists(st.tuples(st.integers(0, len(SMALL) - 1), st.integers(0, 255)), max_size=6))
@example([])
@example([(14, 92)])  # an escape sequence that is none
def test_a_spoilt_batch_is_read_or_refused(changes):
    content = bytearray(SMALL)
    for position, byte in changes:
        content[position] = byte
    with contextlib.suppress(ValueError):
        unpickle(bytes(content))
    assert not Evil.fired
