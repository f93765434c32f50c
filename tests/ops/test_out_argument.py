"""The argument `out`, of every function that torch gives one."""

import ast
import warnings
from pathlib import Path

import numpy as np
import pytest
import torch

import minigrad as mg

UNARY = """
    abs absolute acos arccos acosh arccosh asin arcsin asinh arcsinh atan arctan atanh arctanh ceil
    angle conj_physical
    cos cosh deg2rad digamma erf erfc erfinv exp exp2 expm1 fix floor frac hardshrink i0 lgamma log
    log10 log1p log2 logical_not logit nan_to_num neg negative rad2deg reciprocal round rsqrt sgn
    sigmoid sign signbit sin sinc sinh sqrt square tan tanh trunc all any isneginf isposinf
    """
BINARY = """
    complex polar
    add arctan2 atan2 copysign div divide eq float_power floor_divide fmax fmin fmod ge greater
    greater_equal gt heaviside hypot ldexp le less less_equal logaddexp logaddexp2 logical_and
    logical_or logical_xor lt maximum minimum mul multiply ne nextafter not_equal pow remainder sub
    subtract true_divide xlogy igamma igammac dot inner outer ger vdot kron isin
    """
WHOLE = "bitwise_and bitwise_or bitwise_xor bitwise_left_shift bitwise_right_shift gcd lcm"
ALONG = """
    sum mean prod amax amin logsumexp nansum cumsum cumprod logcumsumexp argmax argmin
    softmax log_softmax all any sort max min median nanmedian mode cummax cummin std var norm
    """
LINALG = """
    cholesky inv det eigvalsh svdvals matrix_norm matrix_rank norm pinv vector_norm cond
    cholesky_ex eigh inv_ex lu lu_factor lu_factor_ex qr slogdet svd
    """
SPECIAL = """
    digamma entr erf erfc erfinv exp2 expit expm1 gammaln i0 i1 log1p logit ndtr psi round sinc
    i0e i1e erfcx log_ndtr ndtri airy_ai bessel_j0 bessel_j1 bessel_y0 bessel_y1 spherical_bessel_j0
    modified_bessel_i0 modified_bessel_i1 modified_bessel_k0 modified_bessel_k1
    scaled_modified_bessel_k0 scaled_modified_bessel_k1
    """

# Calls that follow no pattern.  x, y are vectors, A, B matrices, S symmetric, T batches, v and w
# whole numbers.
OTHERS = {
    "addbmm": "m.addbmm(A, T, T, out=out)",
    "addcdiv": "m.addcdiv(x, x, y, value=2, out=out)",
    "addcmul": "m.addcmul(x, x, y, out=out)",
    "addmm": "m.addmm(A, A, B, beta=2, out=out)",
    "addmv": "m.addmv(x[:3], A, x[:3], out=out)",
    "addr": "m.addr(A, x[:3], y[:3], out=out)",
    "aminmax": "m.aminmax(A, dim=0, out=out)",
    "argsort": "m.argsort(A, dim=1, stable=True, out=out)",
    "arange": "m.arange(1, 7, 2, out=out)",
    "baddbmm": "m.baddbmm(T, T, T, out=out)",
    "bitwise_not": "m.bitwise_not(v, out=out)",
    "bmm": "m.bmm(T, T, out=out)",
    "bucketize": "m.bucketize(x, y.sort()[0], out=out)",
    "cat": "m.cat((x, y), out=out)",
    "chain_matmul": "m.chain_matmul(A, B, A, out=out)",
    "cholesky": "m.cholesky(S, out=out)",
    "cholesky_inverse": "m.cholesky_inverse(A.tril(), out=out)",
    "cholesky_solve": "m.cholesky_solve(B, A.tril(), out=out)",
    "clamp": "m.clamp(x, 0.2, 0.5, out=out)",
    "clamp_max": "m.clamp_max(x, 0.5, out=out)",
    "clamp_min": "m.clamp_min(x, 0.5, out=out)",
    "clip": "m.clip(x, min=0.5, out=out)",
    "column_stack": "m.column_stack((x, y), out=out)",
    "concat": "m.concat((x, y), out=out)",
    "concatenate": "m.concatenate((x, y), out=out)",
    "cross": "m.cross(A, B, dim=1, out=out)",
    "diag": "m.diag(x, out=out)",
    "diff": "m.diff(x, out=out)",
    "dstack": "m.dstack((x, y), out=out)",
    "empty": "m.empty(2, 3, out=out)",
    "eye": "m.eye(3, out=out)",
    "frexp": "m.frexp(x, out=out)",
    "full": "m.full((2, 3), 7.0, out=out)",
    "gather": "m.gather(A, 0, i, out=out)",
    "histc": "m.histc(x, 4, out=out)",
    "histogram": "m.histogram(x, 4, out=out)",
    "hstack": "m.hstack((x, y), out=out)",
    "index_add": "m.index_add(A, 0, v[:2], B[:2], out=out)",
    "index_copy": "m.index_copy(A, 0, v[:2], B[:2], out=out)",
    "index_reduce": "m.index_reduce(A, 0, v[:2], B[:2], 'prod', out=out)",
    "index_select": "m.index_select(A, 0, v[:2], out=out)",
    "inverse": "m.inverse(S, out=out)",
    "kthvalue": "m.kthvalue(A, 2, out=out)",
    "lerp": "m.lerp(x, y, 0.25, out=out)",
    "linspace": "m.linspace(0, 1, 5, out=out)",
    "logspace": "m.logspace(0, 1, 5, out=out)",
    "masked_select": "m.masked_select(x, x > 0.4, out=out)",
    "matmul": "m.matmul(A, T, out=out)",
    "matrix_power": "m.matrix_power(A, 3, out=out)",
    "mm": "m.mm(A, B, out=out)",
    "msort": "m.msort(A, out=out)",
    "mv": "m.mv(A, x[:3], out=out)",
    "mvlgamma": "m.mvlgamma(x + 3, 2, out=out)",
    "nanmean": "m.nanmean(A, 0, out=out)",
    "nanquantile": "m.nanquantile(A, 0.3, 0, out=out)",
    "nonzero": "m.nonzero(x > 0.4, out=out)",
    "nonzero_static": "m.nonzero_static(x > 0.4, size=4, out=out)",
    "ones": "m.ones(2, 3, out=out)",
    "polygamma": "m.polygamma(1, x, out=out)",
    "quantile": "m.quantile(A, 0.3, 0, out=out)",
    "renorm": "m.renorm(A, 2, 0, 0.5, out=out)",
    "row_stack": "m.row_stack((x, y), out=out)",
    "scatter": "m.scatter(A, 0, i, B, out=out)",
    "scatter_add": "m.scatter_add(A, 0, i, B, out=out)",
    "scatter_reduce": "m.scatter_reduce(A, 0, i, B, 'sum', out=out)",
    "searchsorted": "m.searchsorted(y.sort()[0], x, out=out)",
    "slogdet": "m.slogdet(S, out=out)",
    "stack": "m.stack((x, y), out=out)",
    "slice_scatter": "m.slice_scatter(A, B[:1], 0, 1, 2, out=out)",
    "svd": "m.svd(S, out=out)",
    "threshold": "m.threshold(x, 0.4, 2.0, out=out)",
    "take": "m.take(A, v[:2], out=out)",
    "take_along_dim": "m.take_along_dim(A, i, 0, out=out)",
    "tensordot": "m.tensordot(A, B, 1, out=out)",
    "topk": "m.topk(A, 2, out=out)",
    "tril": "m.tril(A, out=out)",
    "triu": "m.triu(A, out=out)",
    "vstack": "m.vstack((x, y), out=out)",
    "where": "m.where(x > 0.4, x, y, out=out)",
    "zeros": "m.zeros(2, 3, out=out)",
    "linalg.cross": "m.linalg.cross(A, B, out=out)",
    "linalg.lu_solve": "m.linalg.lu_solve(*m.linalg.lu_factor(S), B, out=out)",
    "linalg.matmul": "m.linalg.matmul(A, B, out=out)",
    "linalg.matrix_power": "m.linalg.matrix_power(A, 2, out=out)",
    "linalg.multi_dot": "m.linalg.multi_dot([A, B, A], out=out)",
    "linalg.solve": "m.linalg.solve(S, B, out=out)",
    "linalg.solve_ex": "m.linalg.solve_ex(S, B, out=out)",
    "linalg.solve_triangular": "m.linalg.solve_triangular(A.triu(), B, upper=True, out=out)",
    "linalg.tensorinv": "m.linalg.tensorinv(S.reshape(3, 3), ind=1, out=out)",
    "linalg.tensorsolve": "m.linalg.tensorsolve(S, x[:3], out=out)",
    "linalg.vecdot": "m.linalg.vecdot(A, B, out=out)",
    "special.multigammaln": "m.special.multigammaln(x + 3, 2, out=out)",
    "special.polygamma": "m.special.polygamma(1, x, out=out)",
    "special.xlog1py": "m.special.xlog1py(x, y, out=out)",
    "special.gammainc": "m.special.gammainc(x, y, out=out)",
    "special.gammaincc": "m.special.gammaincc(x, y, out=out)",
    "special.zeta": "m.special.zeta(x + 1.5, y, out=out)",
    "special.legendre_polynomial_p": "m.special.legendre_polynomial_p(x, 3, out=out)",
    "special.xlogy": "m.special.xlogy(x, y, out=out)",
    **{
        f"nn.functional.{name}": f"m.nn.functional.{name}(A, out=out)"
        for name in ("hardshrink", "logsigmoid", "normalize", "softplus", "softshrink")
    },
}  # fmt: skip
DRAWN = {
    "bernoulli": "m.bernoulli(x, out=out)",
    "multinomial": "m.multinomial(x, 3, out=out)",
    "normal": "m.normal(x, y, out=out)",
    "rand": "m.rand(2, 3, out=out)",
    "randint": "m.randint(1, 5, (2, 3), out=out)",
    "randn": "m.randn(2, 3, out=out)",
    "randperm": "m.randperm(5, out=out)",
}
OLD_AND_COPIED = {
    "alias_copy": "m.alias_copy(x, out=out)",
    "as_strided_copy": "m.as_strided_copy(x, (2, 2), (2, 1), out=out)",
    "detach_copy": "m.detach_copy(x, out=out)",
    "diagonal_copy": "m.diagonal_copy(A, out=out)",
    "expand_copy": "m.expand_copy(x, (2, 6), out=out)",
    "frobenius_norm": "m.frobenius_norm(A, (0, 1), out=out)",
    "geqrf": "m.geqrf(A, out=out)",
    "lu_unpack": "m.lu_unpack(*m.linalg.lu_factor(A), out=out)",
    "narrow_copy": "m.narrow_copy(x, 0, 1, 3, out=out)",
    "nuclear_norm": "m.nuclear_norm(A, out=out)",
    "orgqr": "m.orgqr(*m.geqrf(A), out=out)",
    "ormqr": "m.ormqr(*m.geqrf(A), B, out=out)",
    "permute_copy": "m.permute_copy(A, (1, 0), out=out)",
    "select_copy": "m.select_copy(A, 0, 1, out=out)",
    "slice_copy": "m.slice_copy(x, 0, 1, 5, 2, out=out)",
    "split_with_sizes_copy": "m.split_with_sizes_copy(x, (2, 4), out=out)",
    "squeeze_copy": "m.squeeze_copy(x[None], out=out)",
    "t_copy": "m.t_copy(A, out=out)",
    "transpose_copy": "m.transpose_copy(A, 0, 1, out=out)",
    "unbind_copy": "m.unbind_copy(A, out=out)",
    "unfold_copy": "m.unfold_copy(x, 0, 2, 2, out=out)",
    "unsqueeze_copy": "m.unsqueeze_copy(x, 0, out=out)",
    "view_copy": "m.view_copy(x, (2, 3), out=out)",
}
CALLS = {
    **OLD_AND_COPIED,
    **{name: f"m.{name}(x, out=out)" for name in UNARY.split()},
    **{f"{name} of two": f"m.{name}(x, y, out=out)" for name in BINARY.split()},
    **{f"{name} of two": f"m.{name}(v, w, out=out)" for name in WHOLE.split()},
    **{f"{name} along": f"m.{name}(A, dim=1, out=out)" for name in ALONG.split()},
    **{f"linalg.{name}": f"m.linalg.{name}(S, out=out)" for name in LINALG.split()},
    **{f"special.{name}": f"m.special.{name}(x, out=out)" for name in SPECIAL.split()},
    **OTHERS,
}


def operands(m):
    numbers = np.random.default_rng(5)
    A, B = numbers.uniform(0.1, 0.9, (2, 3, 3)).astype(np.float32)
    arrays = {
        "x": numbers.uniform(0.1, 0.9, 6).astype(np.float32),
        "y": numbers.uniform(0.1, 0.9, 6).astype(np.float32),
        "A": A, "B": B, "S": A @ A.T + np.eye(3, dtype=np.float32),
        "T": numbers.uniform(0.1, 0.9, (2, 3, 3)).astype(np.float32),
        "v": np.array([2, 0, 1]), "w": np.array([1, 2, 3]),
        "i": np.array([[2, 0, 1], [1, 1, 0], [0, 2, 2]]),
    }  # fmt: skip
    return {name: m.from_numpy(array) for name, array in arrays.items()}


def run(m, call, out):
    with warnings.catch_warnings():
        if m is torch:
            warnings.simplefilter("ignore")  # of what is deprecated, or in beta
        return eval(call, {"m": m, "out": out, **operands(m)})


def empties(m, call):
    """Empty tensors of the dtypes that PyTorch's result has."""
    result = run(torch, call, None)
    kinds = [str(r.dtype).removeprefix("torch.") for r in as_list(result)]
    outs = tuple(m.empty(0, dtype=getattr(m, kind)) for kind in kinds)
    return outs if isinstance(result, tuple) else outs[0]


def as_list(result):
    return list(result) if isinstance(result, tuple | list) else [result]


@pytest.mark.parametrize("name", CALLS)
def test_a_result_is_written_into_out(name):
    call = CALLS[name]
    theirs, ours = empties(torch, call), empties(mg, call)
    run(torch, call, theirs)
    run(mg, call, ours)
    for their, our in zip(as_list(theirs), as_list(ours), strict=True):
        assert their.shape == our.shape
        if not name.startswith(("empty", "svd", "linalg.svd", "linalg.eigh")):
            np.testing.assert_allclose(our.numpy(), their.numpy(), rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("name", CALLS | DRAWN)
def test_the_result_is_out_itself(name):
    call = (CALLS | DRAWN)[name]
    outs = empties(mg, call)
    result = run(mg, call, outs)
    assert all(r is o for r, o in zip(as_list(result), as_list(outs), strict=True))
    assert type(result) is type(run(mg, call, None))


@pytest.mark.parametrize("name", CALLS)
def test_another_shape_is_resized_with_a_warning(name):
    theirs, ours = empties(torch, CALLS[name]), empties(mg, CALLS[name])
    for their, our in zip(as_list(theirs), as_list(ours), strict=True):
        their.resize_(7, 7)
        our.data = our.new_empty(7, 7)
    # torch says nothing where a tensor is made of no others, and forgets it for `addbmm`.
    said = warned_of_resizing(torch, CALLS[name], theirs)
    assert warned_of_resizing(mg, CALLS[name], ours) >= said
    assert [o.shape for o in as_list(ours)] == [t.shape for t in as_list(theirs)]


def warned_of_resizing(m, call, outs):
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        eval(call, {"m": m, "out": outs, **operands(m)})
    return any("An output with one or more elements was resized" in str(w.message) for w in said)


@pytest.mark.parametrize("name", CALLS)
def test_out_is_refused_where_a_gradient_would_be_recorded(name):
    call = CALLS[name]
    outs = empties(mg, call)
    given = operands(mg)
    for value in given.values():
        if value.is_floating_point():
            value.requires_grad_()
    result = eval(call.replace("out=out", "out=None"), {"m": mg, **given})
    if not as_list(result)[0].requires_grad:
        return
    with pytest.raises(RuntimeError, match="don't support automatic differentiation"):
        eval(call, {"m": mg, "out": outs, **given})
    with mg.no_grad():
        eval(call, {"m": mg, "out": outs, **given})


def test_every_function_that_torch_gives_out_is_covered():
    stub = Path(torch.__file__).parent / "_C" / "_VariableFunctions.pyi"
    theirs = {
        node.name
        for node in ast.walk(ast.parse(stub.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef) and any(a.arg == "out" for a in node.args.kwonlyargs)
    }
    known = {name.partition(" ")[0] for name in CALLS | DRAWN}
    known |= {"split_copy"}  # which torch writes into tensors of the right sizes only
    known |= {"lu_solve", "qr", "range", "triangular_solve"}  # deprecated, they call others
    uncovered = {name for name in theirs if hasattr(mg, name)} - known
    assert sorted(uncovered) == []
