"""assert_close, under the name of torch.testing: values compared, and how they differ in words."""

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from minigrad.core import dtypes
from minigrad.core.types import Array
from minigrad.tensor import Tensor
from minigrad.tensor.creation import from_numpy, tensor

Message = str | Callable[[str], str] | None

# (rtol, atol) of each dtype; torch's.  Others are compared exactly.
TOLERANCES = {
    dtypes.float16: (1e-3, 1e-5),
    dtypes.float32: (1.3e-6, 1e-5),
    dtypes.float64: (1e-7, 1e-7),
}


# Those of the older assert_allclose.
OLDER_TOLERANCES = {
    dtypes.float16: (1e-3, 1e-3),
    dtypes.float32: (1e-4, 1e-5),
    dtypes.float64: (1e-5, 1e-8),
}


@dataclass(frozen=True)
class _Comparison:
    """How two values are compared."""

    allow_subclasses: bool
    rtol: float | None
    atol: float | None
    equal_nan: bool
    check_dtype: bool
    check_stride: bool
    msg: Message

    def fail(self, message: str, path: tuple[Any, ...]) -> NoReturn:
        """Raise AssertionError, with the item of a container that differs."""
        if path:
            message += f"\n\nThe failure occurred for item {''.join(f'[{i!r}]' for i in path)}"
        if self.msg is not None:
            message = self.msg(message) if callable(self.msg) else self.msg
        raise AssertionError(message)

    def tolerances(self, *of: Any) -> tuple[float, float]:
        """(rtol, atol) as given, or the largest that the dtypes have."""
        if self.rtol is not None and self.atol is not None:
            return self.rtol, self.atol
        found = [TOLERANCES.get(dtype, (0.0, 0.0)) for dtype in of]
        return max(r for r, _ in found), max(a for _, a in found)


def assert_close(
    actual: Any,
    expected: Any,
    *,
    allow_subclasses: bool = True,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = False,
    check_device: bool = True,
    check_dtype: bool = True,
    check_layout: bool = True,
    check_stride: bool = False,
    msg: Message = None,
) -> None:
    """Raise AssertionError unless |actual - expected| <= atol + rtol |expected| everywhere.

    For tensors, numbers, and sequences and mappings of these; shapes and dtypes must agree.  The
    tolerances follow from the dtype: 1.3e-6 and 1e-5 for float32, 1e-7 both for float64, 0 for
    integers.  `msg` takes the place of the message, or makes one of it.
    Raises ValueError if one tolerance is given without the other, TypeError for other values.

    >>> import minigrad as mg
    >>> from minigrad.testing import assert_close
    >>> assert_close(mg.tensor([0.1]) * 3, mg.tensor([0.3]))
    """
    if (rtol is None) != (atol is None):
        missing = "rtol" if rtol is None else "atol"
        raise ValueError(
            f"Both 'rtol' and 'atol' must be either specified or omitted, but got no {missing}."
        )
    settings = _Comparison(allow_subclasses, rtol, atol, equal_nan, check_dtype, check_stride, msg)
    _compare(actual, expected, settings, ())


def assert_allclose(
    actual: Any,
    expected: Any,
    rtol: float | None = None,
    atol: float | None = None,
    equal_nan: bool = True,
    msg: str = "",
) -> None:
    """The older `assert_close`: dtypes may differ, NaNs are equal, values need be no tensors."""
    warnings.warn(
        "`torch.testing.assert_allclose()` is deprecated since 1.12; use `assert_close()`",
        FutureWarning,
        stacklevel=2,
    )
    actual = actual if isinstance(actual, Tensor) else tensor(actual)
    expected = expected if isinstance(expected, Tensor) else tensor(expected, dtype=actual.dtype)
    if rtol is None and atol is None:
        found = [OLDER_TOLERANCES.get(t.dtype, (0.0, 0.0)) for t in (actual, expected)]
        rtol, atol = max(r for r, _ in found), max(a for _, a in found)
    assert_close(
        actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=False,
        msg=msg or None,
    )  # fmt: skip


def _compare(actual: Any, expected: Any, how: _Comparison, path: tuple[Any, ...]) -> None:
    for applies, compare in _KINDS:
        if applies(actual, how, expected) and applies(expected, how, actual):
            return compare(actual, expected, how, path)
    raise TypeError(
        f"No comparison pair was able to handle inputs of type {type(actual)} and {type(expected)}."
    )


def _is_tensor(value: Any, how: _Comparison, other: Any) -> bool:
    if not isinstance(value, Tensor):
        return False
    related = isinstance(value, type(other)) or isinstance(other, type(value))
    return related if how.allow_subclasses else type(value) is type(other)


def _is_bool(value: Any, *_: Any) -> bool:
    return isinstance(value, bool | np.bool_)


def _is_number(value: Any, *_: Any) -> bool:
    return isinstance(value, int | float | np.number) and not isinstance(value, bool)


def _is_array(value: Any, *_: Any) -> bool:
    return isinstance(value, np.ndarray)


def _is_mapping(value: Any, *_: Any) -> bool:
    return isinstance(value, Mapping)


def _is_sequence(value: Any, *_: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, str)


def _is_either_none(value: Any, how: _Comparison, other: Any) -> bool:
    return value is None or other is None


def _compare_bools(actual: Any, expected: Any, how: _Comparison, path: tuple[Any, ...]) -> None:
    if bool(actual) is not bool(expected):
        how.fail(f"Booleans mismatch: {actual} is not {expected}", path)


def _compare_nones(actual: Any, expected: Any, how: _Comparison, path: tuple[Any, ...]) -> None:
    if actual is not expected:
        how.fail(f"None mismatch: {actual} is not {expected}", path)


def _compare_arrays(
    actual: Array, expected: Array, how: _Comparison, path: tuple[Any, ...]
) -> None:
    _compare_tensors(from_numpy(actual), from_numpy(expected), how, path)


def _compare_sequences(
    actual: Sequence[Any], expected: Sequence[Any], how: _Comparison, path: tuple[Any, ...]
) -> None:
    if len(actual) != len(expected):
        how.fail(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}", path)
    for i, (mine, other) in enumerate(zip(actual, expected, strict=True)):
        _compare(mine, other, how, (*path, i))


def _compare_mappings(
    actual: Mapping[Any, Any], expected: Mapping[Any, Any], how: _Comparison, path: tuple[Any, ...]
) -> None:
    missing = sorted(expected.keys() - actual.keys(), key=str)
    additional = sorted(actual.keys() - expected.keys(), key=str)
    if missing or additional:
        how.fail(
            f"The keys of the mappings do not match:\nMissing keys in the actual mapping: {missing}"
            f"\nAdditional keys in the actual mapping: {additional}",
            path,
        )
    for key in actual:
        _compare(actual[key], expected[key], how, (*path, key))


def _compare_numbers(actual: Any, expected: Any, how: _Comparison, path: tuple[Any, ...]) -> None:
    kinds = [dtypes.int64 if isinstance(n, int) else dtypes.float64 for n in (actual, expected)]
    if how.check_dtype and type(actual) is not type(expected):
        how.fail(f"The (d)types do not match: {type(actual)} != {type(expected)}.", path)
    rtol, atol = how.tolerances(*kinds)
    if not _close(np.asarray(actual), np.asarray(expected), rtol, atol, how.equal_nan).all():
        how.fail(_number_message(actual, expected, rtol, atol), path)


def _number_message(actual: Any, expected: Any, rtol: float, atol: float) -> str:
    difference = abs(actual - expected)
    exact = rtol == atol == 0
    relative = math.inf if expected == 0 else difference / abs(expected)
    return (
        f"Scalars are not {'equal' if exact else 'close'}!\n\nExpected {expected} but got {actual}."
        f"\nAbsolute difference: {difference}{'' if exact else f' (up to {atol} allowed)'}"
        f"\nRelative difference: {relative}{'' if exact else f' (up to {rtol} allowed)'}"
    )


def _compare_tensors(
    actual: Tensor, expected: Tensor, how: _Comparison, path: tuple[Any, ...]
) -> None:
    attributes = {
        "shape": (actual.shape, expected.shape),
        "stride()": (actual.stride(), expected.stride()) if how.check_stride else ((), ()),
        "dtype": (actual.dtype, expected.dtype) if how.check_dtype else ((), ()),
    }
    for name, (mine, other) in attributes.items():
        if mine != other:
            how.fail(
                f"The values for attribute '{name}' do not match: {mine!r} != {other!r}.", path
            )
    rtol, atol = how.tolerances(actual.dtype, expected.dtype)
    close = _close(actual.detach().numpy(), expected.detach().numpy(), rtol, atol, how.equal_nan)
    if close.all():
        return
    if not actual.ndim:
        how.fail(_number_message(actual.item(), expected.item(), rtol, atol), path)
    how.fail(_tensor_message(_wide(actual), _wide(expected), ~close, rtol, atol), path)


def _wide(tensor: Tensor) -> Array:
    """The elements in a dtype in which they can be subtracted."""
    array = tensor.detach().numpy()
    return array if array.dtype.kind == "f" else array.astype(np.int64)


def _close(actual: Array, expected: Array, rtol: float, atol: float, equal_nan: bool) -> Array:
    if rtol == atol == 0 and not equal_nan:
        return np.asarray(actual == expected)
    return np.isclose(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)


def _tensor_message(actual: Array, expected: Array, wrong: Array, rtol: float, atol: float) -> str:
    exact = rtol == atol == 0
    with np.errstate(all="ignore"):
        absolute = np.abs(actual - expected)
        relative = absolute / np.abs(expected)
    lines = [
        f"Tensor-likes are not {'equal' if exact else 'close'}!",
        "",
        f"Mismatched elements: {wrong.sum()} / {wrong.size} ({wrong.mean():.1%})",
    ]
    for name, values, allowed in (("absolute", absolute, atol), ("relative", relative, rtol)):
        at = np.unravel_index(np.argmax(np.where(wrong, values, -1)), values.shape)
        index = tuple(map(int, at))
        bound = "" if exact else f" (up to {allowed} allowed)"
        lines.append(f"Greatest {name} difference: {values[at].item()} at index {index}{bound}")
    return "\n".join(lines)


# The first kind that both values are of.
_KINDS: list[tuple[Callable[..., bool], Callable[..., None]]] = [
    (_is_tensor, _compare_tensors),
    (_is_bool, _compare_bools),
    (_is_number, _compare_numbers),
    (_is_array, _compare_arrays),
    (_is_mapping, _compare_mappings),
    (_is_sequence, _compare_sequences),
    (_is_either_none, _compare_nones),
]
