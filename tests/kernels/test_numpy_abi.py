"""Fields read from NumPy's and CPython's objects are those that Python reports."""

from typing import Any

import numpy as np
import pytest

from minigrad.kernels.compiler import numpy_abi
from minigrad.kernels.compiler.numpy_abi import are_same, headers_are_known
from minigrad.kernels.compiler.numpy_abi import write_matching_addresses as write

PATTERN = np.zeros((3, 4), np.float32)


def test_this_python_and_numpy_are_known() -> None:
    assert headers_are_known()
    assert numpy_abi._fields_are_known()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_addresses_are_those_of_the_data(count: int) -> None:
    arrays = tuple(np.ones((7, 4), np.float32)[k : k + 3] for k in range(count))
    addresses = np.zeros(count, np.int64)
    assert write(addresses, arrays, (PATTERN,) * count)
    assert addresses.tolist() == [array.ctypes.data for array in arrays]


@pytest.mark.parametrize(
    "other",
    [
        np.zeros((4, 3), np.float32),
        np.zeros((3, 4, 1), np.float32),
        np.zeros(12, np.float32),
        np.zeros((3, 4)),
        np.zeros((3, 4), ">f4"),
        np.zeros((4, 3), np.float32).T,
        np.zeros((3, 8), np.float32)[:, ::2],
        np.zeros(49, np.uint8)[1:].view(np.float32).reshape(3, 4),  # unaligned
    ],
)
@pytest.mark.parametrize("index", [0, 1])
def test_another_layout_shape_or_dtype_is_no_match(other: Any, index: int) -> None:
    arrays = [PATTERN, PATTERN]
    arrays[index] = other
    assert not write(np.zeros(2, np.int64), tuple(arrays), (PATTERN, PATTERN))


def test_arrays_that_python_may_only_read_match() -> None:
    array = PATTERN.copy()
    array.flags.writeable = False
    assert write(np.zeros(1, np.int64), (array,), (PATTERN,))


@pytest.mark.parametrize("known", [True, False])
def test_tuples_of_the_same_objects_are_the_same(
    known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(numpy_abi, "_fields_are_known", lambda: known)
    a, b = [1], [1]
    assert are_same((), ())
    assert are_same((a, b, None), (a, b, None))
    assert not are_same((a, b), (b, a))
    assert not are_same((a, b), (a, a))
    assert not are_same((a,), (a, b))


def test_nothing_matches_where_the_layout_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numpy_abi, "_fields_are_known", lambda: False)
    assert not write(np.zeros(1, np.int64), (PATTERN,), (PATTERN,))
