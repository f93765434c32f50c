"""Named results of operations with several, with the fields of torch.return_types."""

from typing import Any, Generic, NamedTuple

from minigrad.engine.graph import V


class ValuesAndIndices(NamedTuple):
    """Elements selected along a dimension, and their indices."""

    values: Any
    indices: Any


class MinAndMax(NamedTuple):
    """The results of `aminmax`."""

    min: Any
    max: Any


class Histogram(NamedTuple):
    """The results of `histogram`: a count for each bin, and the edges of the bins."""

    hist: Any
    bin_edges: Any


class HistogramDD(NamedTuple):
    """The results of `histogramdd`: a count for each bin, and the edges in each dimension."""

    hist: Any
    bin_edges: tuple[Any, ...]


class Frexp(NamedTuple, Generic[V]):
    """The results of `frexp`: input = mantissa * 2**exponent."""

    mantissa: V
    exponent: V


class QR(NamedTuple):
    """The results of `qr`."""

    Q: Any
    R: Any


class Eigh(NamedTuple):
    """The results of `eigh`."""

    eigenvalues: Any
    eigenvectors: Any


class SVD(NamedTuple):
    """The results of `linalg.svd`."""

    U: Any
    S: Any
    Vh: Any


class SVDWithV(NamedTuple):
    """The results of `minigrad.svd`: V where `linalg.svd` gives its transpose."""

    U: Any
    S: Any
    V: Any


class SlogDet(NamedTuple):
    """The results of `slogdet`."""

    sign: Any
    logabsdet: Any


class InvEx(NamedTuple):
    """The results of `inv_ex`."""

    inverse: Any
    info: Any


class CholeskyEx(NamedTuple):
    """The results of `cholesky_ex`."""

    L: Any
    info: Any


class Lstsq(NamedTuple):
    """The results of `lstsq`."""

    solution: Any
    residuals: Any
    rank: Any
    singular_values: Any


class LU(NamedTuple):
    """The results of `linalg.lu`: P L U is the matrix."""

    P: Any
    L: Any
    U: Any


class LUFactor(NamedTuple):
    """The results of `lu_factor`."""

    LU: Any
    pivots: Any


class LUFactorEx(NamedTuple):
    """The results of `lu_factor_ex`."""

    LU: Any
    pivots: Any
    info: Any


class SolveEx(NamedTuple):
    """The results of `solve_ex`."""

    result: Any
    info: Any
