"""minigrad: a deep-learning engine for the CPU in Python, NumPy and Numba, with PyTorch's API."""

# Many names to a line:
# isort: off
# fmt: off
from minigrad import autograd, cuda, func, linalg, nn, optim, random, special, utils
from minigrad.aliases import *  # noqa: F403  some 110 names, listed there
from minigrad.autograd import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from minigrad.core.device import (
    are_deterministic_algorithms_enabled,
    device,
    get_default_device,
    set_default_device,
    use_deterministic_algorithms,
)
from minigrad.core.dtypes import bool_ as bool
from minigrad.core.dtypes import (
    double, dtype, float16, float32, float64, get_default_dtype, half, int8, int16, int32, int64,
    long, set_default_dtype, short, uint8,
)
from minigrad.core.dtypes import float_ as float
from minigrad.core.dtypes import int_ as int
from minigrad.core.memory_format import (
    contiguous_format,
    layout,
    memory_format,
    preserve_format,
    strided,
)
from minigrad.core.printing import set_printoptions
from minigrad.core.unsupported import (
    bfloat16, cdouble, cfloat, chalf, channels_last, complex, complex32, complex64, complex128,
    float8_e4m3fn, float8_e5m2, polar, qint8, qint32, quantize_per_channel, quantize_per_tensor,
    quint8, sparse_coo, sparse_coo_tensor, sparse_csc, sparse_csr, sparse_csr_tensor,
    view_as_complex, view_as_real,
)
from minigrad.engine.grad_mode import is_anomaly_enabled, is_grad_enabled, is_inference_mode_enabled
from minigrad.func import vmap
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.ops import (
    abs, acos, acosh, addbmm, addcdiv, addcmul, addmm, addmv, addr, adjoint, all, allclose, amax,
    amin, aminmax, any, argmax, argmin, argsort, argwhere, as_strided, asin, asinh, atan, atan2,
    atanh, atleast_1d, atleast_2d, atleast_3d, baddbmm, bernoulli, bincount, binomial, bitwise_and,
    bitwise_left_shift, bitwise_not, bitwise_or, bitwise_right_shift, bitwise_xor, block_diag, bmm,
    broadcast_shapes, broadcast_tensors, bucketize, cartesian_prod, cat, cdist, ceil, chain_matmul,
    cholesky, cholesky_inverse, cholesky_solve, chunk, clamp, clamp_max, clamp_min, clone,
    column_stack, combinations, copysign, corrcoef, cos, cosh, count_nonzero, cov, cummax, cummin,
    cumprod, cumsum, cumulative_trapezoid, deg2rad, det, diag, diag_embed, diagflat, diagonal,
    diagonal_scatter, diff, digamma, dist, dot, dsplit, dstack, eq, equal, erf, erfc, erfinv, exp,
    exp2, expm1, flatten, flip, fliplr, flipud, float_power, floor, floor_divide, fmax, fmin, fmod,
    frac, frexp, gather, gcd, ge, gradient, gt, hardshrink, heaviside, histc, histogram,
    histogramdd, hsplit, hstack, hypot, i0, index_add, index_copy, index_fill, index_reduce,
    index_select, inner, isclose, isfinite, isin, isinf, isnan, isneginf, isposinf, isreal, kron,
    kthvalue, lcm, ldexp, le, lerp, lgamma, log, log1p, log2, log10, logaddexp, logaddexp2,
    logcumsumexp, logdet, logical_and, logical_not, logical_or, logical_xor, logit, logsumexp, lt,
    masked_scatter, masked_select, matmul, matrix_exp, matrix_power, max, maximum, mean, median,
    meshgrid, min, minimum, mm, mode, movedim, msort, mul, multinomial, mv, mvlgamma, nan_to_num,
    nanmean, nanmedian, nanquantile, nansum, narrow, ne, neg, nextafter, nonzero, nonzero_static,
    norm, outer, pdist, permute, pinverse, poisson, polygamma, positive, pow, prod, quantile,
    rad2deg, reciprocal, relu, remainder, renorm, repeat_interleave, reshape, roll, rot90, round,
    rsqrt, rsub, scatter, scatter_add, scatter_reduce, searchsorted, select, select_scatter,
    sigmoid, sign, signbit, sin, sinc, sinh, slice_scatter, slogdet, sort, split, sqrt, square,
    squeeze, stack, std, std_mean, sum, t, take, take_along_dim, tan, tanh, tensor_split, tensordot,
    tile, topk, trace, transpose, trapezoid, tril, triu, trunc, unbind, unflatten, unique,
    unique_consecutive, unravel_index, unsqueeze, var, var_mean, vdot, vsplit, vstack, xlogy,
)
from minigrad.ops.generator import Generator, default_generator
from minigrad.ops.linalg.einsum import einsum
from minigrad.ops.synonyms import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, broadcast_to, clip,
    concat, concatenate, cross, div, divide, fix, ger, greater, greater_equal, index_put, inverse,
    less, less_equal, log_softmax, masked_fill, moveaxis, multiply, negative, not_equal, row_stack,
    sgn, softmax, sub, subtract, svd, swapaxes, swapdims, trapz, true_divide, vander, where,
)
from minigrad.random import (
    fork_rng, get_rng_state, initial_seed, manual_seed, normal, rand, rand_like, randint,
    randint_like, randn, randn_like, randperm, seed, set_rng_state,
)
from minigrad.tensor import Tensor
from minigrad.tensor.creation import (
    arange, as_tensor, asarray, empty, empty_like, eye, from_dlpack, from_numpy, frombuffer, full,
    full_like, linspace, logspace, ones, ones_like, scalar_tensor, tensor, tril_indices,
    triu_indices, zeros, zeros_like,
)
from minigrad.tensor.serialization import load, save
from minigrad.tensor.typeinfo import (
    Size, can_cast, e, finfo, iinfo, inf, is_tensor, nan, newaxis, pi, promote_types, real,
    result_type,
)

__version__ = "0.1.0"
