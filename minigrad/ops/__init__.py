"""All operations on tensors."""

# Many names to a line:
# isort: off
# fmt: off
from minigrad.ops import dims, inplace
from minigrad.ops.complex_numbers import forms as _forms
from minigrad.ops.complex_numbers.parts import (
    angle, cast, complex, conj, conj_physical, imag, polar, real, resolve_conj, resolve_neg, sgn,
    view_as_complex, view_as_real,
)
from minigrad.ops.compose import (
    addcdiv, addcmul, allclose, equal, lerp, log_softmax_in, norm, scaled_add, scaled_sub,
    softmax_in,
)
from minigrad.ops.dims import broadcast_shapes
from minigrad.ops.elementwise.arithmetic import (
    add, div, floor_divide, maximum, minimum, mul, neg, operator, pow, remainder, sub,
)
from minigrad.ops.elementwise.elementary import (
    abs, ceil, cos, erf, exp, floor, log, reciprocal, rsqrt, sign, sin, sqrt, square,
)
from minigrad.ops.elementwise.bessel import (
    airy_ai, bessel_j0, bessel_j1, bessel_y0, bessel_y1, i0e, i1e, modified_bessel_i0,
    modified_bessel_i1, modified_bessel_k0, modified_bessel_k1, scaled_modified_bessel_k0,
    scaled_modified_bessel_k1, spherical_bessel_j0,
)
from minigrad.ops.elementwise.binary import (
    atan2, bitwise_left_shift, bitwise_right_shift, clamp, copysign, float_power, fmax, fmin, fmod,
    hypot, isclose, logaddexp, logaddexp2, logical_xor, divide, xlogy,
)
from minigrad.ops.elementwise.comparison import (
    bitwise_and, bitwise_not, bitwise_or, bitwise_xor, eq, ge, gt, isfinite, isinf, isnan, le,
    logical_and, logical_not, logical_or, lt, ne,
)
from minigrad.ops.elementwise.float_parts import (
    clamp_max, clamp_min, deg2rad, entr, frexp, gcd, heaviside, i0, i1, isneginf, isposinf, isreal,
    lcm, ldexp, mvlgamma, ndtr, nextafter, positive, rad2deg, rsub, signbit, xlog1py,
)
from minigrad.ops.elementwise.incomplete_gamma import gammainc, gammaincc, zeta
from minigrad.ops.elementwise.normal import erfcx, log_ndtr, ndtri
from minigrad.ops.elementwise.polynomials import (
    chebyshev_polynomial_t, chebyshev_polynomial_u, chebyshev_polynomial_v, chebyshev_polynomial_w,
    hermite_polynomial_h, hermite_polynomial_he, laguerre_polynomial_l, legendre_polynomial_p,
    shifted_chebyshev_polynomial_t, shifted_chebyshev_polynomial_u, shifted_chebyshev_polynomial_v,
    shifted_chebyshev_polynomial_w,
)
from minigrad.ops.elementwise.special import (
    acos, acosh, asin, asinh, atan, atanh, cosh, digamma, erfc, erfinv, exp2, expm1, frac, lgamma,
    log1p, log2, log10, logit, nan_to_num, polygamma, round, sinc, sinh, tan, trunc,
)
from minigrad.ops.fourier.stft import istft, stft
from minigrad.ops.indexing.along_dim import (
    gather, index_reduce, scatter, scatter_add, scatter_reduce, take_along_dim,
)
from minigrad.ops.indexing.getitem import Index, as_index, assign, getitem, index_put
from minigrad.ops.indexing.index_select import (
    index_add, index_copy, index_fill, index_put_at, index_select, put, take,
)
from minigrad.ops.indexing.masks import (
    argwhere, fill, masked_fill, masked_scatter, masked_select, nonzero, nonzero_static, one_hot,
    where,
)
from minigrad.ops.linalg.covariance import corrcoef, cov, gradient
from minigrad.ops.linalg.decompositions import (
    cholesky, cholesky_ex, cholesky_inverse, cholesky_solve, eigh, eigvalsh, inv_ex, logdet, lstsq,
    pinverse, qr, slogdet, solve, solve_triangular, svd, svd_with_v, svdvals,
)
from minigrad.ops.linalg.determinants import det
from minigrad.ops.linalg.eig import eig, eigvals
from minigrad.ops.linalg.einsum import einsum
from minigrad.ops.linalg.former import (
    former_lu, former_lu_solve, former_qr, lu_unpack, triangular_solve,
)  # fmt: skip
from minigrad.ops.linalg.lapack import LinAlgError
from minigrad.ops.linalg.ldl import ldl_factor, ldl_factor_ex, ldl_solve
from minigrad.ops.linalg.lobpcg import lobpcg
from minigrad.ops.linalg.low_rank import pca_lowrank, svd_lowrank
from minigrad.ops.linalg.lu import lu, lu_factor, lu_factor_ex, lu_solve
from minigrad.ops.linalg.matmul import linear, matmul, matmul_operator
from minigrad.ops.linalg.matrix_functions import cond, matrix_exp, matrix_power
from minigrad.ops.linalg.norms import matrix_norm, renorm, vector_norm
from minigrad.ops.linalg.norms import norm as linalg_norm
from minigrad.ops.linalg.products import (
    addbmm, addmm, addmv, addr, baddbmm, bmm, cdist, chain_matmul, cross, cross_of_first, dist, dot,
    inner, kron, mm, multi_dot, mv, outer, pdist, tensordot, trace, vdot, vecdot,
)
from minigrad.ops.linalg.reflections import geqrf, householder_product, ormqr
from minigrad.ops.linalg.solve import inv, matrix_rank, pinv
from minigrad.ops.linalg.tensor_solve import solve_ex, tensorinv, tensorsolve
from minigrad.ops.nn.activation import gelu, leaky_relu, relu, sigmoid, tanh
from minigrad.ops.nn.loss import (
    binary_cross_entropy, binary_cross_entropy_with_logits, huber, log_sigmoid, nll_loss,
)  # fmt: skip
from minigrad.ops.nn.piecewise_activation import hardshrink
from minigrad.ops.nn.random import bernoulli, binomial, multinomial, poisson
from minigrad.ops.nn.softmax import cross_entropy, log_softmax, softmax
from minigrad.ops.reduction.extrema import amax, amin, aminmax, argmax, argmin, max, min
from minigrad.ops.reduction.histogram import (
    bincount, bucketize, histc, histogram, histogramdd, isin, searchsorted, unique,
    unique_consecutive,
)
from minigrad.ops.reduction.reduce import (
    all, any, count_nonzero, logsumexp, mean, nanmean, nansum, prod, sum,
)
from minigrad.ops.reduction.scan import (
    cummax, cummin, cumprod, cumsum, cumulative_trapezoid, diff, logcumsumexp, trapezoid,
)
from minigrad.ops.reduction.sorting import argsort, kthvalue, mode, msort, sort, topk
from minigrad.ops.reduction.statistics import (
    median, nanmedian, nanquantile, quantile, std, std_mean, var, var_mean,
)
from minigrad.ops.shape.axes import (
    adjoint, atleast_1d, atleast_2d, atleast_3d, flatten, fliplr, flipud, matrix_transpose, movedim,
    rot90, t,
    unflatten,
)
from minigrad.ops.shape.copies import clone, flip, pad_constant, roll, tril, triu
from minigrad.ops.shape.copied_views import (
    alias_copy, as_strided_copy, detach_copy, diagonal_copy, expand_copy, narrow_copy,
    permute_copy, scatter_by_strides, select_copy, slice_copy, split_copy, split_with_sizes_copy,
    squeeze_copy, t_copy, transpose_copy, unbind_copy, unfold_copy, unsafe_chunk, unsafe_split,
    unsafe_split_with_sizes, unsqueeze_copy, view_copy,
)
from minigrad.ops.shape.diagonal import diag, diag_embed, diagflat, diagonal, diagonal_scatter
from minigrad.ops.shape.grids import powers, unravel_index, vander
from minigrad.ops.shape.join import (
    block_diag, broadcast_tensors, cartesian_prod, cat, column_stack,
    combinations, dstack, hstack, meshgrid, repeat, repeat_interleave, stack, tile, vstack,
)
from minigrad.ops.shape.split import (
    chunk, dsplit, hsplit, narrow, select, select_scatter, slice_scatter, split, tensor_split,
    unbind, vsplit,
)
from minigrad.ops.shape.strided import as_strided
from minigrad.ops.shape.views import (
    contiguous, expand, permute, reshape, squeeze, sum_to_size, transpose, unfold, unsqueeze, view,
)
