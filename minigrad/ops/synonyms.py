"""Aliases that torch has for operations, and public names of those with other names inside."""

from minigrad.ops.compose import log_softmax_in, scaled_add, scaled_sub, softmax_in
from minigrad.ops.elementwise.arithmetic import mul, neg
from minigrad.ops.elementwise.binary import atan2, clamp, divide
from minigrad.ops.elementwise.comparison import ge, gt, le, lt, ne
from minigrad.ops.elementwise.elementary import abs
from minigrad.ops.elementwise.incomplete_gamma import gammainc, gammaincc
from minigrad.ops.elementwise.special import acos, acosh, asin, asinh, atan, atanh, trunc
from minigrad.ops.indexing.index_select import index_put_at
from minigrad.ops.linalg.decompositions import svd_with_v
from minigrad.ops.linalg.former import former_lu, former_lu_solve, former_qr
from minigrad.ops.linalg.products import cross_of_first, mm, outer
from minigrad.ops.linalg.reflections import householder_product
from minigrad.ops.linalg.solve import inv
from minigrad.ops.reduction.scan import trapezoid
from minigrad.ops.shape.axes import movedim
from minigrad.ops.shape.copied_views import scatter_by_strides
from minigrad.ops.shape.grids import powers
from minigrad.ops.shape.join import cat, vstack
from minigrad.ops.shape.views import expand, transpose

absolute, negative = abs, neg
multiply, subtract, true_divide = mul, scaled_sub, divide
clip, fix = clamp, trunc
greater, greater_equal, less, less_equal, not_equal = gt, ge, lt, le, ne
arccos, arcsin, arctan, arctan2 = acos, asin, atan, atan2
arccosh, arcsinh, arctanh = acosh, asinh, atanh
trapz = trapezoid
igamma, igammac = gammainc, gammaincc
concat = concatenate = cat
row_stack, moveaxis, ger, inverse = vstack, movedim, outer, inv
orgqr = householder_product
as_strided_scatter = scatter_by_strides
swapaxes = swapdims = transpose
spmm = dsmm = mm  # torch's for a sparse and a dense matrix; scripts call it with dense ones
broadcast_to = expand

# Functions that have another name in `minigrad.ops`, where theirs is that of a simpler one.
add, sub, div = scaled_add, scaled_sub, divide
index_put = index_put_at
cross, svd, vander = cross_of_first, svd_with_v, powers
lu, lu_solve, qr = former_lu, former_lu_solve, former_qr
softmax, log_softmax = softmax_in, log_softmax_in

# Classes that override functions see these names.
for _name, _function in {
    "add": add, "sub": sub, "div": div, "index_put": index_put, "cross": cross, "svd": svd,
    "vander": vander, "softmax": softmax, "log_softmax": log_softmax,
    "lu": lu, "lu_solve": lu_solve, "qr": qr,
    "as_strided_scatter": as_strided_scatter,
}.items():  # fmt: skip
    _function.__name__ = _function.__qualname__ = _name
