"""Padding: constant, reflect, replicate and circular."""

from collections.abc import Sequence

from minigrad import ops
from minigrad.engine.step_recorder import made_of_numbers
from minigrad.nn.functional.arguments import require_tensor
from minigrad.ops.shape.padding import SOURCE_POSITIONS, only_adds, pad_edges
from minigrad.tensor import Tensor


def pad(
    input: Tensor, pad: Sequence[int], mode: str = "constant", value: float | None = None
) -> Tensor:
    """Add (before, after) elements to the last dimension, the second-to-last one, and so on.

    mode is "constant" (with `value`, 0 by default), "reflect", "replicate" or "circular"; negative
    numbers crop.  Raises RuntimeError if `pad` does not fit the input, ValueError or
    NotImplementedError for other modes and values.
    """
    require_tensor("pad", input=input)
    if len(pad) % 2 or len(pad) > 2 * input.ndim:
        raise RuntimeError(
            f"pad expects pairs (before, after), at most one for each of the {input.ndim} "
            f"dimensions of the input, got {list(pad)}"
        )
    pairs = list(zip(pad[::2], pad[1::2], strict=True))
    if mode == "constant":
        if isinstance(value, complex) and not input.is_complex():
            raise TypeError(f"pad(): argument 'value' must be a real number, got {value}")
        return _pad_constant(input, pairs, 0.0 if value is None else value)
    if mode not in SOURCE_POSITIONS:
        raise NotImplementedError(f"Unrecognised padding mode {mode}")
    if value is not None:
        raise RuntimeError(f'Padding mode "{mode}" doesn\'t take in value argument')
    _require_pixels(mode, input, len(pairs))
    padding = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    if any(map(any, padding)) and only_adds(mode, input.shape, padding):
        padded: Tensor = pad_edges(input, padding=tuple(map(tuple, padding)), mode=mode)
        return padded
    out = input
    for offset, (before, after) in enumerate(pairs, 1):
        if before or after:
            dim = input.ndim - offset
            source = SOURCE_POSITIONS[mode](input.shape[dim], before, after)
            index = out.new_tensor(source, dtype=int)
            made_of_numbers(index.array)
            out = ops.index_select(out, dim, index)
    return out


def _require_pixels(mode: str, input: Tensor, dimensions: int) -> None:
    """Raise an error for an input that only its values could pad in another mode.

    NotImplementedError unless `dimensions` are padded of (N, C, ...) or (C, ...); RuntimeError for
    an input with a size of 0 other than N.
    """
    if not dimensions < input.ndim <= dimensions + 2:
        raise NotImplementedError(
            f"Padding size {2 * dimensions} is not supported for {input.ndim}D input tensor with "
            f"mode {mode!r}"
        )
    if mode != "circular" and 0 in input.shape[input.ndim - dimensions - 1 :]:
        raise RuntimeError(
            f"pad with mode {mode!r}: expected a tensor with possibly 0 batch size and other "
            f"non-zero dimensions for input, but got: {list(input.shape)}"
        )


def _pad_constant(input: Tensor, pairs: list[tuple[int, int]], value: float) -> Tensor:
    padding = [(0, 0)] * (input.ndim - len(pairs)) + pairs[::-1]
    for dim, (before, after) in enumerate(padding):
        kept = input.shape[dim] + min(before, 0) + min(after, 0)
        if kept < 0:
            raise RuntimeError(
                f"pad: {(before, after)} cuts more than the {input.shape[dim]} elements off "
                f"dimension {dim}"
            )
        if kept < input.shape[dim]:
            input = ops.narrow(input, dim, max(-before, 0), kept)
    added = tuple((max(before, 0), max(after, 0)) for before, after in padding)
    return ops.pad_constant(input, padding=added, value=value)
