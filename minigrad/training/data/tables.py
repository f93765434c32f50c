"""Tables to train on: CSV, NPZ and Parquet files, whose columns become numbers."""

import csv
import importlib
import math
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from minigrad.core.types import Array
from minigrad.tensor.creation import from_numpy
from minigrad.training.data.source import Source, held_out
from minigrad.training.settings import Settings, SettingsError
from minigrad.utils.data import TensorDataset

MOST_BYTES = 1 << 30  # of a file, and of what it unpacks to
MOST_TEXTS = 100  # different texts in a column
# What stands for a missing number in files of other programs, in a column of numbers.
MISSING = {"", "na", "n/a", "#n/a", "<na>", "nan", "null", "none", "-", "?"}
MOST_CLASSES = 1000
FEW_NUMBERS = 20  # different whole numbers that are taken for classes

Column = Array | list[str]


class TableError(ValueError):
    """A file that is no table, or a table that cannot be learned from."""


def read_table(path: str | Path) -> dict[str, Column]:
    """The columns of a table: numbers as float64 with nan where they are missing, or texts.

    Raises TableError for a file that is none, OSError if it cannot be read, ImportError for a
    Parquet file without pandas and pyarrow.
    """
    path = Path(path).expanduser()
    if path.stat().st_size > MOST_BYTES:
        raise TableError(f"{path} has more than {MOST_BYTES:,} bytes")
    readers = {".csv": _read_csv, ".npz": _read_npz, ".parquet": _read_parquet}
    if path.suffix.lower() not in readers:
        raise TableError(f"{path} is none of {', '.join(readers)}")
    columns = readers[path.suffix.lower()](path)
    if not columns or len(next(iter(columns.values()))) < 1:
        raise TableError(f"{path} has no rows")
    return columns


def _read_csv(path: Path) -> dict[str, Column]:
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            separator = _separator(file.readline())
            file.seek(0)
            rows = list(csv.reader(file, strict=True, delimiter=separator))
    except (csv.Error, UnicodeDecodeError) as error:
        raise TableError(f"{path} is no CSV file: {error}") from error
    rows = [row for row in rows if row]
    if len(rows) < 2:
        raise TableError(f"{path} should have a line of names, and lines of values")
    names, *values = rows
    if len(set(names)) != len(names) or not all(names):
        raise TableError(f"{path}: the names of columns should differ, and not be empty: {names}")
    for number, row in enumerate(values, 2):
        if len(row) != len(names):
            raise TableError(
                f"{path}: line {number} has {len(row)} values, and the first has {len(names)} names"
            )
    point = "," if separator == ";" else "."
    texts = zip(*values, strict=True)
    return {name: _column(list(column), point) for name, column in zip(names, texts, strict=True)}


def _separator(names: str) -> str:
    """What stands between values: a comma, or where the line of names has none, ; or a tab."""
    found = [sign for sign in ",;\t" if sign in names]
    return found[0] if found else ","


def _column(texts: list[str], point: str) -> Column:
    """Numbers, if all texts are numbers or say that one is missing; else the texts."""
    texts = [text.strip() for text in texts]
    try:
        numbers = [_number_in(text, point) for text in texts]
    except ValueError:
        return texts
    if all(map(math.isnan, numbers)) and any(texts):
        return texts  # words alone, such as "none"
    return np.array(numbers)


def _number_in(text: str, point: str) -> float:
    """The number that a text is.  Raises ValueError for other texts, as `1_000` is one."""
    if text.lower() in MISSING:
        return math.nan
    if "_" in text:
        raise ValueError(text)
    return float(text.replace(point, "."))


def _read_npz(path: Path) -> dict[str, Column]:
    """Arrays of one length: of one dimension a column, of two as many as it has."""
    try:
        with zipfile.ZipFile(path) as archive:
            unpacked = sum(member.file_size for member in archive.infolist())
        if unpacked > MOST_BYTES:
            raise TableError(f"{path} would unpack to {unpacked:,} bytes, above {MOST_BYTES:,}")
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
    except TableError:
        raise
    except Exception as error:  # zipfile and NumPy raise whatever a damaged file leads them to
        raise TableError(f"{path} is no NPZ file of numbers and texts: {error}") from error
    columns: dict[str, Column] = {}
    for name, array in arrays.items():
        if array.ndim == 1:
            columns[name] = column_of(path, name, array)
        elif array.ndim == 2:
            for i in range(array.shape[1]):
                columns[f"{name}[{i}]"] = column_of(path, name, array[:, i])
        else:
            raise TableError(
                f"{path}: {name} has shape {array.shape}; expected (rows,) or (rows, columns)"
            )
    if len({len(column) for column in columns.values()}) > 1:
        sizes = ", ".join(f"{name} {len(a)}" for name, a in arrays.items())
        raise TableError(f"{path}: its arrays have different numbers of rows: {sizes}")
    return columns


def column_of(path: object, name: str, array: Array) -> Column:
    """The column in an array of `path`.  Raises TableError if it is none of numbers or texts."""
    if array.dtype.kind in "biuf":
        return array.astype(np.float64)
    if array.dtype.kind == "U":
        return [str(value) for value in array]
    raise TableError(f"{path}: {name} holds {array.dtype}; expected numbers or texts")


def _read_parquet(path: Path) -> dict[str, Column]:
    try:
        pandas: Any = importlib.import_module("pandas")
        importlib.import_module("pyarrow")
    except ImportError as error:
        raise ImportError(
            "Parquet files need pandas and pyarrow: install minigrad[tables]"
        ) from error
    try:
        frame = pandas.read_parquet(path)
    except Exception as error:  # pyarrow raises whatever a damaged file leads it to
        raise TableError(f"{path} is no Parquet file: {error}") from error
    columns: dict[str, Column] = {}
    for name in frame.columns:
        values = frame[name]
        if values.dtype.kind in "biuf":
            columns[str(name)] = values.to_numpy(np.float64)
        else:
            columns[str(name)] = ["" if pandas.isna(v) else str(v) for v in values]
    return columns


def describe_columns(columns: Mapping[str, Column], rows: Array) -> list[dict[str, Any]]:
    """How columns become numbers, from the rows to train on.

    Numbers are brought to mean 0 and deviation 1, a missing one is their mean; a text is 1 at its
    place among those of the column, and all 0 if it is none of them.
    """
    described: list[dict[str, Any]] = []
    for name, column in columns.items():
        if isinstance(column, list):
            values = sorted({column[i] for i in rows} - {""})
            if len(values) > MOST_TEXTS:
                raise TableError(
                    f"column {name!r} has {len(values)} different texts, more than {MOST_TEXTS}: "
                    f"leave it out of the file, or make it numbers{_no_number(column)}"
                )
            described.append({"name": name, "values": values})
            continue
        known = column[rows][np.isfinite(column[rows])]
        mean = float(known.mean()) if known.size else 0.0
        deviation = float(known.std()) if known.size else 1.0
        described.append({"name": name, "mean": mean, "std": deviation or 1.0})
    return described


def _no_number(texts: list[str]) -> str:
    """The first text that is no number, in words, in a column that has more numbers than others."""
    others = [(row, text) for row, text in enumerate(texts, 1) if not _is_number(text)]
    if len(others) > len(texts) / 2:
        return ""
    row, text = others[0]
    return f"; {text!r} in row {row} is none"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return text.lower() in MISSING
    return True


def encode(columns: Mapping[str, Column], described: Sequence[Mapping[str, Any]]) -> Array:
    """The inputs (rows, features), float32.  Raises TableError for a missing column."""
    parts = []
    for how in described:
        if how["name"] not in columns:
            raise TableError(
                f"the column {how['name']!r} is missing; there are {', '.join(columns) or 'none'}"
            )
        column = columns[how["name"]]
        if "values" in how:
            texts = [v if isinstance(v, str) else _name(v) for v in column]
            parts += [np.array([t == value for t in texts], np.float32) for value in how["values"]]
            continue
        if isinstance(column, list):
            raise TableError(f"the column {how['name']!r} should hold numbers, and has texts")
        scaled = (column - how["mean"]) / how["std"]
        parts.append(np.where(np.isfinite(scaled), scaled, 0.0).astype(np.float32))
    if not parts:
        raise TableError("the table has no column but the target")
    return np.stack(parts, axis=1)


def table(settings: Settings, prepared: dict[str, Any] | None) -> Source:
    """A table of which one column is learned.

    prepared: the description of an earlier run, which is kept.
    Raises SettingsError for a table from which that cannot be learned.
    """
    if settings.target is None:
        raise SettingsError(
            f"--data {settings.data} is a table: --target names the column to learn"
        )
    try:
        columns = read_table(settings.data)
        return _source(columns, settings, prepared)
    except (TableError, ImportError, OSError) as error:
        raise SettingsError(f"--data {settings.data}: {error}") from error


def _source(
    columns: dict[str, Column], settings: Settings, prepared: dict[str, Any] | None
) -> Source:
    name = settings.target
    assert name is not None
    if name not in columns:
        raise TableError(
            f"there is no column {name!r} for --target; there are {', '.join(columns)}"
        )
    target = columns.pop(name)
    kind = _task_of(target, settings.task)
    labels, classes = _labels(target, kind)
    if len(labels) < 5:
        raise TableError(f"it has {len(labels)} rows; at least 5 are needed")
    train, test = held_out(labels if classes else np.zeros(len(labels), np.int64))
    described = prepared["columns"] if prepared else describe_columns(columns, train)
    features = encode(columns, described)
    scale: dict[str, float] = {}
    if not classes:
        scale = {"mean": float(labels[train].mean()), "std": float(labels[train].std()) or 1.0}
        labels = ((labels - scale["mean"]) / scale["std"]).astype(np.float32)
    parts = [
        TensorDataset(from_numpy(features[rows]), from_numpy(labels[rows]))
        for rows in (train, test)
    ]
    sizes = {
        "in_features": features.shape[1],
        "num_classes": len(classes) or 1,
        "in_channels": None,
        "image_size": None,
    }
    description = {"kind": "table", "target": name, "columns": described}
    return Source(parts[0], parts[1], classes, sizes, description, "rows", target=scale)


def _task_of(target: Column, task: str | None) -> str:
    if task is not None:
        return task
    if isinstance(target, list):
        return "classification"
    different = np.unique(target[np.isfinite(target)])
    whole = bool(np.all(different == np.round(different)))
    return "classification" if whole and len(different) <= FEW_NUMBERS else "regression"


def _labels(target: Column, kind: str) -> tuple[Array, list[str]]:
    """The labels, and the names of classes if they are classes."""
    missing = [i for i, v in enumerate(target) if v == "" or _is_nan(v)]
    if missing:
        raise TableError(f"the target of row {missing[0] + 1} is missing, of {len(missing)} in all")
    if not isinstance(target, list) and not np.isfinite(target).all():
        raise TableError("the target has infinite numbers")
    if kind == "regression":
        if isinstance(target, list):
            raise TableError("the target holds texts, and a regression needs numbers")
        return target, []
    texts = target if isinstance(target, list) else [_name(v) for v in target]
    order = sorted(set(texts), key=lambda t: (_number(t), t))
    if not 2 <= len(order) <= MOST_CLASSES:
        raise TableError(f"the target has {len(order)} classes; expected 2 to {MOST_CLASSES}")
    index = {text: i for i, text in enumerate(order)}
    return np.array([index[t] for t in texts], np.int64), order


def _name(number: float) -> str:
    """The name of a class that is a number: other numbers have other names."""
    return str(int(number)) if float(number).is_integer() else repr(float(number))


def _is_nan(value: Any) -> bool:
    return not isinstance(value, str) and math.isnan(value)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.inf
