"""Winograd's transforms of images, filters and results, and the staging of pixels for them.

A polynomial product is fixed by its values at enough points.  A tile of m x m outputs of a 3x3
correlation, F(m x m, 3 x 3), is such a product in both axes, of degree m + 1: at m + 2 points per
axis (one of them infinity) it costs one multiplication each, (m + 2)^2 in all instead of 9 m^2.

    out = A' [(G w G') * (B' x B)] A                                Winograd 1980; Lavin & Gray 2016

The points for m = 4 are 0, 1, -1, 1/2, -2, infinity, which lose less to rounding than the usual 2
and -2: Barabasz et al. 2020, "Error Analysis and Improving the Accuracy of Winograd Convolution for
Deep Neural Networks".
"""

from typing import NamedTuple

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.compiler.vector_unit import VECTOR_BYTES
from minigrad.kernels.conv.axis import Axis, parts
from minigrad.kernels.simd.move import lanes, transpose, transpose_block
from minigrad.kernels.simd.two_sided import sandwich, transposed

# The matrices in the paper's names, each a product of factors whose sums are shared by its rows.
_B4 = (
    (
        (1, 0, 0, 0, 0, 0),
        (0, 1, 1, 0, 0, 0),
        (0, -1, 1, 0, 0, 0),
        (0, 0, 0, 1, 2, 0),
        (0, 0, 0, 1, -0.5, 0),
        (0, 0, 0, 0, 0, 1),
    ),
    (
        (1, 0, -2, 0, 1, 1.5, 0, 0),
        (0, 0, 1.5, 0, 0, 1, 0, 0),
        (0, 0, 0, 1.5, 0, 0, 1, 0),
        (0, 0, 0, 0, 0, 0, 1, 0),
        (0, 0, 0, 0, 0, 1, 0, 0),
        (0, 1, 0, -2, 0, 0, 1.5, 1),
    ),
    (
        (1, 0, 0, 0, 0, 0),
        (0, 1, 0, 0, 0, 0),
        (0, 0, 1, 0, 0, 0),
        (0, 0, 0, 1, 0, 0),
        (0, 0, 0, 0, 1, 0),
        (0, -1, 0, 1, 0, 0),
        (0, 0, -1, 0, 1, 0),
        (0, 0, 0, 0, 0, 1),
    ),
)
_G4 = (
    (
        (1, 0, 0),
        (1 / 3, 1 / 3, 1 / 3),
        (-1 / 3, 1 / 3, -1 / 3),
        (-16 / 15, -8 / 15, -4 / 15),
        (1 / 15, -2 / 15, 4 / 15),
        (0, 0, 1),
    ),
)
_A4 = (
    (
        (1, 1, 0, 1, 1, 0),
        (0, 0, 1, 0.5, -2, 0),
        (0, 1, 0, 0.25, 4, 0),
        (0, 0, 1, 0.125, -8, 1),
    ),
    (
        (1, 0, 0, 0, 0, 0),
        (0, 1, 1, 0, 0, 0),
        (0, 1, -1, 0, 0, 0),
        (0, 0, 0, 1, 0, 0),
        (0, 0, 0, 0, 1, 0),
        (0, 0, 0, 0, 0, 1),
    ),
)
_B2 = (((1, 0, -1, 0), (0, 1, 1, 0), (0, -1, 1, 0), (0, -1, 0, 1)),)
_G2 = (((1, 0, 0), (0.5, 0.5, 0.5), (0.5, -0.5, 0.5), (0, 0, 1)),)
_A2 = (((1, 1, 1, 0), (0, 1, -1, 1)),)

transform_image_4, transform_image_2 = sandwich(*_B4), sandwich(*_B2)
transform_filter_4, transform_filter_2 = sandwich(*_G4), sandwich(*_G2)
transform_result_4, transform_result_2 = sandwich(*_A4), sandwich(*_A2)
adjoint_of_result_4, adjoint_of_result_2 = sandwich(*transposed(*_A4)), sandwich(*transposed(*_A2))
adjoint_of_filter_4, adjoint_of_filter_2 = sandwich(*transposed(*_G4)), sandwich(*transposed(*_G2))

# Vectors of a cache line, which are written one after the other.
LINE = max(1, 64 // VECTOR_BYTES)
# The values at a point begin so many elements after the end of those at the point before it, so
# that not all points share a set of the cache.
SKEW = 16
# The index, in both axes, of the point 1: a result that is one there and zero at the other points
# is transformed to ones everywhere.
ONE = 1


class TileFields(NamedTuple):
    """The tiles of a correlation: strips of neighbouring tiles, several of which make a block."""

    m: int  # outputs along a side, of F(m x m, 3 x 3)
    points: int  # per axis
    rows: int  # rows of tiles of an image
    strips: int  # of a row of tiles
    of_strip: int  # tiles
    strips_of_block: int
    blocks: int


def tile_fields(images: int, axes: tuple[Axis, Axis], m: int, most: int) -> TileFields:
    """The cut of all tiles of m x m outputs into blocks of at most about `most` tiles."""
    rows = -(-axes[0].length // m)
    strips, of_strip = parts(-(-axes[1].length // m), most)
    blocks, strips_of_block = parts(images * rows * strips, max(1, most // of_strip))
    return TileFields(
        m=m,
        points=m + 2,
        rows=rows,
        strips=strips,
        of_strip=of_strip,
        strips_of_block=strips_of_block,
        blocks=blocks,
    )


def padded_channels(channels: int, itemsize: int) -> int:
    """The number of channels, rounded up to fill the last cache line."""
    line = LINE * VECTOR_BYTES // itemsize
    return -(-channels // line) * line


@device_function
def stage_pixels(out, row_size, source, image, used, window, readable):
    """Copy a window of `used` channels of an image: out[y, x, lane], zeros where it leaves it.

    Rows of `out` are `row_size` elements apart, and have room for a vector of pixels more.  `image`
    is the `ImageFields` of the source, of which `readable` elements may be read from `source` on.
    `window` is (first pixel, distance, count) of rows and of columns.
    """
    (y0, y_stride, rows), (x0, x_stride, columns) = window
    # Copies: fields of a record would be read again after each element that is written.
    height, width, channel_stride = image.height, image.width, image.channel_stride
    vector, stride = lanes(out), image.column_stride * x_stride
    low = min(max(0, -(x0 // x_stride)), columns)
    top = max(low, min(columns, -((x0 - width) // x_stride)))
    for i in range(rows):
        y, row = y0 + i * y_stride, offset(out, i * row_size)
        inside = 0 <= y < height
        for j in range((low if inside else columns) * vector):
            row[j] = 0
        if inside:
            element = y * image.row_stride + x0 * image.column_stride
            pixels, x = offset(source, element), low
            if stride == 1 and used == vector:
                last = readable - element - (used - 1) * channel_stride - vector
                while x + vector <= top or (x < top and x <= last):
                    block = (offset(pixels, x), channel_stride)
                    transpose_block((offset(row, x * vector), vector), block)
                    x += vector
            for j in range(x, top):
                for lane in range(used):
                    row[j * vector + lane] = pixels[j * stride + lane * channel_stride]
                for lane in range(used, vector):
                    row[j * vector + lane] = 0
            for j in range(top * vector, columns * vector):
                row[j] = 0


@device_function
def add_pixels(staged, memory, image, stride, used, count):
    """staged[x, lane] += image[lane, x] for `used` channels and `count` pixels.

    `image` is (pointer, channel stride), its pixels are `stride` apart; `memory` is as large as
    `staged`.
    """
    pixels, channel_stride = image
    vector = lanes(staged)
    if stride == 1 and used == vector:
        transpose((memory, vector), (pixels, channel_stride), 1, used, count)
        for i in range(count * vector):
            staged[i] += memory[i]
    else:
        for lane in range(used):
            for x in range(count):
                staged[x * vector + lane] += pixels[lane * channel_stride + x * stride]


@device_function
def strip_outputs(tiles, strip):
    """The image of a strip of tiles, and the first row and column of its outputs."""
    row = strip // tiles.strips
    return (
        row // tiles.rows,
        row % tiles.rows * tiles.m,
        strip % tiles.strips * tiles.of_strip * tiles.m,
    )


@device_function
def block_strips(plan, block):
    """The first strip of a block, and the first one after it."""
    tiles = plan.tiles
    first = block * tiles.strips_of_block
    return first, min(first + tiles.strips_of_block, plan.images * tiles.rows * tiles.strips)


def image_stage_size(tiles: TileFields, itemsize: int) -> int:
    """Elements of the workspace of `transform_images`."""
    vector, extent = VECTOR_BYTES // itemsize, tiles.of_strip * tiles.m + 2
    return LINE * tiles.points * (extent + vector) * vector


@device_function
def transform_images(values, stage, source, plan, block):
    """Transform a block of tiles of the images: values[point, tile, channel]."""
    tiles, image, point_stride = plan.tiles, plan.source, plan.image_point_stride
    vector, extent = lanes(values), tiles.of_strip * tiles.m + 2
    row_size = (extent + vector) * vector
    stage_size = tiles.points * row_size
    first_strip, end_strip = block_strips(plan, block)
    for strip in range(first_strip, end_strip):
        n, y, x = strip_outputs(tiles, strip)
        y = plan.rows.origin + y * plan.rows.stride
        x = plan.columns.origin + x * plan.columns.stride
        window = (y, plan.rows.stride, tiles.points), (x, plan.columns.stride, extent)
        for c in range(0, plan.padded_channels, LINE * vector):
            for j in range(LINE):
                channel = c + j * vector
                element = n * image.image_stride + channel * image.channel_stride
                stage_pixels(
                    offset(stage, j * stage_size), row_size, offset(source, element), image,
                    max(0, min(vector, plan.channels - channel)), window,
                    image.readable - element,
                )  # fmt: skip
            for i in range(tiles.of_strip * LINE):
                tile, j = i // LINE, i % LINE
                row = (strip - first_strip) * tiles.of_strip + tile
                element = row * plan.padded_channels + c + j * vector
                out = (offset(values, element), tiles.points * point_stride, point_stride)
                staged = offset(stage, j * stage_size + tile * tiles.m * vector)
                if tiles.m == 4:
                    transform_image_4(out, (staged, row_size, vector))
                else:
                    transform_image_2(out, (staged, row_size, vector))
