"""Sequences of different lengths in one tensor: padded, or packed without any padding."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, Self

import numpy as np

from minigrad import ops
from minigrad.core import dtypes
from minigrad.core.public_names import show_public_names
from minigrad.core.types import DeviceLike
from minigrad.engine.op import label_node
from minigrad.ops.indexing.getitem import Index, getitem, index_put
from minigrad.tensor import Tensor, creation


class _Fields(NamedTuple):
    data: Tensor
    batch_sizes: Tensor
    sorted_indices: Tensor | None
    unsorted_indices: Tensor | None


class PackedSequence(_Fields):
    """The elements of several sequences, the longest first, step by step: no padding in between.

    data: the first elements of all sequences, then the second ones of those that have any, and so
    on; batch_sizes: how many these are in each step.  Where the sequences were sorted,
    sorted_indices says in which order, and unsorted_indices leads back.  Made by
    `pack_padded_sequence` and `pack_sequence`; recurrent layers take and give it.
    """

    def __new__(
        cls,
        data: Any,
        batch_sizes: Tensor | None = None,
        sorted_indices: Tensor | None = None,
        unsorted_indices: Tensor | None = None,
    ) -> Self:
        if batch_sizes is None:
            if not (isinstance(data, list | tuple) and len(data) == 2):
                raise AssertionError("Expected data to be a list or tuple of length 2")
            data, batch_sizes = data
        if unsorted_indices is None:
            unsorted_indices = invert_permutation(sorted_indices)
        return super().__new__(cls, data, batch_sizes, sorted_indices, unsorted_indices)

    def _with(self, change: Callable[[Tensor], Tensor]) -> Self:
        """The same sequences with other data; themselves if the data stays the same tensor."""
        data = change(self.data)
        if data is self.data:
            return self
        return type(self)(data, self.batch_sizes, self.sorted_indices, self.unsorted_indices)

    def to(self, *args: Any, **kwargs: Any) -> Self:
        """The sequences with `data.to(...)`, themselves if that changes nothing."""
        return self._with(lambda data: data.to(*args, **kwargs))

    def cpu(self, *args: Any, **kwargs: Any) -> Self:
        """The sequences: they are on the CPU; with arguments as `to`."""
        return self.to(*args, **kwargs) if args or kwargs else self

    def cuda(self, device: DeviceLike = None, **kwargs: Any) -> Self:
        """Raises RuntimeError: minigrad computes on the CPU only."""
        return self.to("cuda" if device is None else device, **kwargs)

    def pin_memory(self) -> Self:
        """The sequences: there is no other device to copy them to."""
        return self

    def is_pinned(self) -> bool:
        """Whether the data is in pinned memory."""
        return bool(self.data.is_pinned())

    @property
    def is_cuda(self) -> bool:
        """False: minigrad computes on the CPU only."""
        return False

    def double(self) -> Self:
        """The sequences as float64."""
        return self.to(dtypes.float64)

    def half(self) -> Self:
        """The sequences as float16."""
        return self.to(dtypes.float16)

    def long(self) -> Self:
        """The sequences as int64."""
        return self.to(dtypes.int64)

    def short(self) -> Self:
        """The sequences as int16."""
        return self.to(dtypes.int16)

    def char(self) -> Self:
        """The sequences as int8."""
        return self.to(dtypes.int8)

    def byte(self) -> Self:
        """The sequences as uint8."""
        return self.to(dtypes.uint8)

    # `int` and `float` come last: in the class body below them, the names mean these methods.

    def int(self) -> Self:
        """The sequences as int32."""
        return self.to(dtypes.int32)

    def float(self) -> Self:
        """The sequences as float32."""
        return self.to(dtypes.float32)


def invert_permutation(permutation: Tensor | None) -> Tensor | None:
    """The inverse of a permutation (N,) of indices; None of None."""
    if permutation is None:
        return None
    inverse = np.empty_like(permutation.array)
    inverse[permutation.array] = np.arange(inverse.size)
    return permutation.new_tensor(inverse)


def _lengths(lengths: Any, batch: int, longest: int) -> np.ndarray[Any, Any]:
    """Lengths as integers (batch,); raises RuntimeError unless they are 1 to `longest`."""
    given = lengths.array if isinstance(lengths, Tensor) else np.asarray(lengths)
    if given.ndim != 1:
        raise RuntimeError(
            f"'lengths' argument should be a 1D CPU int64 tensor, but got {given.ndim}D"
        )
    if len(given) != batch:
        raise RuntimeError(
            f"Expected `len(lengths)` to be equal to batch_size, but got {len(given)} "
            f"(batch_size={batch})"
        )
    whole = given.astype(np.int64)
    if (whole <= 0).any():
        raise RuntimeError(
            "Length of all samples has to be greater than 0, but found an element in 'lengths' "
            "that is <= 0"
        )
    if whole.max() > longest:
        raise RuntimeError(
            f"Expected lengths of at most {longest}, the steps of the input, but got {whole.max()}"
        )
    return whole


def pack_padded_sequence(
    input: Tensor,
    lengths: Tensor | Sequence[int],
    batch_first: bool = False,
    enforce_sorted: bool = True,
) -> PackedSequence:
    """Padded sequences (T, N, ...), or (N, T, ...) with batch_first, packed.

    With enforce_sorted the lengths must fall; else the sequences are sorted by length.
    Raises RuntimeError for lengths that do not fit the input.
    PyTorch differs: lengths above T read beyond the input there; here they are an error.
    """
    if input.ndim < 2:
        raise IndexError(
            f"Dimension out of range: pack_padded_sequence expects an input of at least 2 "
            f"dimensions, got {input.ndim}"
        )
    if not input.numel():
        raise RuntimeError("Cannot pack empty tensors.")
    x = input.transpose(0, 1) if batch_first else input
    longest, batch = x.shape[:2]
    sizes = _lengths(lengths, batch, longest)
    order = None
    if not enforce_sorted:
        order = np.argsort(-sizes, kind="stable")
        sizes = sizes[order]
    elif (np.diff(sizes) > 0).any():
        raise RuntimeError(
            "`lengths` array must be sorted in decreasing order when `enforce_sorted` is True. You "
            "can pass `enforce_sorted=False` to pack_padded_sequence and/or pack_sequence to "
            "sidestep this requirement if you do not need ONNX exportability."
        )
    steps, sequences = _positions(sizes)
    if order is not None:
        sequences = order[sequences]
    data = label_node(getitem(x, index=Index((steps, sequences))), "PackPaddedSequenceBackward0")
    counts = np.bincount(steps)
    indices = None if order is None else creation.tensor(order)
    return PackedSequence(data, creation.tensor(counts), indices)


def _positions(lengths: np.ndarray[Any, Any]) -> tuple[Any, Any]:
    """The step and the sequence of each packed element, for lengths that fall."""
    within = np.arange(lengths.max())[:, None] < lengths
    steps, sequences = np.nonzero(within)
    return steps, sequences


def pad_packed_sequence(
    sequence: PackedSequence,
    batch_first: bool = False,
    padding_value: float = 0.0,
    total_length: int | None = None,
) -> tuple[Tensor, Tensor]:
    """Packed sequences padded, (T, N, ...) or (N, T, ...) with batch_first, and their lengths (N,).

    T is the longest length, or total_length.  Raises ValueError if total_length is less than the
    longest length.
    """
    counts = sequence.batch_sizes.array
    longest = len(counts)
    if total_length is not None:
        if total_length < longest:
            raise ValueError(
                f"Expected total_length to be at least the length of the longest sequence in "
                f"input, but got total_length={total_length} and max sequence length being "
                f"{longest}"
            )
        longest = total_length
    lengths = (counts[:, None] > np.arange(counts[0])).sum(0)
    steps, sequences = _positions(lengths)
    if sequence.sorted_indices is not None:
        sequences = sequence.sorted_indices.array[sequences]
        lengths = lengths[sequence.unsorted_indices.array]  # type: ignore[union-attr]
    data = sequence.data
    index = (sequences, steps) if batch_first else (steps, sequences)
    sizes = (len(lengths), longest) if batch_first else (longest, len(lengths))
    padding = data.new_full((*sizes, *data.shape[1:]), padding_value)
    return index_put(padding, data, index=Index(index)), creation.tensor(lengths)


def pad_sequence(
    sequences: Tensor | Iterable[Tensor],
    batch_first: bool = False,
    padding_value: float = 0.0,
    padding_side: str = "right",
) -> Tensor:
    """Sequences (length, ...) as one tensor, (T, N, ...), or (N, T, ...) with batch_first.

    Shorter ones get padding_value on the side "right" or "left".  Raises RuntimeError for other
    sides, no sequence, or sizes that differ beyond the first dimension.
    """
    if not isinstance(sequences, Iterable):
        raise RuntimeError(
            f"pad_sequence: Expected iterable for input sequences, but got arg of type: "
            f"{type(sequences)}"
        )
    given = list(sequences)
    if not given:
        raise RuntimeError("received an empty list of sequences")
    if padding_side not in ("left", "right"):
        raise RuntimeError(
            f"Expected padding_side to be one of left or right, but got {padding_side}."
        )
    first = given[0]
    for each in given:
        if each.ndim == 0 or each.shape[1:] != first.shape[1:]:
            raise RuntimeError(
                f"pad_sequence: the sizes of sequences must match beyond the first dimension, but "
                f"got {list(first.shape)} and {list(each.shape)}"
            )
    longest = max(each.shape[0] for each in given)
    padded = []
    for each in given:
        missing = longest - each.shape[0]
        if missing:
            padding = each.new_full((missing, *each.shape[1:]), padding_value)
            each = ops.cat([each, padding] if padding_side == "right" else [padding, each])  # noqa: PLW2901
        padded.append(each.to(first.dtype))
    return ops.stack(padded, 0 if batch_first else 1)


def unpad_sequence(
    padded_sequences: Tensor, lengths: Tensor, batch_first: bool = False
) -> list[Tensor]:
    """The sequences of a padded tensor (T, N, ...), or (N, T, ...) with batch_first.

    PyTorch differs: without batch_first it transposes the given tensor in place.
    """
    rows = padded_sequences if batch_first else padded_sequences.transpose(0, 1)
    if len(lengths) != rows.shape[0]:
        raise ValueError(
            f"unpad_sequence expects a length for each of {rows.shape[0]} sequences, got "
            f"{len(lengths)}"
        )
    return [row[: max(int(length), 0)].clone() for row, length in zip(rows, lengths, strict=True)]


def pack_sequence(sequences: Sequence[Tensor], enforce_sorted: bool = True) -> PackedSequence:
    """Sequences (length, ...) packed; with enforce_sorted the lengths must fall.

    Raises RuntimeError for no sequence, or one without elements.
    """
    lengths = [sequence.shape[0] for sequence in sequences]
    return pack_padded_sequence(pad_sequence(sequences), lengths, enforce_sorted=enforce_sorted)


def unpack_sequence(packed_sequences: PackedSequence) -> list[Tensor]:
    """The sequences that were packed, in the order in which they were given."""
    padded, lengths = pad_packed_sequence(packed_sequences, batch_first=True)
    return unpad_sequence(padded, lengths, batch_first=True)


__all__ = [
    "PackedSequence",
    "invert_permutation",
    "pack_padded_sequence",
    "pack_sequence",
    "pad_packed_sequence",
    "pad_sequence",
    "unpack_sequence",
    "unpad_sequence",
]

show_public_names(__name__)
