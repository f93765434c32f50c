"""Eigenvalues and eigenvectors of general square matrices, which are complex.

The derivative is that of Boeddeker et al., "On the computation of complex-valued gradients with
application to statistically optimum beamforming" (2017), section 3.1, as torch has it.
"""

import numpy as np

from minigrad.core.types import Array, Shape
from minigrad.engine.graph import V
from minigrad.engine.op import composed, op
from minigrad.ops.complex_numbers.parts import real
from minigrad.ops.linalg.lapack import eig as lapack_eig
from minigrad.ops.linalg.lapack import require_square, run
from minigrad.ops.linalg.solve import solve
from minigrad.ops.packing import pack, unpack
from minigrad.ops.results import Eig
from minigrad.ops.shape.diagonal import diag_embed, diagonal

_PROBLEM = "The algorithm failed to converge"


def _shapes(shape: Shape) -> tuple[Shape, Shape]:
    """The shapes of the eigenvalues and eigenvectors of one matrix."""
    return shape[-1:], shape[-2:]


def _rule(g: V, out: V, A: V) -> V:
    (values, vectors), (g_values, g_vectors) = (unpack(x, *_shapes(A.shape)) for x in (out, g))
    across = vectors.mH @ g_vectors
    # Columns have length 1, so that nothing comes through changes of their length.
    stretch = real(diagonal(across, dim1=-2, dim2=-1)).unsqueeze(-2)
    across = across - vectors.mH @ (vectors * stretch)
    gaps = (values.unsqueeze(-2) - values.unsqueeze(-1)).conj()
    ones = gaps.new_tensor(np.eye(A.shape[-1]))
    inner = across / (gaps + ones) + diag_embed(g_values)
    slope = solve(vectors.mH, inner @ vectors.mH)
    return slope if A.dtype.is_complex else real(slope)


@op(
    node="LinalgEigBackward0",
    vjp=(_rule,),
    takes_complex=True,
)
def packed_eig(A: Array) -> Array:
    """The eigenvalues and eigenvectors of square matrices, packed."""
    require_square("linalg.eig", A)
    values, vectors = run("linalg.eig", _PROBLEM, lapack_eig, A)
    dtype = np.result_type(A.dtype, np.complex64)
    return pack(values.astype(dtype, copy=False), vectors.astype(dtype, copy=False), core=(1, 2))


@composed
def eig(A: V) -> Eig[V]:
    """Eigenvalues (..., n) and eigenvectors in columns (..., n, n), complex, of square matrices.

    Eigenvectors have length 1 and any angle: a gradient exists for functions that do not depend on
    the angle.  It is inf or nan where eigenvalues are equal.  Raises LinAlgError without
    convergence.
    PyTorch differs: it raises RuntimeError where the loss depends on the angle.
    """
    require_square("linalg.eig", A.array)
    return Eig(*unpack(packed_eig(A), *_shapes(A.shape)))


@composed
def eigvals(A: V) -> V:
    """The eigenvalues (..., n) of square matrices (..., n, n), complex, in no order."""
    return eig(A).eigenvalues
