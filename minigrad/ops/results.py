"""Named results of operations with several, with the fields of torch.return_types."""

from typing import Generic, NamedTuple, TypeVar

T_co = TypeVar("T_co", covariant=True)  # the type of tensors


class ValuesAndIndices(NamedTuple, Generic[T_co]):
    """Elements selected along a dimension, and their indices."""

    values: T_co
    indices: T_co


class MinAndMax(NamedTuple, Generic[T_co]):
    """The results of `aminmax`."""

    min: T_co
    max: T_co


class Histogram(NamedTuple, Generic[T_co]):
    """The results of `histogram`: a count for each bin, and the edges of the bins."""

    hist: T_co
    bin_edges: T_co


class HistogramDD(NamedTuple, Generic[T_co]):
    """The results of `histogramdd`: a count for each bin, and the edges in each dimension."""

    hist: T_co
    bin_edges: tuple[T_co, ...]


class Frexp(NamedTuple, Generic[T_co]):
    """The results of `frexp`: input = mantissa * 2**exponent."""

    mantissa: T_co
    exponent: T_co


class QR(NamedTuple, Generic[T_co]):
    """The results of `qr`."""

    Q: T_co
    R: T_co


class Eig(NamedTuple, Generic[T_co]):
    """The results of `eig`."""

    eigenvalues: T_co
    eigenvectors: T_co


class Eigh(NamedTuple, Generic[T_co]):
    """The results of `eigh`."""

    eigenvalues: T_co
    eigenvectors: T_co


class SVD(NamedTuple, Generic[T_co]):
    """The results of `linalg.svd`."""

    U: T_co
    S: T_co
    Vh: T_co


class SVDWithV(NamedTuple, Generic[T_co]):
    """The results of `minigrad.svd`: V where `linalg.svd` gives its transpose."""

    U: T_co
    S: T_co
    V: T_co


class SlogDet(NamedTuple, Generic[T_co]):
    """The results of `slogdet`."""

    sign: T_co
    logabsdet: T_co


class InvEx(NamedTuple, Generic[T_co]):
    """The results of `inv_ex`."""

    inverse: T_co
    info: T_co


class CholeskyEx(NamedTuple, Generic[T_co]):
    """The results of `cholesky_ex`."""

    L: T_co
    info: T_co


class Lstsq(NamedTuple, Generic[T_co]):
    """The results of `lstsq`."""

    solution: T_co
    residuals: T_co
    rank: T_co
    singular_values: T_co


class LU(NamedTuple, Generic[T_co]):
    """The results of `linalg.lu`: P L U is the matrix."""

    P: T_co
    L: T_co
    U: T_co


class LUFactor(NamedTuple, Generic[T_co]):
    """The results of `lu_factor`."""

    LU: T_co
    pivots: T_co


class LUFactorEx(NamedTuple, Generic[T_co]):
    """The results of `lu_factor_ex`."""

    LU: T_co
    pivots: T_co
    info: T_co


class SolveEx(NamedTuple, Generic[T_co]):
    """The results of `solve_ex`."""

    result: T_co
    info: T_co


class LUUnpack(NamedTuple, Generic[T_co]):
    """The results of `lu_unpack`."""

    P: T_co
    L: T_co
    U: T_co


class LDLFactor(NamedTuple, Generic[T_co]):
    """The results of `linalg.ldl_factor`."""

    LD: T_co
    pivots: T_co


class LDLFactorEx(NamedTuple, Generic[T_co]):
    """The results of `linalg.ldl_factor_ex`."""

    LD: T_co
    pivots: T_co
    info: T_co


class Geqrf(NamedTuple, Generic[T_co]):
    """The results of `geqrf`: R with the reflections below it, and their factors."""

    a: T_co
    tau: T_co


class TriangularSolve(NamedTuple, Generic[T_co]):
    """The results of `triangular_solve`."""

    solution: T_co
    cloned_coefficient: T_co
