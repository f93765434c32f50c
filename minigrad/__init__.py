"""minigrad: a deep-learning engine for the CPU in Python, NumPy and Numba, with PyTorch's API."""

# Many names to a line:
# isort: off
# fmt: off
from typing import TYPE_CHECKING

from minigrad.core.public_names import show_public_names
from minigrad import (
    _C, accelerator, amp, autograd, backends, compiler, cuda, distributed, func, linalg, nn, optim,
    overrides,
    random, special, utils, version,
)
from minigrad.aliases import (
    abs_, acos_, acosh_, adaptive_avg_pool1d, adaptive_max_pool1d, addmv_, alpha_dropout, arccos_,
    arccosh_, arcsin_, arcsinh_, arctan_, arctanh_, as_strided_, asin_, asinh_, atan_, atanh_,
    avg_pool1d, bilinear, ceil_, celu, celu_, channel_shuffle, clamp_, clamp_max_, clamp_min_,
    clip_, conv1d, conv2d, conv3d, conv_tbc, conv_transpose1d, conv_transpose2d, conv_transpose3d,
    cos_, cosh_, cosine_similarity, deg2rad_, detach, detach_, dropout, erf_, erfc_, exp2_, exp_,
    expm1_, feature_alpha_dropout, fill_, fix_, floor_, frac_, gcd_, group_norm, gru, gru_cell, i0_,
    index_put_, conj_physical_, is_complex, is_conj, is_floating_point, is_inference, is_neg,
    is_nonzero, is_same_size, is_signed, layer_norm, lcm_, ldexp_, log10_, log1p_, log2_, log_,
    logit_, lstm, lstm_cell, max_pool1d, max_pool2d, max_pool3d, nan_to_num_, neg_, negative_,
    numel, pairwise_distance, pixel_shuffle, pixel_unshuffle, prelu, put, rad2deg_, ravel,
    reciprocal_, relu_, rms_norm, rnn_relu, rnn_relu_cell, rnn_tanh, rnn_tanh_cell, round_, rrelu,
    rrelu_, rsqrt_, selu, selu_, sigmoid_, sin_, sinc_, sinh_, split_with_sizes, sqrt_, square_,
    tan_, tanh_, threshold, threshold_, trunc_, xlogy_, zero_,
)
from minigrad.amp import GradScaler
from minigrad.amp.autocast_mode import (
    autocast, clear_autocast_cache, is_autocast_cache_enabled, is_autocast_cpu_enabled,
    is_autocast_enabled,
)
from minigrad.amp.autocast_state import (
    autocast_decrement_nesting, autocast_increment_nesting, get_autocast_cpu_dtype,
    get_autocast_dtype, get_autocast_gpu_dtype, set_autocast_cache_enabled, set_autocast_cpu_dtype,
    set_autocast_cpu_enabled, set_autocast_dtype, set_autocast_enabled, set_autocast_gpu_dtype,
)
from minigrad.autograd import (
    enable_grad,
    inference_mode,
    no_grad,
    set_grad_enabled,
)
from minigrad.compiler import compile
from minigrad.core.device import device, get_default_device, set_default_device
from minigrad.core.device_questions import (
    get_device, has_lapack, has_mkl, has_openmp, has_spectral, is_vulkan_available,
)
from minigrad.core.dtypes import bool_ as bool
from minigrad.core.dtypes import (
    cdouble, cfloat, complex64, complex128, double, dtype, float16, float32, float64,
    get_default_dtype, half, int8, int16, int32, int64, long, set_default_dtype, short, uint8,
)
from minigrad.core.dtypes import float_ as float
from minigrad.core.dtypes import int_ as int
from minigrad.core.errors import AcceleratorError, OutOfMemoryError
from minigrad.core.memory_format import (
    channels_last, channels_last_3d, contiguous_format, jagged, layout, legacy_contiguous_format,
    memory_format, preserve_format, sparse_bsc, sparse_bsr, sparse_coo, sparse_csc, sparse_csr,
    strided,
)
from minigrad.core.number_formats import (
    bfloat16, bit, bits1x8, bits2x4, bits4x2, bits8, bits16, float4_e2m1fn_x2, float8_e4m3fn,
    float8_e4m3fnuz, float8_e5m2, float8_e5m2fnuz, float8_e8m0fnu, int1, int2, int3, int4, int5,
    int6, int7, qint8, qint32, quint2x4, quint4x2, quint8, uint1, uint2, uint3, uint4, uint5, uint6,
    uint7, uint16, uint32, uint64,
)
from minigrad.core.printing import set_printoptions
from minigrad.core.settings import (
    are_deterministic_algorithms_enabled, get_deterministic_debug_mode,
    get_float32_matmul_precision, get_num_interop_threads,
    is_deterministic_algorithms_warn_only_enabled, is_warn_always_enabled,
    set_deterministic_debug_mode, set_float32_matmul_precision,
    set_num_interop_threads, set_warn_always, use_deterministic_algorithms,
)
from minigrad.core.streams import Event, Stream
from minigrad.core.symbolic import (
    SymBool, SymFloat, SymInt, sym_float, sym_int, sym_ite, sym_max, sym_min, sym_not, sym_sqrt,
    sym_sum,
)
from minigrad.core.types import Size
from minigrad.core.unsupported import (
    chalf, complex32, quantize_per_channel, quantize_per_tensor, sparse_coo_tensor,
    sparse_csr_tensor,
)
from minigrad.engine.grad_mode import is_anomaly_enabled, is_grad_enabled, is_inference_mode_enabled
from minigrad.engine.overrides import DisableTorchFunctionSubclass
from minigrad.func import vmap
from minigrad.optim.foreach import (
    _foreach_abs, _foreach_abs_, _foreach_add, _foreach_add_, _foreach_addcdiv,
    _foreach_addcdiv_, _foreach_addcmul, _foreach_addcmul_, _foreach_ceil, _foreach_ceil_,
    _foreach_clamp_max, _foreach_clamp_max_, _foreach_clamp_min, _foreach_clamp_min_,
    _foreach_copy_, _foreach_cos, _foreach_cos_, _foreach_div, _foreach_div_, _foreach_erf,
    _foreach_erf_, _foreach_exp, _foreach_exp_, _foreach_expm1, _foreach_expm1_, _foreach_floor,
    _foreach_floor_, _foreach_frac, _foreach_frac_, _foreach_lerp, _foreach_lerp_, _foreach_log,
    _foreach_log10, _foreach_log10_, _foreach_log1p, _foreach_log1p_, _foreach_log2,
    _foreach_log2_, _foreach_log_, _foreach_max, _foreach_maximum, _foreach_maximum_,
    _foreach_minimum, _foreach_minimum_, _foreach_mul, _foreach_mul_, _foreach_neg,
    _foreach_neg_, _foreach_norm, _foreach_pow, _foreach_pow_, _foreach_reciprocal,
    _foreach_reciprocal_, _foreach_round, _foreach_round_, _foreach_rsqrt, _foreach_rsqrt_,
    _foreach_sigmoid, _foreach_sigmoid_, _foreach_sign, _foreach_sign_, _foreach_sin,
    _foreach_sin_, _foreach_sqrt, _foreach_sqrt_, _foreach_sub, _foreach_sub_, _foreach_tan,
    _foreach_tan_, _foreach_tanh, _foreach_tanh_, _foreach_trunc, _foreach_trunc_,
    _foreach_zero_,
)
from minigrad.kernels.compiler.kernel import get_num_threads, set_num_threads
from minigrad.kernels.denormals import set_flush_denormal
from minigrad.nn.functional.numbered import (
    affine_grid_generator, alpha_dropout_, batch_norm, binary_cross_entropy_with_logits,
    constant_pad_nd, convolution, cosine_embedding_loss, ctc_loss, dropout_, embedding,
    feature_dropout, feature_dropout_, frobenius_norm, grid_sampler, grid_sampler_2d,
    grid_sampler_3d, hinge_embedding_loss, instance_norm, kl_div, margin_ranking_loss,
    max_pool1d_with_indices, native_channel_shuffle, native_dropout, norm_except_dim, nuclear_norm,
    poisson_nll_loss, triplet_margin_loss,
)
from minigrad.ops import (
    abs, acos, acosh, addbmm, addcdiv, addcmul, addmm, addmv, addr, adjoint, alias_copy, all,
    allclose, amax, amin, aminmax, angle, any, argmax, argmin, argsort, argwhere, as_strided,
    as_strided_copy, asin, asinh, atan, atan2, atanh, atleast_1d, atleast_2d, atleast_3d, baddbmm,
    bernoulli, bincount, binomial, bitwise_and, bitwise_left_shift, bitwise_not, bitwise_or,
    bitwise_right_shift, bitwise_xor, block_diag, bmm, broadcast_shapes, broadcast_tensors,
    bucketize, cartesian_prod, cat, cdist, ceil, chain_matmul, cholesky, cholesky_inverse,
    cholesky_solve, chunk, clamp, clamp_max, clamp_min, clone, column_stack, combinations, complex,
    conj, conj_physical, copysign, corrcoef, cos, cosh, count_nonzero, cov, cummax, cummin, cumprod,
    cumsum, cumulative_trapezoid, deg2rad, det, detach_copy, diag, diag_embed, diagflat, diagonal,
    diagonal_copy, diagonal_scatter, diff, digamma, dist, dot, dsplit, dstack, einsum, eq, equal,
    erf, erfc, erfinv, exp, exp2, expand_copy, expm1, fill, flatten, flip, fliplr, flipud,
    float_power, floor, floor_divide, fmax, fmin, fmod, frac, frexp, gather, gcd, ge, geqrf,
    gradient, gt, hardshrink, heaviside, histc, histogram, histogramdd, hsplit, hstack, hypot, i0,
    imag, index_add, index_copy, index_fill, index_reduce, index_select, inner, isclose, isfinite,
    isin, isinf, isnan, isneginf, isposinf, isreal, istft, kron, kthvalue, lcm, ldexp, le, lerp,
    lgamma, lobpcg, log, log1p, log2, log10, logaddexp, logaddexp2, logcumsumexp, logdet,
    logical_and, logical_not, logical_or, logical_xor, logit, logsumexp, lt, lu_unpack, masked_fill,
    masked_scatter, masked_select, matmul, matrix_exp, matrix_power, max, maximum, mean, median,
    meshgrid, min, minimum, mm, mode, movedim, msort, mul, multinomial, mv, mvlgamma, nan_to_num,
    nanmean, nanmedian, nanquantile, nansum, narrow, narrow_copy, ne, neg, nextafter, nonzero,
    nonzero_static, norm, ormqr, outer, pca_lowrank, pdist, permute, permute_copy, pinverse,
    poisson, polar, polygamma, positive, pow, prod, quantile, rad2deg, real, reciprocal, relu,
    remainder, renorm, repeat_interleave, reshape, resolve_conj, resolve_neg, roll, rot90, round,
    rsqrt, rsub, scatter, scatter_add, scatter_reduce, searchsorted, select, select_copy,
    select_scatter, sgn, sigmoid, sign, signbit, sin, sinc, sinh, slice_copy, slice_scatter,
    slogdet, sort, split, split_copy, split_with_sizes_copy, sqrt, square, squeeze, squeeze_copy,
    stack, std, std_mean, stft, sum, svd_lowrank, t, t_copy, take, take_along_dim, tan, tanh,
    tensor_split, tensordot, tile, topk, trace, transpose, transpose_copy, trapezoid,
    triangular_solve, tril, triu, trunc, unbind, unbind_copy, unflatten, unfold_copy, unique,
    unique_consecutive, unravel_index, unsafe_chunk, unsafe_split, unsafe_split_with_sizes,
    unsqueeze, unsqueeze_copy, var, var_mean, vdot, view_as_complex, view_as_real, view_copy,
    vsplit, vstack, where, xlogy,
)
from minigrad.ops.generator import Generator, default_generator
from minigrad.ops.synonyms import (
    absolute, add, arccos, arccosh, arcsin, arcsinh, arctan, arctan2, arctanh, as_strided_scatter,
    broadcast_to, clip, concat, concatenate, cross, div, divide, dsmm, fix, ger, greater,
    greater_equal, igamma, igammac, index_put, inverse, less, less_equal, log_softmax, lu, lu_solve,
    moveaxis, multiply, negative, not_equal, orgqr, qr, row_stack, softmax, spmm, sub, subtract,
    svd, swapaxes, swapdims, trapz, true_divide, vander,
)
from minigrad.random import (
    fork_rng, get_rng_state, initial_seed, manual_seed, normal, rand, rand_like, randint,
    randint_like, randn, randn_like, randperm, seed, set_rng_state,
)
from minigrad.serialization import load, save
from minigrad.tensor import Tensor
from minigrad.tensor.creation import (
    arange, as_tensor, asarray, empty, empty_like, eye, from_dlpack, from_numpy, frombuffer, full,
    full_like, linspace, logspace, ones, ones_like, scalar_tensor, tensor, zeros,
    zeros_like,
)
from minigrad.tensor.triangle_indices import tril_indices, triu_indices
from minigrad.tensor.storage import TypedStorage, UntypedStorage, is_storage
from minigrad.tensor.strided_creation import empty_permuted, empty_strided
from minigrad.tensor.strided_creation import range_ as range
from minigrad.tensor.tensor_types import (
    BoolTensor, ByteTensor, CharTensor, DoubleTensor, FloatTensor, HalfTensor, IntTensor,
    LongTensor, ShortTensor, set_default_tensor_type, typename,
)
from minigrad.tensor.typeinfo import (
    _assert as _assert, can_cast, e, finfo, iinfo, inf, is_tensor, nan, newaxis, pi, promote_types,
    result_type,
)

from minigrad.tensor.windows import (
    bartlett_window, blackman_window, hamming_window, hann_window, kaiser_window,
)
from minigrad.version import __version__

if TYPE_CHECKING:  # imported when it is first read
    from minigrad import (
        cpu, distributions, fft, hub, jit, mps, mtia, multiprocessing, profiler, signal, testing,
        xpu,
    )

# For type checkers and editors, which take no import for a public name.
__all__ = [
    "AcceleratorError", "BoolTensor", "ByteTensor", "CharTensor", "DisableTorchFunctionSubclass",
    "DoubleTensor", "Event", "FloatTensor", "Generator", "GradScaler", "HalfTensor", "IntTensor",
    "LongTensor", "OutOfMemoryError", "ShortTensor", "Size", "Stream", "SymBool", "SymFloat",
    "SymInt", "Tensor", "TypedStorage", "UntypedStorage", "abs", "abs_", "absolute", "accelerator",
    "acos", "acos_", "acosh", "acosh_", "adaptive_avg_pool1d", "adaptive_max_pool1d", "add",
    "addbmm", "addcdiv", "addcmul", "addmm", "addmv", "addmv_", "addr", "adjoint",
    "affine_grid_generator", "alias_copy", "all", "allclose", "alpha_dropout", "alpha_dropout_",
    "amax", "amin", "aminmax", "amp", "angle", "any", "arange", "arccos", "arccos_", "arccosh",
    "arccosh_", "arcsin", "arcsin_", "arcsinh", "arcsinh_", "arctan", "arctan2", "arctan_",
    "arctanh", "arctanh_", "are_deterministic_algorithms_enabled", "argmax", "argmin", "argsort",
    "argwhere", "as_strided", "as_strided_", "as_strided_copy", "as_strided_scatter", "as_tensor",
    "asarray", "asin", "asin_", "asinh", "asinh_", "atan", "atan2", "atan_", "atanh", "atanh_",
    "atleast_1d", "atleast_2d", "atleast_3d", "autocast", "autocast_decrement_nesting",
    "autocast_increment_nesting", "autograd", "avg_pool1d", "backends", "baddbmm",
    "bartlett_window", "batch_norm", "bernoulli", "bfloat16", "bilinear",
    "binary_cross_entropy_with_logits", "bincount", "binomial", "bit", "bits1x8", "bits2x4",
    "bits4x2", "bits8", "bits16", "bitwise_and", "bitwise_left_shift", "bitwise_not", "bitwise_or",
    "bitwise_right_shift", "bitwise_xor", "blackman_window", "block_diag", "bmm", "bool",
    "broadcast_shapes", "broadcast_tensors", "broadcast_to", "bucketize", "can_cast",
    "cartesian_prod", "cat", "cdist", "cdouble", "ceil", "ceil_", "celu", "celu_", "cfloat",
    "chain_matmul", "chalf", "channel_shuffle", "channels_last", "channels_last_3d", "cholesky",
    "cholesky_inverse", "cholesky_solve", "chunk", "clamp", "clamp_", "clamp_max", "clamp_max_",
    "clamp_min", "clamp_min_", "clear_autocast_cache", "clip", "clip_", "clone", "column_stack",
    "combinations", "complex", "complex32", "complex64", "complex128", "concat", "concatenate",
    "conj", "conj_physical", "conj_physical_", "constant_pad_nd", "contiguous_format", "conv1d",
    "conv2d", "conv3d", "conv_tbc", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
    "convolution", "copysign", "corrcoef", "cos", "cos_", "cosh", "cosh_", "cosine_embedding_loss",
    "cosine_similarity", "count_nonzero", "cov", "cpu", "cross", "ctc_loss", "cuda", "cummax",
    "cummin", "cumprod", "cumsum", "cumulative_trapezoid", "default_generator", "deg2rad",
    "deg2rad_", "det", "detach", "detach_", "detach_copy", "device", "diag", "diag_embed",
    "diagflat", "diagonal", "diagonal_copy", "diagonal_scatter", "diff", "digamma", "dist",
    "distributed", "distributions", "div", "divide", "dot", "double", "dropout", "dropout_", "dsmm",
    "dsplit", "dstack", "dtype", "e", "einsum", "embedding", "empty", "empty_like",
    "empty_permuted", "empty_strided", "enable_grad", "eq", "equal", "erf", "erf_", "erfc", "erfc_",
    "erfinv", "exp", "exp2", "exp2_", "exp_", "expand_copy", "expm1", "expm1_", "eye",
    "feature_alpha_dropout", "feature_dropout", "feature_dropout_", "fft", "fill", "fill_", "finfo",
    "fix", "fix_", "flatten", "flip", "fliplr", "flipud", "float", "float4_e2m1fn_x2",
    "float8_e4m3fn", "float8_e4m3fnuz", "float8_e5m2", "float8_e5m2fnuz", "float8_e8m0fnu",
    "float16", "float32", "float64", "float_power", "floor", "floor_", "floor_divide", "fmax",
    "fmin", "fmod", "fork_rng", "frac", "frac_", "frexp", "frobenius_norm", "from_dlpack",
    "from_numpy", "frombuffer", "full", "full_like", "func", "gather", "gcd", "gcd_", "ge", "geqrf",
    "ger", "get_autocast_cpu_dtype", "get_autocast_dtype", "get_autocast_gpu_dtype",
    "get_default_device", "get_default_dtype", "get_deterministic_debug_mode", "get_device",
    "get_float32_matmul_precision", "get_num_interop_threads", "get_num_threads", "get_rng_state",
    "gradient", "greater", "greater_equal", "grid_sampler", "grid_sampler_2d", "grid_sampler_3d",
    "group_norm", "gru", "gru_cell", "gt", "half", "hamming_window", "hann_window", "hardshrink",
    "has_lapack", "has_mkl", "has_openmp", "has_spectral", "heaviside", "hinge_embedding_loss",
    "histc", "histogram", "histogramdd", "hsplit", "hstack", "hub", "hypot", "i0", "i0_", "igamma",
    "igammac", "iinfo", "imag", "index_add", "index_copy", "index_fill", "index_put", "index_put_",
    "index_reduce", "index_select", "inf", "inference_mode", "initial_seed", "inner",
    "instance_norm", "int", "int1", "int2", "int3", "int4", "int5", "int6", "int7", "int8", "int16",
    "int32", "int64", "inverse", "is_anomaly_enabled", "is_autocast_cache_enabled",
    "is_autocast_cpu_enabled", "is_autocast_enabled", "is_complex", "is_conj",
    "is_deterministic_algorithms_warn_only_enabled", "is_floating_point", "is_grad_enabled",
    "is_inference", "is_inference_mode_enabled", "is_neg", "is_nonzero", "is_same_size",
    "is_signed", "is_storage", "is_tensor", "is_vulkan_available", "is_warn_always_enabled",
    "isclose", "isfinite", "isin", "isinf", "isnan", "isneginf", "isposinf", "isreal", "istft",
    "jagged", "jit", "kaiser_window", "kl_div", "kron", "kthvalue", "layer_norm", "layout", "lcm",
    "lcm_", "ldexp", "ldexp_", "le", "legacy_contiguous_format", "lerp", "less", "less_equal",
    "lgamma", "linalg", "linspace", "load", "lobpcg", "log", "log1p", "log1p_", "log2", "log2_",
    "log10", "log10_", "log_", "log_softmax", "logaddexp", "logaddexp2", "logcumsumexp", "logdet",
    "logical_and", "logical_not", "logical_or", "logical_xor", "logit", "logit_", "logspace",
    "logsumexp", "long", "lstm", "lstm_cell", "lt", "lu", "lu_solve", "lu_unpack", "manual_seed",
    "margin_ranking_loss", "masked_fill", "masked_scatter", "masked_select", "matmul", "matrix_exp",
    "matrix_power", "max", "max_pool1d", "max_pool1d_with_indices", "max_pool2d", "max_pool3d",
    "maximum", "mean", "median", "memory_format", "meshgrid", "min", "minimum", "mm", "mode",
    "moveaxis", "movedim", "mps", "msort", "mtia", "mul", "multinomial", "multiply",
    "multiprocessing", "mv", "mvlgamma", "nan", "nan_to_num", "nan_to_num_", "nanmean", "nanmedian",
    "nanquantile", "nansum", "narrow", "narrow_copy", "native_channel_shuffle", "native_dropout",
    "ne", "neg", "neg_", "negative", "negative_", "newaxis", "nextafter", "nn", "no_grad",
    "nonzero", "nonzero_static", "norm", "norm_except_dim", "normal", "not_equal", "nuclear_norm",
    "numel", "ones", "ones_like", "optim", "orgqr", "ormqr", "outer", "overrides",
    "pairwise_distance", "pca_lowrank", "pdist", "permute", "permute_copy", "pi", "pinverse",
    "pixel_shuffle", "pixel_unshuffle", "poisson", "poisson_nll_loss", "polar", "polygamma",
    "positive", "pow", "prelu", "preserve_format", "prod", "profiler", "promote_types", "put",
    "qint8", "qint32", "qr", "quantile", "quantize_per_channel", "quantize_per_tensor", "quint2x4",
    "quint4x2", "quint8", "rad2deg", "rad2deg_", "rand", "rand_like", "randint", "randint_like",
    "randn", "randn_like", "random", "randperm", "range", "ravel", "real", "reciprocal",
    "reciprocal_", "relu", "relu_", "remainder", "renorm", "repeat_interleave", "reshape",
    "resolve_conj", "resolve_neg", "result_type", "rms_norm", "rnn_relu", "rnn_relu_cell",
    "rnn_tanh", "rnn_tanh_cell", "roll", "rot90", "round", "round_", "row_stack", "rrelu", "rrelu_",
    "rsqrt", "rsqrt_", "rsub", "save", "scalar_tensor", "scatter", "scatter_add", "scatter_reduce",
    "searchsorted", "seed", "select", "select_copy", "select_scatter", "selu", "selu_",
    "set_autocast_cache_enabled", "set_autocast_cpu_dtype", "set_autocast_cpu_enabled",
    "set_autocast_dtype", "set_autocast_enabled", "set_autocast_gpu_dtype", "set_default_device",
    "set_default_dtype", "set_default_tensor_type", "set_deterministic_debug_mode",
    "set_float32_matmul_precision", "set_flush_denormal", "set_grad_enabled",
    "set_num_interop_threads", "set_num_threads", "set_printoptions", "set_rng_state",
    "set_warn_always", "sgn", "short", "sigmoid", "sigmoid_", "sign", "signal", "signbit", "sin",
    "sin_", "sinc", "sinc_", "sinh", "sinh_", "slice_copy", "slice_scatter", "slogdet", "softmax",
    "sort", "sparse_bsc", "sparse_bsr", "sparse_coo", "sparse_coo_tensor", "sparse_csc",
    "sparse_csr", "sparse_csr_tensor", "special", "split", "split_copy", "split_with_sizes",
    "split_with_sizes_copy", "spmm", "sqrt", "sqrt_", "square", "square_", "squeeze",
    "squeeze_copy", "stack", "std", "std_mean", "stft", "strided", "sub", "subtract", "sum", "svd",
    "svd_lowrank", "swapaxes", "swapdims", "sym_float", "sym_int", "sym_ite", "sym_max", "sym_min",
    "sym_not", "sym_sqrt", "sym_sum", "t", "t_copy", "take", "take_along_dim", "tan", "tan_",
    "tanh", "tanh_", "tensor", "tensor_split", "tensordot", "testing", "threshold", "threshold_",
    "tile", "topk", "trace", "transpose", "transpose_copy", "trapezoid", "trapz",
    "triangular_solve", "tril", "tril_indices", "triplet_margin_loss", "triu", "triu_indices",
    "true_divide", "trunc", "trunc_", "typename", "uint1", "uint2", "uint3", "uint4", "uint5",
    "uint6", "uint7", "uint8", "uint16", "uint32", "uint64", "unbind", "unbind_copy", "unflatten",
    "unfold_copy", "unique", "unique_consecutive", "unravel_index", "unsafe_chunk", "unsafe_split",
    "unsafe_split_with_sizes", "unsqueeze", "unsqueeze_copy", "use_deterministic_algorithms",
    "utils", "vander", "var", "var_mean", "vdot", "version", "view_as_complex", "view_as_real",
    "view_copy", "vmap", "vsplit", "vstack", "where", "xlogy", "xlogy_", "xpu", "zero_", "zeros",
    "zeros_like",
]

show_public_names(
    __name__,
    lazy=(
        "__config__", "_dynamo", "_inductor", "cpu", "distributions", "fft", "functional",
        "futures", "hub", "jit", "mps", "mtia", "multiprocessing", "onnx", "profiler", "signal",
        "storage", "testing", "training", "types", "xpu",
    ),
)
