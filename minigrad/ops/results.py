"""What operations with several results give: named as torch.return_types names their fields."""

from typing import Any, NamedTuple


class ValuesAndIndices(NamedTuple):
    """Elements chosen along a dimension, and where they stood."""

    values: Any
    indices: Any


class MinAndMax(NamedTuple):
    """What `aminmax` gives."""

    min: Any
    max: Any


class Histogram(NamedTuple):
    """What `histogram` gives: a count for each bin, and the edges between which they lie."""

    hist: Any
    bin_edges: Any


class HistogramDD(NamedTuple):
    """What `histogramdd` gives: a count for each box, and each dimension's edges."""

    hist: Any
    bin_edges: tuple[Any, ...]


class MantissaAndExponent(NamedTuple):
    """What `frexp` gives: input = mantissa * 2**exponent."""

    mantissa: Any
    exponent: Any


class QR(NamedTuple):
    """What `qr` gives."""

    Q: Any
    R: Any


class Eigh(NamedTuple):
    """What `eigh` gives."""

    eigenvalues: Any
    eigenvectors: Any


class SVD(NamedTuple):
    """What `linalg.svd` gives."""

    U: Any
    S: Any
    Vh: Any


class SVDWithV(NamedTuple):
    """What `minigrad.svd` gives: V where `linalg.svd` gives its transpose."""

    U: Any
    S: Any
    V: Any


class SlogDet(NamedTuple):
    """What `slogdet` gives."""

    sign: Any
    logabsdet: Any


class InvEx(NamedTuple):
    """What `inv_ex` gives."""

    inverse: Any
    info: Any


class CholeskyEx(NamedTuple):
    """What `cholesky_ex` gives."""

    L: Any
    info: Any


class Lstsq(NamedTuple):
    """What `lstsq` gives."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


class LU(NamedTuple):
    """What `linalg.lu` gives: P L U is the matrix."""

    P: Any
    L: Any
    U: Any


class LUFactor(NamedTuple):
    """What `lu_factor` gives."""

    LU: Any
    pivots: Any


class LUFactorEx(NamedTuple):
    """What `lu_factor_ex` gives."""

    LU: Any
    pivots: Any
    info: Any


class SolveEx(NamedTuple):
    """What `solve_ex` gives."""

    result: Any
    info: Any
