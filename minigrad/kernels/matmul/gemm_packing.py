"""Packing of operands into the panels that the register tile of a matrix product reads."""

from minigrad.kernels.compiler.kernel import device_function
from minigrad.kernels.compiler.pointers import offset
from minigrad.kernels.simd.microkernels import MR, NR_VECTORS
from minigrad.kernels.simd.move import copy_vector, lanes, transpose_block


@device_function
def pack_right(panel, source, strides, depth, columns):
    """Copy `depth` rows of one panel's columns side by side; lanes beyond `columns` are zero."""
    vector = lanes(panel)
    NR = NR_VECTORS * vector
    row_stride, column_stride = strides
    rows_done = columns_done = 0
    if columns < NR:  # what undefined memory holds could be slow to multiply
        for i in range(depth * NR):
            panel[i] = 0
    if column_stride == 1 and row_stride >= NR:
        # A narrow panel's vectors run on into the next row, which the last row does not have.
        rows_done = depth if columns == NR else depth - 1
        columns_done = columns
        for k in range(rows_done):
            for j in range(0, NR, vector):
                copy_vector(offset(panel, k * NR + j), offset(source, k * row_stride + j))
    elif row_stride == 1:
        rows_done = depth // vector * vector
        columns_done = columns // vector * vector
        for k in range(0, rows_done, vector):
            for j in range(0, columns_done, vector):
                block = (offset(source, k + j * column_stride), column_stride)
                transpose_block((offset(panel, k * NR + j), NR), block)
    for k in range(depth):
        for j in range(columns_done if k < rows_done else 0, columns):
            panel[k * NR + j] = source[k * row_stride + j * column_stride]


@device_function
def pack_left(block, source, strides, rows, depth):
    """Copy `depth` columns of MR rows one after the other, the last of `rows` repeated."""
    vector = lanes(block)
    row_stride, column_stride = strides
    # Vectors may be longer than a column.  The lower rows are written first, so that what runs
    # over into the next column's memory is overwritten afterwards.
    last = (MR - 1) // vector * vector
    done = 0
    if rows >= last + vector and column_stride == 1:
        done = depth // vector * vector
        for k in range(0, done, vector):
            for i in range(last, -1, -vector):
                out = (offset(block, k * MR + i), MR)
                transpose_block(out, (offset(source, i * row_stride + k), row_stride))
    elif rows >= last + vector and row_stride == 1:
        done = depth
        for k in range(depth):
            for i in range(last, -1, -vector):
                copy_vector(offset(block, k * MR + i), offset(source, i + k * column_stride))
    for k in range(done, depth):
        for i in range(MR):
            block[k * MR + i] = source[min(i, rows - 1) * row_stride + k * column_stride]
