"""Files of every format that minigrad reads, damaged by chance, and read.

    python -m benchmarks.fuzzing [--inputs 1000] [--format NAME] [--seed 0]

Each input is a good file with some changes: bits, bytes, pieces cut out, doubled, exchanged between
two files, lengths made large.  A reader may give what it has read, or raise one of the errors that
its documentation names; nothing else, and it may not take more memory than a bound.
"""

import argparse
import gzip
import io
import json
import pickle
import random
import sys
import tempfile
import time
import tracemalloc
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np

import minigrad as mg
from minigrad.cli.report import _history as read_history
from minigrad.cli.usage_error import UsageError
from minigrad.training import CheckpointManager, load_run
from minigrad.training.checkpoint_file import read_checkpoint
from minigrad.training.data.preparation import UnreadableImageError, read_pixels
from minigrad.training.data.tables import TableError, read_table
from minigrad.training.report.page import report_page
from minigrad.training.settings import SettingsError, read_toml
from minigrad.utils.data_files.files import read_idx
from minigrad.vision.datasets.unpickle import unpickle

MEMORY = 64 << 20  # bytes that reading a small file may take
ODD = (0, 1, 0x7F, 0x80, 0xFF)


class Format(NamedTuple):
    """A format: the name of its files, good ones, their reader, and the errors it may raise."""

    name: str
    good: list[bytes]
    read: Callable[[Path], object]
    errors: tuple[type[Exception], ...] = (ValueError,)


def formats(folder: Path) -> dict[str, Format]:
    """All formats, with good files that are made here."""
    model = mg.nn.Sequential(mg.nn.Linear(3, 2), mg.nn.BatchNorm1d(2))
    mg.save(model.state_dict(), folder / "weights", metadata={"model": "small"})
    state = {"model": model, "step": 3, "history": [{"loss": 0.5}], "metrics": {"loss": 0.5}}
    CheckpointManager(folder, asynchronous=False).save(3, state)
    checkpoint = (folder / "step-0000000003.safetensors").read_bytes()
    images = np.arange(32, dtype=np.uint8).reshape(2, 4, 4)
    idx = bytes([0, 0, 8, 3]) + b"".join(n.to_bytes(4, "big") for n in (2, 4, 4)) + images.tobytes()
    table = b"age,town,buys\n" + b"".join(b"%d,Ulm,yes\n" % i for i in range(9))
    arrays = io.BytesIO()
    np.savez(arrays, x=np.ones((4, 2)), y=np.array(["a", "b", "a", "b"]))
    toml = b'data = "digits"\nepochs = 3\nlr = 1e-3\nseed = 18446744073709551615\nquiet = true\n'
    history = {"epochs": [{"number": 1, "train_loss": 0.5}], "settings": {"lr": 0.1}}
    all_of_them = {
        "safetensors": Format("a.safetensors", [(folder / "weights").read_bytes()], mg.load),
        "checkpoint": Format("step-1.safetensors", [checkpoint], read_checkpoint),
        "run": Format("w.safetensors", [_weights_of_a_run(folder)], load_run),
        "pickle": Format("a.pt", _pickles(), mg.load),
        "cifar": Format("data_batch_1", [_batch()], lambda path: unpickle(path.read_bytes())),
        "idx": Format("a-idx3-ubyte", [idx], lambda path: read_idx(path, 3)),
        "idx.gz": Format("a.gz", [gzip.compress(idx, mtime=0)], lambda path: read_idx(path, 3)),
        "csv": Format("a.csv", [table], read_table, (TableError,)),
        "npz": Format("a.npz", [arrays.getvalue()], read_table, (TableError,)),
        "toml": Format("a.toml", [toml], read_toml, (SettingsError,)),
        "history": Format("history.json", [json.dumps(history).encode()], _report, (UsageError,)),
    }
    for kind, content in _torch_files().items():
        all_of_them[kind] = Format("a.pt", [content], mg.load)
    pictures = _pictures()
    if pictures:
        all_of_them["image"] = Format(
            "a.png", pictures, lambda path: read_pixels(path, 3, 8), (UnreadableImageError,)
        )
    return all_of_them


def _report(path: Path) -> object:
    history = read_history(path.parent)
    try:
        return report_page([("run", history)])
    except (KeyError, TypeError, ValueError, AttributeError) as error:  # as the command does
        raise UsageError(str(error)) from error


def _weights_of_a_run(folder: Path) -> bytes:
    """The weights of a linear model of digits, with the description that `train` writes."""
    model = mg.nn.Linear(2, 2)
    arguments = {"in_features": 2, "num_classes": 2}
    description = {
        "format": 1, "minigrad": "0.1.0", "task": "classification", "classes": ["a", "b"],
        "model": {"name": "LinearClassifier", "arguments": arguments, "file": None, "sha256": None},
        "preprocessing": {"kind": "table", "columns": [
            {"name": "x", "mean": 0.0, "std": 1.0}, {"name": "y", "mean": 0.0, "std": 1.0}]},
    }  # fmt: skip
    state = {f"fc.{name}": value for name, value in model.state_dict().items()}
    mg.save(state, folder / "run", metadata={"minigrad.run": json.dumps(description)})
    return (folder / "run").read_bytes()


def _pickles() -> list[bytes]:
    plain = {b"data": b"x" * 40, b"labels": [1, 2, 3]}
    return [pickle.dumps(plain, protocol) for protocol in (2, 4)]


def _torch_files() -> dict[str, bytes]:
    """Files of torch.save, of today and of before 2020."""
    try:
        import torch  # noqa: PLC0415  optional
    except ImportError:
        return {}
    values = {
        "w": torch.ones(2, 3).t(),
        "n": [1, 2.5, "x", None, (True,)],
        "h": torch.ones(2).half(),
    }
    found = {}
    for kind, is_zip in (("torch zip", True), ("torch legacy", False)):
        memory = io.BytesIO()
        torch.save(values, memory, _use_new_zipfile_serialization=is_zip)
        found[kind] = memory.getvalue()
    return found


def _batch() -> bytes:
    """A batch of CIFAR-10, a pickle of Python 2: {b"data": (1, 3) of uint8, b"labels": [1]}."""

    def binstring(content: bytes) -> bytes:
        return b"T" + len(content).to_bytes(4, "little") + content

    def binint(number: int) -> bytes:
        return b"J" + number.to_bytes(4, "little", signed=True)

    dtype = b"cnumpy\ndtype\n" + binstring(b"u1") + b"K\x00K\x01\x87R(K\x03" + binstring(b"|")
    dtype += b"NNN" + binint(-1) + binint(-1) + b"K\x00tb"
    array = b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85" + binstring(b"b")
    array += b"\x87R(K\x01(" + binint(1) + binint(3) + b"t" + dtype + b"\x89"
    array += binstring(b"abc") + b"tb"
    pairs = binstring(b"data") + array + binstring(b"labels") + b"](" + binint(1) + b"e"
    return b"\x80\x02}(" + pairs + b"u."


def _pictures() -> list[bytes]:
    try:
        from PIL import Image  # noqa: PLC0415  optional
    except ImportError:
        return []
    picture = Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3) % 251)
    found = []
    for kind in ("PNG", "JPEG", "BMP", "TIFF", "WEBP", "PPM"):
        memory = io.BytesIO()
        picture.save(memory, format=kind)
        found.append(memory.getvalue())
    return found


def damaged(good: bytes, draw: random.Random) -> bytes:
    """A good file with one to eight changes."""
    content = bytearray(good)
    for _ in range(draw.choice((1, 1, 2, 4, 8))):
        at = draw.randrange(len(content) + 1)
        length = draw.choice((1, 2, 4, 8, 32))
        change = draw.randrange(7)
        if change == 0 and at < len(content):
            content[at] ^= 1 << draw.randrange(8)
        elif change == 1:
            content[at : at + 1] = bytes([draw.choice(ODD)])
        elif change == 2:
            del content[at : at + length]
        elif change == 3:
            content[at:at] = content[at : at + length]
        elif change == 4:
            content[at : at + length] = bytes(draw.choice(ODD) for _ in range(length))
        elif change == 5:
            number = draw.choice((2**31 - 1, 2**32 - 1, 2**63 - 1, 10**9))
            content[at : at + 8] = number.to_bytes(8, draw.choice(("little", "big")))
        else:
            content[at : at + 2] = str(draw.choice((-1, 10**12, 10**30, 1e308))).encode()
    return bytes(content)


def try_input(form: Format, content: bytes, folder: Path) -> str:
    """Read a file; "read" or the name of its error.  Raises AssertionError for a fault."""
    path = folder / form.name
    path.write_bytes(content)
    tracemalloc.start()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            form.read(path)
        return "read"
    except form.errors as error:
        return type(error).__name__
    except Exception as error:
        raise AssertionError(f"{type(error).__name__}: {error}: {content!r}") from error
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < MEMORY, f"{peak:,} bytes for {content!r}"


def campaign(form: Format, inputs: int, draw: random.Random, folder: Path) -> Counter[str]:
    """Try many inputs; how each ended."""
    for content in form.good:
        if form.errors == (ValueError,) and form.read is mg.load and content[:1] == b"\x80":
            continue  # a bare pickle, which is refused
        assert try_input(form, content, folder) == "read", form.name
    ends: Counter[str] = Counter()
    for _ in range(inputs):
        ends[try_input(form, damaged(draw.choice(form.good), draw), folder)] += 1
    return ends


def main() -> int:
    """Try all formats, and print how the inputs ended."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--inputs", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--format", action="append")
    options = parser.parse_args()
    faults = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, form in formats(folder).items():
            if options.format and kind not in options.format:
                continue
            began = time.perf_counter()
            try:
                ends = campaign(form, options.inputs, random.Random(options.seed), folder)
            except AssertionError as error:
                faults += 1
                print(f"{kind:12} FAULT {str(error)[:2000]}")
                continue
            seconds = time.perf_counter() - began
            print(f"{kind:12} {options.inputs:7} inputs in {seconds:5.1f} s: {dict(ends)}")
    return int(faults > 0)


if __name__ == "__main__":
    sys.exit(main())
