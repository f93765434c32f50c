"""Products of vectors and matrices, systems of equations, factorizations."""

from minigrad import ops
from minigrad.tensor.methods.array import ArrayValue


class LinalgMethods(ArrayValue):
    """torch's linear algebra as methods, one line each."""

    __matmul__ = ops.matmul
    matmul = ops.matmul
    mm = ops.mm
    bmm = ops.bmm
    mv = ops.mv
    dot = ops.dot
    outer = ger = ops.outer
    vdot = ops.vdot
    inner = ops.inner
    addmm = ops.addmm
    addmv = ops.addmv
    addr = ops.addr
    addbmm = ops.addbmm
    baddbmm = ops.baddbmm
    kron = ops.kron
    cross = ops.cross_of_first
    trace = ops.trace
    dist = ops.dist
    det = ops.det
    logdet = ops.logdet
    slogdet = ops.slogdet
    inverse = ops.inv
    pinverse = ops.pinverse
    cholesky = ops.cholesky
    cholesky_inverse = ops.cholesky_inverse
    cholesky_solve = ops.cholesky_solve
    svd = ops.svd_with_v
    matrix_power = ops.matrix_power
    matrix_exp = ops.matrix_exp
