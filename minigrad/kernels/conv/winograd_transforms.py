"""Winograd's maps between pixels and points, and the staging of pixels for them.

A polynomial product is fixed by its values at enough points.  A tile of `size` x `size` outputs
of a 3x3 correlation is such a product in both axes, of degree size + 1: at size + 2 points per axis
(one of them infinity) it costs one multiplication each, (size + 2)^2 in all instead of 9 size^2.

    out = A' [(G w G') * (B' x B)] A                                Winograd 1980; Lavin & Gray 2016

The points for tiles of 4 are 0, 1, -1, 1/2, -2, infinity, which lose less to rounding than the
usual 2 and -2: Barabasz et al. 2020, "Error Analysis and Improving the Accuracy of Winograd
Convolution for Deep Neural Networks".
"""

import numpy as np

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import keep_alive, offset, pointer, pointer_at
from minigrad.kernels.simd.ir_builder import VECTOR_BYTES
from minigrad.kernels.simd.move import lanes, transpose_block
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

image_to_points_4, image_to_points_2 = sandwich(*_B4), sandwich(*_B2)
filter_to_points_4, filter_to_points_2 = sandwich(*_G4), sandwich(*_G2)
points_to_result_4, points_to_result_2 = sandwich(*_A4), sandwich(*_A2)
result_to_points_4, result_to_points_2 = sandwich(*transposed(*_A4)), sandwich(*transposed(*_A2))
points_to_filter_4, points_to_filter_2 = sandwich(*transposed(*_G4)), sandwich(*transposed(*_G2))

# Vectors of a cache line, which are written one after the other.
LINE = max(1, 64 // VECTOR_BYTES)
# What belongs to a point begins so many elements further on than it ends, lest all points share a
# set of the cache.
SKEW = 16
# At this point of both axes, the first, a value of one is one everywhere in the result.
ONE = 1


def padded_channels(channels: int, itemsize: int) -> int:
    """Channels with idle ones to fill the last cache line."""
    line = LINE * VECTOR_BYTES // itemsize
    return -(-channels // line) * line


@device_function
def stage_pixels(out, out_step, source, steps, used, window, bounds, readable):
    """Copy a window of `used` channels of an image: out[y, x, lane], zeros where it leaves it.

    `steps` are those of channels, rows and columns; `window` is (first pixel, distance, count) of
    rows and of columns.  `readable` elements may be read from `source` on, though not all are used;
    `out` has room for a vector of pixels beyond each row.
    """
    channel_step, row_step, column_step = steps
    (y0, y_step, rows), (x0, x_step, columns) = window
    height, width = bounds
    vector, step = lanes(out), column_step * x_step
    low = min(max(0, -(x0 // x_step)), columns)
    top = max(low, min(columns, -((x0 - width) // x_step)))
    for i in range(rows):
        y, row = y0 + i * y_step, offset(out, i * out_step)
        inside = 0 <= y < height
        for j in range((low if inside else columns) * vector):
            row[j] = 0
        if inside:
            place = y * row_step + x0 * column_step
            line, x = offset(source, place), low
            if step == 1 and used == vector:
                last = readable - place - (used - 1) * channel_step - vector
                while x + vector <= top or (x < top and x <= last):
                    block = (offset(line, x), channel_step)
                    transpose_block((offset(row, x * vector), vector), block)
                    x += vector
            for j in range(x, top):
                for lane in range(used):
                    row[j * vector + lane] = line[j * step + lane * channel_step]
                for lane in range(used, vector):
                    row[j * vector + lane] = 0
            for j in range(top * vector, columns * vector):
                row[j] = 0


@device_function
def strip_place(plan, strip):
    """Image, and first row and column of the outputs, of a strip of tiles."""
    row = strip // plan.strips
    return (
        row // plan.high,
        row % plan.high * plan.size,
        strip % plan.strips * plan.wide * plan.size,
    )


@device_function(allocates=True)
def images_to_points(values, like, plan, block):
    """Take a block of tiles to the points: values[point, tile, channel]."""
    vector, reach = lanes(values), plan.wide * plan.size + 2
    row_size = (reach + vector) * vector
    memory = np.empty(LINE * plan.points * row_size, like.dtype)
    stage, source = pointer(memory), pointer_at(like, plan.source)
    steps = plan.channel_step, plan.row_step, plan.column_step
    point_step = plan.image_step_at
    begin = block * plan.many
    for strip in range(begin, min(begin + plan.many, plan.images * plan.high * plan.strips)):
        n, t, u = strip_place(plan, strip)
        y, x = plan.row_origin + t * plan.row_stride, plan.column_origin + u * plan.column_stride
        window = (y, plan.row_stride, plan.points), (x, plan.column_stride, reach)
        for c in range(0, plan.depth, LINE * vector):
            for j in range(LINE):
                first = c + j * vector
                place = n * plan.image_step + first * plan.channel_step
                stage_pixels(
                    offset(stage, j * plan.points * row_size), row_size, offset(source, place),
                    steps, max(0, min(vector, plan.channels - first)),
                    window, (plan.height, plan.source_width), plan.readable - place,
                )  # fmt: skip
            for i in range(plan.wide * LINE):
                tile, j = i // LINE, i % LINE
                here = ((strip - begin) * plan.wide + tile) * plan.depth + c + j * vector
                out = (offset(values, here), plan.points * point_step, point_step)
                here = j * plan.points * row_size + tile * plan.size * vector
                if plan.size == 4:
                    image_to_points_4(out, (offset(stage, here), row_size, vector))
                else:
                    image_to_points_2(out, (offset(stage, here), row_size, vector))
    keep_alive((memory,))
