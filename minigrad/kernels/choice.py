"""Which algorithm a convolution takes: a model of their costs, in multiply-adds of vectors."""

from minigrad.kernels.axis import Axis
from minigrad.kernels.emitter import VECTOR_BYTES
from minigrad.kernels.simd import TILE_VECTORS

# Measured: what it costs to take a tile to its points, for one vector of channels; to take a result
# there or back, for one vector of filters; and a filter; by the size of the tile.
TILE_COSTS = {4: (500, 400, 300), 2: (250, 200, 150)}
# Lanes of a tile that cost as much as a multiply-add of pixels.
LANES_OF_PIXELS = 4
# A plane is spread with zeros where it grows by a factor that, times the taps, is at most this.
MOST_SPREAD = 40


def fills_few_lanes(filters: int, itemsize: int) -> bool:
    """Whether vectors of pixels are faster than tiles of a group's filters, most of them idle."""
    return LANES_OF_PIXELS * filters <= TILE_VECTORS * VECTOR_BYTES // itemsize


def is_better_spread(channels: int, filters: int, itemsize: int, stride: int, taps: int) -> bool:
    """Whether a convolution of so many places, meeting gradients that lie `stride` places apart,
    is faster over planes with zeros between them than over each phase of the stride by itself.

    Where a plane meets a plane, copying it for each phase takes longer than multiplying by zeros.
    """
    planes = channels == 1 and fills_few_lanes(filters, itemsize)
    return planes and stride > 1 and stride * taps <= MOST_SPREAD


def winograd_tile(
    images: int, channels: int, filters: int, axes: tuple[Axis, Axis], taps: int, itemsize: int
) -> int:
    """Outputs along the side of Winograd's tiles, where they are the fastest, or 0.

    `taps` is the sum over the outputs of one plane of the taps that the direct way multiplies by.
    """
    if not all(axis.has_three_even_taps() for axis in axes):
        return 0
    vector = VECTOR_BYTES // itemsize
    groups, vectors = -(-channels // vector), -(-filters // (TILE_VECTORS * vector)) * TILE_VECTORS
    lanes = min(vectors * vector, LANES_OF_PIXELS * filters)
    costs = {0: images * taps * channels * lanes // vector}
    for size, (there, back, filter) in TILE_COSTS.items():
        tiles = images * _tiles(axes, size)
        multiplied = tiles * (size + 2) ** 2 * channels * vectors
        transformed = tiles * (groups * there + vectors * back) + channels * vectors * filter
        costs[size] = multiplied + transformed
    return min(costs, key=costs.__getitem__)


def _tiles(axes: tuple[Axis, Axis], size: int) -> int:
    rows, columns = (sum(-(-phase.length // size) for phase in axis.interleaved()) for axis in axes)
    return rows * columns
