"""Two-dimensional convolution and its two adjoints, as products that read images in place.

Each is a matrix product in which one operand's element i, k lies at `row_at[i] + depth_at[k]` in an
image: a pixel's place plus a tap's.  So the register tile of the matrix product computes it, and
the unfolded (im2col) matrix is never written.  A task copies the part of an image that it needs,
with its margin of zeros, into a block that fits the second-level cache; no tap is out of bounds.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from minigrad.kernels.build import kernel, prange, routine
from minigrad.kernels.simd import (
    TILE_ROWS,
    TILE_VECTORS,
    VECTOR_BYTES,
    ahead,
    keep_alive,
    lanes,
    pointer,
    pointer_at,
    tile_product,
    transpose_block,
)

Pair = tuple[int, int]
Padding = tuple[Pair, Pair]

# A panel of the filters, DEPTH x a tile's row, stays in the first-level cache.
DEPTH = 256
# A task's output pixels, and its block of the images at most, in elements.
PIXELS = 192
BLOCK = 131_072
# Tasks of a call, if its sizes allow so many; partial sums of a weight gradient, in elements.
TASKS = 8
PARTIAL = 4_194_304


def conv_output_size(
    size: int, kernel: int, stride: int, pad_before: int, pad_after: int, dilation: int
) -> int:
    """Places of a dilated kernel along a padded axis: the length of a convolution's output."""
    return (size + pad_before + pad_after - dilation * (kernel - 1) - 1) // stride + 1


def conv2d(
    x: np.ndarray,
    weight: np.ndarray,
    bias: np.ndarray | None,
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, C, H, W), (F, C / groups, K, L) and (F,) -> (N, F, H', W'), see `conv_output_size`."""
    rows, columns = (
        conv_output_size(x.shape[2 + i], weight.shape[2 + i], stride[i], *padding[i], dilation[i])
        for i in (0, 1)
    )
    out = np.empty((len(x), len(weight), rows, columns), x.dtype)
    axes = _forward_axes(out.shape, weight.shape, stride, padding, dilation)
    _correlate_into(out, x, _grouped(weight, groups), bias, axes)
    return out


def conv2d_input_grad(
    g: np.ndarray,
    weight: np.ndarray,
    input_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (F, C / groups, K, L) -> (N, C, H, W): the transposed convolution.

    The input's pixels fall into stride x stride phases.  Each phase meets taps of its own, whose
    sources are neighbours in `g`: it is a convolution of stride 1.
    """
    out = np.empty(input_shape, g.dtype)
    flipped = _grouped(weight, groups).swapaxes(1, 2)
    phases = [
        list(_phases(input_shape[2 + i], weight.shape[2 + i], stride[i], padding[i][0], dilation[i]))
        for i in (0, 1)
    ]
    for row_axis, row_taps in phases[0]:
        for column_axis, column_taps in phases[1]:
            taps = flipped[..., row_taps, :][..., column_taps]
            _correlate_into(out, g, taps, None, [row_axis, column_axis])
    return out


def conv2d_weight_grad(
    g: np.ndarray,
    x: np.ndarray,
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
    groups: int,
) -> np.ndarray:
    """(N, F, H', W'), (N, C, H, W) -> (F, C / groups, K, L)."""
    out = np.empty(weight_shape, x.dtype)
    if out.size == 0 or g.size == 0:
        out.fill(0)
        return out
    axes = _forward_axes(g.shape, weight_shape, stride, padding, dilation)
    _correlate_gradients.on(g.size * math.prod(weight_shape[1:]) // 16)(
        out.reshape(-1),
        *_located(g),
        *_located(x),
        *(axis.taps for axis in axes),
        (len(x), groups, weight_shape[1], weight_shape[0] // groups, *x.shape[2:]),
        axes[0].numbers(),
        axes[1].numbers(),
    )
    return out


@dataclass(frozen=True)
class _Axis:
    """How outputs along one axis meet the source: output i reads source[origin + i * step + tap].

    It is stored at `first + i * spacing`.
    """

    count: int
    step: int
    origin: int
    taps: np.ndarray
    first: int = 0
    spacing: int = 1

    def numbers(self) -> tuple[int, ...]:
        """What a kernel wants to know, the reach of the taps included."""
        reach = int(self.taps.max()) + 1
        return self.count, self.step, self.origin, reach, self.first, self.spacing


def _forward_axes(
    out_shape: tuple[int, ...],
    weight_shape: tuple[int, ...],
    stride: Pair,
    padding: Padding,
    dilation: Pair,
) -> list[_Axis]:
    return [
        _Axis(
            out_shape[2 + i],
            stride[i],
            -padding[i][0],
            np.arange(weight_shape[2 + i]) * dilation[i],
        )
        for i in (0, 1)
    ]


def _phases(
    size: int, kernel: int, stride: int, padding: int, dilation: int
) -> Iterator[tuple[_Axis, slice]]:
    """Each phase of an input axis with the slice of the kernel's taps that reach it."""
    period = stride // math.gcd(stride, dilation)
    for first in range(min(stride, size)):
        met = [r for r in range(kernel) if (first + padding - r * dilation) % stride == 0]
        sources = np.array([(first + padding - r * dilation) // stride for r in met], np.int64)
        origin = int(sources.min()) if met else 0
        count = -(-(size - first) // stride)
        taps = slice(met[0], None, period) if met else slice(0, 0)
        yield _Axis(count, 1, origin, sources - origin, first, stride), taps


def _grouped(weight: np.ndarray, groups: int) -> np.ndarray:
    """(F, C / groups, K, L) -> (groups, F / groups, C / groups, K, L)."""
    return weight.reshape(groups, len(weight) // groups, *weight.shape[1:])


def _located(a: np.ndarray) -> tuple[int, tuple[int, ...]]:
    """Where an array lies: its address, and its strides in elements."""
    return a.__array_interface__["data"][0], tuple(stride // a.itemsize for stride in a.strides)


def _correlate_into(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: list[_Axis],
) -> None:
    """Fill the places of `out` that the axes describe; filters are (groups, F, C, K, L)."""
    groups, n_filters, depth = *filters.shape[:2], math.prod(filters.shape[2:])
    if out.size == 0:
        return
    if depth == 0:
        rows, columns = (slice(axis.first, None, axis.spacing) for axis in axes)
        out[:, :, rows, columns] = 0 if bias is None else bias[:, None, None]
        return
    width = TILE_VECTORS * VECTOR_BYTES // out.itemsize
    start = np.zeros((groups, -(-n_filters // width) * width), out.dtype)
    if bias is not None:
        start[:, :n_filters] = bias.reshape(groups, n_filters)
    pixels = len(out) * axes[0].count * axes[1].count
    _correlate.on(pixels * groups * n_filters * depth // 16)(
        out.reshape(-1),
        start.reshape(-1),
        *_located(source),
        *_located(filters),
        *(axis.taps for axis in axes),
        (len(out), groups, filters.shape[2], n_filters, *source.shape[2:], *out.shape[2:]),
        axes[0].numbers(),
        axes[1].numbers(),
    )


@routine
def _evenly(size, most):  # type: ignore[no-untyped-def]
    """The length of nearly equal parts, none longer than `most`."""
    parts = -(-size // most)
    return -(-size // parts)


@routine
def _cut(images, channels, rows, columns):  # type: ignore[no-untyped-def]
    """Images, rows and columns of output that make a block: about PIXELS places, by size alone.

    `rows` and `columns` are (count, step, origin, reach, first, spacing) of each axis.
    """
    wide = _evenly(columns[0], PIXELS)
    high = _evenly(rows[0], max(1, PIXELS // wide))
    block_rows = (high - 1) * rows[1] + rows[3]
    block_columns = (wide - 1) * columns[1] + columns[3]
    many = 1
    if high == rows[0] and wide == columns[0]:
        many = min(PIXELS // (high * wide), BLOCK // (channels * block_rows * block_columns))
        many = _evenly(images, min(max(many, 1), images))
    return many, high, wide, block_rows, block_columns


@routine
def _fill_block(block, source, strides, channels, extent, origin, limits):  # type: ignore[no-untyped-def]
    """Copy a window of one image, zeros where it leaves the image."""
    height, width = limits
    inside_from = min(max(0, -origin[1]), extent[1])
    inside_to = max(min(extent[1], width - origin[1]), inside_from)
    for c in range(channels):
        for y in range(extent[0]):
            row = ahead(block, (c * extent[0] + y) * extent[1])
            image_y = origin[0] + y
            blank = image_y < 0 or image_y >= height
            low = extent[1] if blank else inside_from
            high = extent[1] if blank else inside_to
            line = ahead(source, c * strides[0] + image_y * strides[1] + origin[1] * strides[2])
            for x in range(low):
                row[x] = 0
            for x in range(low, high):
                row[x] = line[x * strides[2]]
            for x in range(high, extent[1]):
                row[x] = 0


@routine
def _tap_table(table, channels, tap_rows, tap_columns, extent):  # type: ignore[no-untyped-def]
    """Where each tap lies in a block, from the place of a pixel; the last repeated to the end."""
    n = 0
    for c in range(channels):
        for r in tap_rows:
            for s in tap_columns:
                table[n] = (c * extent[0] + r) * extent[1] + s
                n += 1
    table[n:] = table[n - 1]


@routine
def _pixel_table(table, images, rows, columns, steps, extent, channels):  # type: ignore[no-untyped-def]
    """Where each output pixel's first tap lies in a block; the last repeated to the end."""
    n = 0
    for i in range(images):
        for t in range(rows):
            place = (i * channels * extent[0] + t * steps[0]) * extent[1]
            for u in range(columns):
                table[n] = place + u * steps[1]
                n += 1
    for p in range(n, len(table)):
        table[p] = table[n - 1]


@routine
def _load_filters(panel, filters, strides, shape, used):  # type: ignore[no-untyped-def]
    """One panel of the filters, tap after tap; lanes beyond `used` are idle."""
    width = TILE_VECTORS * lanes(panel)
    k = 0
    for c in range(shape[0]):
        for r in range(shape[1]):
            for s in range(shape[2]):
                tap = c * strides[2] + r * strides[3] + s * strides[4]
                for j in range(width):
                    panel[k + j] = filters[tap + j * strides[1]] if j < used else 0
                k += width


@routine
def _store_transposed(out, step, spacing, sums, count, used):  # type: ignore[no-untyped-def]
    """out[j, p] = sums[p, j] for `count` pixels of the `used` filters of a panel."""
    vector = lanes(sums)
    width = TILE_VECTORS * vector
    for j0 in range(0, used, vector):
        done = 0
        if spacing == 1 and j0 + vector <= used:
            done = count // vector * vector
            for p in range(0, done, vector):
                place = (ahead(out, j0 * step + p), step)
                transpose_block(place, (ahead(sums, p * width + j0), width))
        for j in range(j0, min(j0 + vector, used)):
            for p in range(done, count):
                out[j * step + p * spacing] = sums[p * width + j]


@routine
def _load_transposed(panel, source, step, spacing, count, used):  # type: ignore[no-untyped-def]
    """panel[p, j] = source[j, p]: the opposite of `_store_transposed`, idle lanes untouched."""
    vector = lanes(panel)
    width = TILE_VECTORS * vector
    for j0 in range(0, used, vector):
        done = 0
        if spacing == 1 and j0 + vector <= used:
            done = count // vector * vector
            for p in range(0, done, vector):
                place = (ahead(panel, p * width + j0), width)
                transpose_block(place, (ahead(source, j0 * step + p), step))
        for j in range(j0, min(j0 + vector, used)):
            for p in range(done, count):
                panel[p * width + j] = source[j * step + p * spacing]


@routine
def _multiply_panel(sums, start, block, row_at, depth_at, panel, pixels, depth):  # type: ignore[no-untyped-def]
    """sums[p, j] = start[j] + sum over taps: all pixels of a block with one panel of filters."""
    width = TILE_VECTORS * lanes(sums)
    for k in range(0, depth, DEPTH):
        deep = min(DEPTH, depth - k)
        right = (ahead(panel, k * width), width)
        for p in range(0, pixels, TILE_ROWS):
            here = (ahead(sums, p * width), width)
            first = (start, 0) if k == 0 else here
            left = (block, ahead(row_at, p), ahead(depth_at, k))
            tile_product(here, first, left, right, deep)


@routine
def _correlate_block(  # type: ignore[no-untyped-def]
    like, out, start, source, source_strides, packed, depth_at, sizes, rows, columns, where, panels
):
    """One block of output pixels: the image's window copied, multiplied, stored transposed."""
    images, group, channels, filters, height, width, out_height, out_width = sizes
    n0, t0, u0, block_rows, block_columns, high, wide = where
    depth = len(depth_at)
    vector = TILE_VECTORS * lanes(out)
    many = images
    pixels = many * high * wide
    extent = (block_rows, block_columns)
    block_memory = np.empty(many * channels * block_rows * block_columns, like.dtype)
    row_table = np.empty(-(-pixels // TILE_ROWS) * TILE_ROWS, np.int64)
    sums_memory = np.empty(len(row_table) * vector, like.dtype)
    block, sums = pointer(block_memory), pointer(sums_memory)
    origin = (rows[2] + t0 * rows[1], columns[2] + u0 * columns[1])
    image_strides = (source_strides[1], source_strides[2], source_strides[3])
    for i in range(many):
        place = (n0 + i) * source_strides[0] + group * channels * source_strides[1]
        target = ahead(block, i * channels * block_rows * block_columns)
        window = ahead(source, place)
        _fill_block(target, window, image_strides, channels, extent, origin, (height, width))
    _pixel_table(row_table, many, high, wide, (rows[1], columns[1]), extent, channels)

    plane = out_height * out_width
    whole = wide == out_width and rows[5] == 1 and columns[5] == 1
    run = high * wide if whole else wide
    for panel in range(panels[0], panels[1]):
        j = panel * vector
        _multiply_panel(
            sums, ahead(start, j), block, pointer(row_table), pointer(depth_at),
            ahead(packed, j * depth), pixels, depth,
        )  # fmt: skip
        for p in range(0, pixels, run):
            i, t = p // (high * wide), p // wide % high
            y, x = rows[4] + (t0 + t) * rows[5], columns[4] + u0 * columns[5]
            place = ((n0 + i) * panels[2] + group * filters + j) * plane + y * out_width + x
            _store_transposed(
                ahead(out, place), plane, columns[5], ahead(sums, p * vector), run,
                min(vector, filters - j),
            )  # fmt: skip
    keep_alive((block_memory, row_table, sums_memory))


@kernel
def _correlate(  # type: ignore[no-untyped-def]
    out, start, source, source_strides, filters, strides, tap_rows, tap_columns, sizes, rows, columns
):
    """out[n, f, y, x] = start[f] + sum over c, r, s of source[n, c, ...] * filters[f, c, r, s]."""
    images, groups, channels, n_filters, height, width, out_height, out_width = sizes
    many, high, wide, block_rows, block_columns = _cut(images, channels, rows, columns)
    shape = (channels, len(tap_rows), len(tap_columns))
    depth = channels * len(tap_rows) * len(tap_columns)
    depth_at = np.empty(depth, np.int64)
    _tap_table(depth_at, channels, tap_rows, tap_columns, (block_rows, block_columns))

    vector = TILE_VECTORS * lanes(pointer(out))
    panels = -(-n_filters // vector)
    packed = np.empty(groups * panels * depth * vector, out.dtype)
    for task in prange(groups * panels):
        j = task % panels * vector
        place = ahead(pointer_at(out, filters), task // panels * strides[0] + j * strides[1])
        panel = ahead(pointer(packed), task * depth * vector)
        _load_filters(panel, place, strides, shape, min(vector, n_filters - j))

    bands, strips = -(-rows[0] // high), -(-columns[0] // wide)
    blocks = -(-images // many) * bands * strips
    share = -(-panels // min(panels, -(-TASKS // (blocks * groups))))
    shares = -(-panels // share)
    for task in prange(blocks * groups * shares):
        part, block = task % shares, task // shares
        group, block = block % groups, block // groups
        u0, t0, n0 = block % strips * wide, block // strips % bands * high, block // (strips * bands)
        n0 *= many
        _correlate_block(
            out, pointer(out), ahead(pointer(start), group * panels * vector),
            pointer_at(out, source), source_strides,
            ahead(pointer(packed), group * panels * depth * vector), depth_at,
            (min(many, images - n0), group, channels, n_filters,
             height, width, out_height, out_width),
            rows, columns,
            (n0, t0, u0, block_rows, block_columns,
             min(high, rows[0] - t0), min(wide, columns[0] - u0)),
            (part * share, min(panels, (part + 1) * share), groups * n_filters),
        )  # fmt: skip


@routine
def _gradient_block(  # type: ignore[no-untyped-def]
    like, sums, g, g_strides, source, source_strides, tap_at, sizes, rows, columns, where, panels
):
    """Add one block of pixels to the sums [panel, tap, filter] of a weight gradient."""
    images, group, channels, filters, height, width = sizes
    n0, t0, u0, block_rows, block_columns, high, wide = where
    vector = TILE_VECTORS * lanes(sums)
    pixels = images * high * wide
    extent = (block_rows, block_columns)
    block_memory = np.empty(images * channels * block_rows * block_columns, like.dtype)
    pixel_table = np.empty(pixels, np.int64)
    right_memory = np.zeros(pixels * vector, like.dtype)
    block, right = pointer(block_memory), pointer(right_memory)
    origin = (rows[2] + t0 * rows[1], columns[2] + u0 * columns[1])
    image_strides = (source_strides[1], source_strides[2], source_strides[3])
    for i in range(images):
        place = (n0 + i) * source_strides[0] + group * channels * source_strides[1]
        target = ahead(block, i * channels * block_rows * block_columns)
        window = ahead(source, place)
        _fill_block(target, window, image_strides, channels, extent, origin, (height, width))
    _pixel_table(pixel_table, images, high, wide, (rows[1], columns[1]), extent, channels)

    run = high * wide if g_strides[2] == wide * g_strides[3] else wide
    for panel in range(panels[0], panels[1]):
        j = panel * vector
        for p in range(0, pixels, run):
            i, t = p // (high * wide), p // wide % high
            place = (n0 + i) * g_strides[0] + (group * filters + j) * g_strides[1]
            place += (t0 + t) * g_strides[2] + u0 * g_strides[3]
            _load_transposed(
                ahead(right, p * vector), ahead(g, place), g_strides[1], g_strides[3], run,
                min(vector, filters - j),
            )  # fmt: skip
        for k in range(0, len(tap_at), TILE_ROWS):
            here = (ahead(sums, (panel * len(tap_at) + k) * vector), vector)
            left = (block, ahead(pointer(tap_at), k), pointer(pixel_table))
            tile_product(here, here, left, (right, vector), pixels)
    keep_alive((block_memory, pixel_table, right_memory))


@kernel
def _correlate_gradients(  # type: ignore[no-untyped-def]
    out, g, g_strides, source, source_strides, tap_rows, tap_columns, sizes, rows, columns
):
    """out[f, c, r, s] = sum over n, y, x of g[n, f, y, x] * source[n, c, ...].

    Slices of the pixels have sums of their own, added up in order at the end.
    """
    images, groups, channels, filters, height, width = sizes
    many, high, wide, block_rows, block_columns = _cut(images, channels, rows, columns)
    depth = channels * len(tap_rows) * len(tap_columns)
    tap_at = np.empty(-(-depth // TILE_ROWS) * TILE_ROWS, np.int64)
    _tap_table(tap_at, channels, tap_rows, tap_columns, (block_rows, block_columns))

    vector = TILE_VECTORS * lanes(pointer(out))
    panels = -(-filters // vector)
    bands, strips = -(-rows[0] // high), -(-columns[0] // wide)
    blocks = -(-images // many) * bands * strips
    size = groups * panels * len(tap_at) * vector
    slices = max(1, min(blocks, 2 * TASKS, PARTIAL // size))
    share = -(-panels // min(panels, -(-TASKS // (slices * groups))))
    shares = -(-panels // share)
    partial = np.zeros(slices * size, out.dtype)
    for task in prange(slices * groups * shares):
        part, group, piece = task % shares, task // shares % groups, task // shares // groups
        sums = ahead(pointer(partial), piece * size + group * panels * len(tap_at) * vector)
        for block in range(blocks * piece // slices, blocks * (piece + 1) // slices):
            u0, t0 = block % strips * wide, block // strips % bands * high
            n0 = block // (strips * bands) * many
            _gradient_block(
                out, sums, pointer_at(out, g), g_strides, pointer_at(out, source), source_strides,
                tap_at,
                (min(many, images - n0), group, channels, filters, height, width),
                rows, columns,
                (n0, t0, u0, block_rows, block_columns,
                 min(high, rows[0] - t0), min(wide, columns[0] - u0)),
                (part * share, min(panels, (part + 1) * share)),
            )  # fmt: skip

    for task in prange(groups * panels):
        sums = ahead(pointer(partial), task * len(tap_at) * vector)
        first = task % panels * vector
        used = min(vector, filters - first)
        for piece in range(1, slices):
            for i in range(depth * vector):
                sums[i] += sums[piece * size + i]
        place = ahead(pointer(out), (task // panels * filters + first) * depth)
        _store_transposed(place, depth, 1, sums, depth, used)
