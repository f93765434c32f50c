"""Correlation of images with filters: matrix products that read the images where they lie.

Element p, k of the left operand is the image at pixel p under tap k of a filter.  In memory it lies
`pixel_at[p] + tap_at[k]` elements on, which is all that the register tile of the matrix product
asks for; the unfolded (im2col) matrix is never written.  Each task copies the window of the
image that it needs, with a margin of zeros, into a block that fits the second-level cache, so that
no tap is out of bounds.
"""

import math
from dataclasses import dataclass

import numpy as np

from minigrad.kernels.build import routine
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
from minigrad.kernels.tasks import array_at, tasks

# A panel of the filters, DEPTH x a tile's row, stays in the first-level cache.
DEPTH = 256
# A task's output pixels, about, and its block of the images at most, in elements.
PIXELS = 192
BLOCK = 131_072
# Tasks of a call if its sizes allow so many, and partial sums of a gradient, in elements.
TASKS = 8
PARTIAL = 4_194_304


@dataclass(frozen=True)
class Axis:
    """How outputs along one axis meet the source: output i reads source[origin + i * step + tap].

    It is stored at `first + i * spacing`.
    """

    count: int
    step: int
    origin: int
    taps: np.ndarray
    first: int = 0
    spacing: int = 1

    @property
    def reach(self) -> int:
        return int(self.taps.max()) + 1


def correlate(
    out: np.ndarray,
    source: np.ndarray,
    filters: np.ndarray,
    bias: np.ndarray | None,
    axes: tuple[Axis, Axis],
) -> None:
    """Fill the places of `out` that the axes describe with source * filters + bias.

    (N, G * F, H', W'), (N, G * C, H, W), (G, F, C, taps of axes[0], taps of axes[1]), (G * F,).
    """
    groups, n_filters, channels = filters.shape[:3]
    depth = math.prod(filters.shape[2:])
    plan = _plan(source, out, axes, (groups, n_filters, channels))
    cut = plan[0]
    packed = np.zeros((groups, cut["panels"] * cut["width"], depth), out.dtype)
    packed[:, :n_filters] = filters.reshape(groups, n_filters, depth)
    packed = packed.reshape(groups, cut["panels"], cut["width"], depth).swapaxes(2, 3)
    start = np.zeros((groups, cut["panels"] * cut["width"]), out.dtype)
    if bias is not None:
        start[:, :n_filters] = bias.reshape(groups, n_filters)
    arrays = {"start": start, "packed": packed.copy(), "tap_at": _tap_table(cut, axes)}
    for name, array in arrays.items():
        cut[name] = _located(array)[0]
    work = len(out) * axes[0].count * axes[1].count * groups * n_filters * depth
    tasks = cut["blocks"] * groups * cut["shares"]
    _correlate.run(out.dtype, plan, (tasks,), work // 16)


def correlate_gradient(
    out: np.ndarray, gradient: np.ndarray, source: np.ndarray, axes: tuple[Axis, Axis]
) -> None:
    """Fill `out`, (G, F, C, taps of axes[0], taps of axes[1]), with gradient * source.

    `gradient` and `source` are as `out` and `source` of `correlate`.  Slices of the pixels have
    sums of their own, added up in order at the end.
    """
    groups, n_filters, channels = out.shape[:3]
    depth = math.prod(out.shape[2:])
    if gradient.strides[3] != gradient.itemsize:
        gradient = np.ascontiguousarray(gradient)
    plan = _plan(source, gradient, axes, (groups, n_filters, channels))
    cut = plan[0]
    tap_at = np.pad(_tap_table(cut, axes), (0, -depth % TILE_ROWS), mode="edge")
    sums = np.zeros((cut["slices"], groups, cut["panels"], len(tap_at), cut["width"]), out.dtype)
    for name, array in {"start": sums, "tap_at": tap_at}.items():
        cut[name] = _located(array)[0]
    tasks = cut["slices"] * groups * cut["shares"]
    _correlate_gradient.run(out.dtype, plan, (tasks,), gradient.size * depth // 16)
    total = sums.sum(axis=0)[:, :, :depth].swapaxes(2, 3).reshape(groups, -1, depth)
    out[:] = total[:, :n_filters].reshape(out.shape)


_PLAN = np.dtype(
    [
        (name, np.int64)
        for name in (
            "images", "channels", "filters", "groups",  # channels and filters of one group
            "source", "image_step", "channel_step", "row_step", "column_step",
            "height", "source_width", "out_height", "out_width",
            "out", "out_image_step", "out_channel_step", "out_row_step", "out_column_step",
            "start", "packed", "tap_at", "depth", "padded_depth",
            "rows", "row_stride", "row_origin", "row_first", "row_spacing",
            "columns", "column_stride", "column_origin", "column_first", "column_spacing",
            "many", "high", "wide", "blocks", "bands", "strips",  # images, rows, columns of a block
            "block_rows", "block_columns",
            "width", "panels", "share", "shares", "slices",
        )
    ]
)  # fmt: skip


def _plan(
    source: np.ndarray,
    shown: np.ndarray,
    axes: tuple[Axis, Axis],
    sizes: tuple[int, int, int],
) -> np.ndarray:
    """All that a kernel has to know, and the cut into tasks, which follows from the sizes alone."""
    rows, columns = axes
    images, (groups, filters, channels) = len(source), sizes
    strips, wide = _parts(columns.count, PIXELS)
    bands, high = _parts(rows.count, max(1, PIXELS // wide))
    block_rows = (high - 1) * rows.step + rows.reach
    block_columns = (wide - 1) * columns.step + columns.reach
    chunks, many = images, 1
    if bands == strips == 1:  # small maps: several images to a block
        fitting = min(PIXELS // (high * wide), BLOCK // (channels * block_rows * block_columns))
        chunks, many = _parts(images, max(1, fitting))
    blocks = chunks * bands * strips
    width = TILE_VECTORS * VECTOR_BYTES // source.itemsize
    panels = -(-filters // width)
    depth = channels * len(rows.taps) * len(columns.taps)
    slices = max(1, min(blocks, 2 * TASKS, PARTIAL // (groups * panels * width * depth)))
    # Where images give few tasks, they share out the panels of filters too.
    shares, share = _parts(panels, max(1, panels * groups * min(slices, blocks) // TASKS))
    address, steps = _located(source)
    out_address, out_steps = _located(shown)
    return np.array(
        [
            (
                images, channels, filters, groups, address, *steps,
                *source.shape[2:], *shown.shape[2:], out_address, *out_steps,
                0, 0, 0, depth, -(-depth // TILE_ROWS) * TILE_ROWS,
                rows.count, rows.step, rows.origin, rows.first, rows.spacing,
                columns.count, columns.step, columns.origin, columns.first, columns.spacing,
                many, high, wide, blocks, bands, strips, block_rows, block_columns,
                width, panels, share, shares, slices,
            )
        ],
        _PLAN,
    )  # fmt: skip


def _parts(size: int, most: int) -> tuple[int, int]:
    """How many nearly equal parts of at most `most` there are in `size`, and their length."""
    length = -(-size // -(-size // most))
    return -(-size // length), length


def _located(a: np.ndarray) -> tuple[int, tuple[int, ...]]:
    """Where an array lies: its address, and its strides in elements."""
    return a.__array_interface__["data"][0], tuple(stride // a.itemsize for stride in a.strides)


def _tap_table(cut: np.void, axes: tuple[Axis, Axis]) -> np.ndarray:
    """Where each tap lies in a block, from the place of a pixel, in the order of (C, K, L)."""
    rows, columns = axes
    channel = np.arange(cut["channels"])[:, None, None] * cut["block_rows"]
    table: np.ndarray = (channel + rows.taps[:, None]) * cut["block_columns"] + columns.taps
    return table.reshape(-1)


@routine
def _fill_block(block, like, plan, group, origin, images):  # type: ignore[no-untyped-def]
    """Copy a window of some images, zeros where it leaves them."""
    n0, y0, x0 = origin
    high, wide = plan.block_rows, plan.block_columns
    low = min(max(0, -x0), wide)
    top = max(min(wide, plan.source_width - x0), low)
    for i in range(images * plan.channels):
        n, c = n0 + i // plan.channels, group * plan.channels + i % plan.channels
        place = n * plan.image_step + c * plan.channel_step + x0 * plan.column_step
        source = ahead(pointer_at(like, plan.source), place)
        for y in range(high):
            row = ahead(block, (i * high + y) * wide)
            line = ahead(source, (y0 + y) * plan.row_step)
            inside = 0 <= y0 + y < plan.height
            begin, end = (low, top) if inside else (wide, wide)
            for x in range(begin):
                row[x] = 0
            for x in range(begin, end):
                row[x] = line[x * plan.column_step]
            for x in range(end, wide):
                row[x] = 0


@routine
def _pixel_table(table, plan, images, rows, columns):  # type: ignore[no-untyped-def]
    """Where each output pixel's first tap lies in a block; the last repeated to the end."""
    p = 0
    for i in range(images):
        for t in range(rows):
            row = i * plan.channels * plan.block_rows + t * plan.row_stride
            for u in range(columns):
                table[p] = row * plan.block_columns + u * plan.column_stride
                p += 1
    for rest in range(p, len(table)):
        table[rest] = table[p - 1]


@routine
def _place(plan, block):  # type: ignore[no-untyped-def]
    """Image, row and column where a block of outputs begins, and how many of each it has."""
    u = block % plan.strips * plan.wide
    t = block // plan.strips % plan.bands * plan.high
    n = block // (plan.strips * plan.bands) * plan.many
    sizes = min(plan.many, plan.images - n), min(plan.high, plan.rows - t)
    return (n, t, u), (sizes[0], sizes[1], min(plan.wide, plan.columns - u))


@routine
def _transpose(out, source, across, count, used):  # type: ignore[no-untyped-def]
    """out[j, i] = source[i, j] for i < count and j < used; both are (pointer, row_step).

    Rows of `out` and `source` are consecutive elements, but for `across` between those of `out`.
    """
    target, out_step = out
    values, step = source
    vector = lanes(target)
    for j0 in range(0, used, vector):
        done = 0
        if across == 1 and j0 + vector <= used:
            done = count // vector * vector
            for i in range(0, done, vector):
                place = (ahead(target, j0 * out_step + i), out_step)
                transpose_block(place, (ahead(values, i * step + j0), step))
        for j in range(j0, min(j0 + vector, used)):
            for i in range(done, count):
                target[j * out_step + i * across] = values[i * step + j]


@routine
def _multiply(sums, start, block, pixel_at, tap_at, panel, pixels, depth):  # type: ignore[no-untyped-def]
    """sums[p, j] = start[j] + sum over taps: the pixels of a block with one panel of filters."""
    width = TILE_VECTORS * lanes(sums)
    for k in range(0, depth, DEPTH):
        right = (ahead(panel, k * width), width)
        for p in range(0, pixels, TILE_ROWS):
            here = (ahead(sums, p * width), width)
            first = (start, 0) if k == 0 else here
            left = (block, ahead(pixel_at, p), ahead(tap_at, k))
            tile_product(here, first, left, right, min(DEPTH, depth - k))


@tasks(_PLAN)
def _correlate(phase, task, none, plans):  # type: ignore[no-untyped-def]
    """One block of output pixels with some panels of one group's filters.

    out[n, f, y, x] = start[f] + sum over c, r, s of source[n, c, y + r, x + s] * packed[f, c, r, s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    part, group = task % plan.shares, task // plan.shares % plan.groups
    (n, t, u), (images, rows, columns) = _place(plan, task // (plan.shares * plan.groups))
    pixels, depth, width = images * rows * columns, plan.depth, plan.width
    pixel_at = np.empty(-(-pixels // TILE_ROWS) * TILE_ROWS, np.int64)
    sums = np.empty(len(pixel_at) * width, like.dtype)
    block = np.empty(images * plan.channels * plan.block_rows * plan.block_columns, like.dtype)
    origin = (n, plan.row_origin + t * plan.row_stride, plan.column_origin + u * plan.column_stride)
    _fill_block(pointer(block), like, plan, group, origin, images)
    _pixel_table(pixel_at, plan, images, rows, columns)

    out, start = pointer_at(like, plan.out), pointer_at(like, plan.start)
    packed, tap_at = pointer_at(like, plan.packed), pointer_at(pixel_at, plan.tap_at)
    plane = plan.out_height * plan.out_width
    y, x = plan.row_first + t * plan.row_spacing, plan.column_first + u * plan.column_spacing
    # Rows of output that follow one another in memory are stored as one.
    whole = columns * plan.column_spacing == plan.out_width and plan.row_spacing == 1
    run = rows * columns if whole else columns
    for panel in range(part * plan.share, min(plan.panels, (part + 1) * plan.share)):
        j = group * plan.panels + panel
        _multiply(
            pointer(sums), ahead(start, j * width), pointer(block), pointer(pixel_at), tap_at,
            ahead(packed, j * width * depth), pixels, depth,
        )  # fmt: skip
        first = group * plan.filters + panel * width
        for p in range(0, pixels, run):
            i, row = p // (rows * columns), p // columns % rows
            place = ((n + i) * plan.groups * plan.filters + first) * plane
            place += (y + row * plan.row_spacing) * plan.out_width + x
            _transpose(
                (ahead(out, place), plane), (ahead(pointer(sums), p * width), width),
                plan.column_spacing, run, min(width, plan.filters - panel * width),
            )  # fmt: skip
    keep_alive((pixel_at, sums, block))


@routine
def _gradient_block(sums, right, like, block, plan, group, panels, where):  # type: ignore[no-untyped-def]
    """Add one block of pixels to the sums[panel, tap, filter] of one slice and group."""
    (n, t, u), (images, rows, columns) = where
    pixels, width = images * rows * columns, plan.width
    pixel_at = np.empty(pixels, np.int64)
    origin = (n, plan.row_origin + t * plan.row_stride, plan.column_origin + u * plan.column_stride)
    _fill_block(block, like, plan, group, origin, images)
    _pixel_table(pixel_at, plan, images, rows, columns)
    gradient, tap_at = pointer_at(like, plan.out), pointer_at(pixel_at, plan.tap_at)
    run = rows * columns if plan.out_row_step == columns else columns
    for panel in range(panels[0], panels[1]):
        first = group * plan.filters + panel * width
        for p in range(0, pixels, run):
            i, row = p // (rows * columns), p // columns % rows
            place = (n + i) * plan.out_image_step + first * plan.out_channel_step
            place += (t + row) * plan.out_row_step + u
            source = (ahead(gradient, place), plan.out_channel_step)
            target = (ahead(right, p * width), width)
            _transpose(target, source, 1, min(width, plan.filters - panel * width), run)
        for k in range(0, plan.padded_depth, TILE_ROWS):
            here = (ahead(sums, (panel * plan.padded_depth + k) * width), width)
            left = (block, ahead(tap_at, k), pointer(pixel_at))
            tile_product(here, here, left, (right, width), pixels)
    keep_alive((pixel_at,))


@tasks(_PLAN)
def _correlate_gradient(phase, task, none, plans):  # type: ignore[no-untyped-def]
    """One slice of the pixels for some panels of one group's filters.

    start[slice, c, r, s, f] = sum over n, y, x of out[n, f, y, x] * source[n, c, y + r, x + s]
    """
    plan, like = array_at(plans, 1)[0], array_at(none, 0)
    part, group = task % plan.shares, task // plan.shares % plan.groups
    piece = task // (plan.shares * plan.groups)
    panels = part * plan.share, min(plan.panels, (part + 1) * plan.share)
    size = plan.panels * plan.padded_depth * plan.width
    sums = ahead(pointer_at(like, plan.start), (piece * plan.groups + group) * size)
    right = np.zeros(plan.many * plan.high * plan.wide * plan.width, like.dtype)
    block = np.empty(plan.many * plan.channels * plan.block_rows * plan.block_columns, like.dtype)
    for i in range(plan.blocks * piece // plan.slices, plan.blocks * (piece + 1) // plan.slices):
        _gradient_block(
            sums, pointer(right), like, pointer(block), plan, group, panels, _place(plan, i)
        )
    keep_alive((right, block))
