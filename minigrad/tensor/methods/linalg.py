"""Products of vectors and matrices, systems of equations, factorizations, transforms."""

from minigrad import ops
from minigrad.engine.graph import Value
from minigrad.tensor.methods.array import ArrayValue
from minigrad.tensor.methods.signatures import binary, method, unary


class LinalgMethods(ArrayValue):
    """torch's linear algebra as methods, one line each."""

    __matmul__ = binary(ops.matmul_operator)

    @method
    def __rmatmul__(self, other: Value) -> Value:
        product: Value = ops.matmul_operator(other, self)
        return product

    matmul = binary(ops.matmul)
    mm = method(ops.mm)
    bmm = method(ops.bmm)
    mv = method(ops.mv)
    dot = method(ops.dot)
    outer = ger = method(ops.outer)
    vdot = method(ops.vdot)
    inner = method(ops.inner)
    addmm = method(ops.addmm)
    addmv = method(ops.addmv)
    addr = method(ops.addr)
    addbmm = method(ops.addbmm)
    baddbmm = method(ops.baddbmm)
    kron = method(ops.kron)
    cross = method(ops.cross_of_first)
    trace = method(ops.trace)
    dist = method(ops.dist)
    det = unary(ops.det)
    logdet = method(ops.logdet)
    slogdet = ops.slogdet
    inverse = unary(ops.inv)
    pinverse = method(ops.pinverse)
    cholesky = method(ops.cholesky)
    cholesky_inverse = method(ops.cholesky_inverse)
    cholesky_solve = method(ops.cholesky_solve)
    svd = ops.svd_with_v
    qr = ops.former_qr
    lu = ops.former_lu
    lu_solve = method(ops.former_lu_solve)
    geqrf = ops.geqrf
    orgqr = method(ops.householder_product)
    ormqr = method(ops.ormqr)
    triangular_solve = ops.triangular_solve
    matrix_power = method(ops.matrix_power)
    matrix_exp = method(ops.matrix_exp)
    stft = method(ops.stft)
    istft = method(ops.istft)
