"""Functions and modules of other frameworks, which are taken to be right."""

import importlib
from collections.abc import Iterator
from functools import partial
from typing import Any

import numpy as np

from benchmarks.false_alarms.subjects import Subject, single
from minigrad.testing import arr, check

R = (-2.0, 2.0)
POSITIVE = (0.3, 3.0)
UNIT = (-0.9, 0.9)
SHARE = (0.1, 0.9)
ABOVE_ONE = (1.2, 3.0)

# Functions of one array, by where they are defined: names of torch's, as far as others have them.
ELEMENTWISE = {
    R: "abs sin cos tan sinh cosh tanh exp exp2 expm1 square atan arctan asinh arcsinh erf erfc "
       "sigmoid sinc relu logsigmoid sign neg negative positive deg2rad rad2deg nan_to_num",
    POSITIVE: "log log2 log10 log1p sqrt rsqrt reciprocal digamma lgamma cbrt",
    UNIT: "asin acos atanh arcsin arccos arctanh erfinv",
    SHARE: "logit",
    ABOVE_ONE: "acosh arccosh",
}  # fmt: skip
REDUCTIONS = (
    "sum mean prod std var amax amin logsumexp cumsum cumprod logcumsumexp norm median max "
    "min nansum nanmean softmax log_softmax sort flip ravel transpose trace diag tril triu"
)
PAIRS = (
    "add sub subtract mul multiply div divide true_divide pow power atan2 arctan2 hypot "
    "maximum minimum logaddexp logaddexp2 matmul dot outer inner kron fmax fmin"
)

TORCH_FUNCTIONAL = (
    "relu6 elu selu celu gelu silu mish softplus softsign tanhshrink hardtanh hardswish "
    "hardshrink softshrink leaky_relu logsigmoid normalize glu"
)
TORCH_LOSSES = "mse_loss l1_loss smooth_l1_loss huber_loss kl_div"
TORCH_MATRICES = (
    "det slogdet inv pinv cholesky qr eigvalsh svdvals matrix_exp matrix_norm cond multi_dot "
    "eigh lu_factor solve"
)
TORCH_SPECIAL = (
    "entr erfcx i0 i0e i1 i1e log_ndtr ndtr xlog1py xlogy zeta polygamma ndtri multigammaln"
)
TORCH_MODULES: dict[str, tuple[tuple[Any, ...], arr]] = {
    "Linear": ((3, 4), arr.of(5, 3)),
    "Conv1d": ((2, 3, 3), arr.of(2, 2, 7)),
    "Conv2d": ((2, 3, 3), arr.of(2, 2, 5, 5)),
    "ConvTranspose2d": ((2, 3, 3), arr.of(2, 2, 4, 4)),
    "BatchNorm1d": ((3,), arr.of(6, 3)),
    "LayerNorm": ((4,), arr.of(3, 4)),
    "GroupNorm": ((2, 4), arr.of(2, 4, 3)),
    "InstanceNorm1d": ((3,), arr.of(2, 3, 5)),
    "PReLU": ((), arr.of(3, 4)),
    "GRUCell": ((3, 2), arr.of(4, 3)),
    "AvgPool2d": ((2,), arr.of(2, 2, 4, 4)),
    "MaxPool2d": ((2,), arr((2, 2, 4, 4), distinct=True)),
    "LPPool1d": ((2, 2), arr.of(2, 2, 6)),
    "AdaptiveAvgPool1d": ((3,), arr.of(2, 2, 7)),
    "Softmin": ((1,), arr.of(3, 4)),
    "CosineSimilarity": ((), arr.of(3, 4)),
    "PixelShuffle": ((2,), arr.of(1, 4, 3, 3)),
    "Upsample": ((None, 2), arr.of(1, 2, 3)),
    "ReflectionPad1d": ((2,), arr.of(2, 2, 5)),
}
JAX_NN = (
    "relu6 elu selu celu gelu silu mish softplus soft_sign hard_tanh leaky_relu glu softmax "
    "log_softmax logsumexp standardize"
)
DISTRIBUTIONS = {
    "Normal": (R, POSITIVE), "Laplace": (R, POSITIVE), "Cauchy": (R, POSITIVE),
    "Gumbel": (R, POSITIVE), "LogNormal": (R, POSITIVE), "Gamma": (POSITIVE, POSITIVE),
    "Beta": (ABOVE_ONE, ABOVE_ONE), "Exponential": (POSITIVE,), "StudentT": (POSITIVE, R, POSITIVE),
    "HalfNormal": (POSITIVE,), "HalfCauchy": (POSITIVE,), "Poisson": (POSITIVE,),
    "Geometric": (SHARE,), "Weibull": (POSITIVE, POSITIVE), "Chi2": (POSITIVE,),
    "VonMises": (R, POSITIVE), "Kumaraswamy": (ABOVE_ONE, ABOVE_ONE),
    "InverseGamma": (POSITIVE, POSITIVE), "FisherSnedecor": (POSITIVE, POSITIVE),
}  # fmt: skip


# Functions of NumPy with their derivatives.
WITH_DERIVATIVES: dict[str, tuple[tuple[float, float], Any]] = {
    "sin": (R, np.cos), "cos": (R, lambda x: -np.sin(x)), "tan": (UNIT, lambda x: np.cos(x) ** -2),
    "sinh": (R, np.cosh), "cosh": (R, np.sinh), "tanh": (R, lambda x: 1 - np.tanh(x) ** 2),
    "exp": (R, np.exp), "exp2": (R, lambda x: np.exp2(x) * np.log(2).astype(x.dtype)),
    "expm1": (R, np.exp), "log": (POSITIVE, np.reciprocal),
    "log2": (POSITIVE, lambda x: 1 / (x * np.log(2).astype(x.dtype))),
    "log10": (POSITIVE, lambda x: 1 / (x * np.log(10).astype(x.dtype))),
    "log1p": (POSITIVE, lambda x: 1 / (1 + x)), "sqrt": (POSITIVE, lambda x: 0.5 / np.sqrt(x)),
    "cbrt": (POSITIVE, lambda x: 1 / (3 * np.cbrt(x) ** 2)), "square": (R, lambda x: 2 * x),
    "reciprocal": (POSITIVE, lambda x: -1 / x**2), "negative": (R, lambda x: -np.ones_like(x)),
    "absolute": (R, np.sign), "arcsin": (UNIT, lambda x: (1 - x**2) ** -0.5),
    "arccos": (UNIT, lambda x: -((1 - x**2) ** -0.5)), "arctan": (R, lambda x: 1 / (1 + x**2)),
    "arcsinh": (R, lambda x: (1 + x**2) ** -0.5), "arctanh": (UNIT, lambda x: 1 / (1 - x**2)),
    "arccosh": (ABOVE_ONE, lambda x: (x**2 - 1) ** -0.5),
    "deg2rad": (R, lambda x: np.full_like(x, np.pi / 180)),
}  # fmt: skip
OF_ARRAYS: dict[str, tuple[Any, Any]] = {
    "sum": (np.sum, lambda g, x: np.full_like(x, g)),
    "mean": (np.mean, lambda g, x: np.full_like(x, g / x.size)),
    "sum of rows": (lambda x: x.sum(1), lambda g, x: np.repeat(g[:, None], 5, 1)),
    "cumsum": (lambda x: x.cumsum(1), lambda g, x: g[:, ::-1].cumsum(1)[:, ::-1]),
    "norm": (np.linalg.norm, lambda g, x: g * x / np.linalg.norm(x)),
    "transpose": (np.transpose, lambda g, x: g.T),
    "ravel": (np.ravel, lambda g, x: g.reshape(4, 5)),
    "flip": (np.flip, lambda g, x: np.flip(g)), "x x^T": (lambda x: x @ x.T,
                                                          lambda g, x: (g + g.T) @ x),
    "prod": (np.prod, lambda g, x: g * np.prod(x) / x),
    "largest": (np.max, lambda g, x: g * (x == x.max())),
    "var": (np.var, lambda g, x: g * 2 * (x - x.mean()) / x.size),
}  # fmt: skip


def _drawn(shape: tuple[int, ...], domain: tuple[float, float]) -> arr:
    kinks = (0.0,) if domain[0] < 0 else ()
    return arr(shape, low=domain[0], high=domain[1], away_from=kinks, distinct=not kinks)


def _both(family: str, name: str, function: Any, *inputs: Any, **options: Any) -> Iterator[Subject]:
    """A function's checks in float64, and in float32: there of the first order."""
    yield _subject(family, name, function, *inputs, **options)
    framework = options.get("framework") or family.partition(" ")[0]
    check = partial(single, name, function, inputs, framework, options.get("vjp"))
    yield Subject(f"{family}, float32", name, check)


def _subject(family: str, name: str, function: Any, *inputs: Any, **options: Any) -> Subject:
    framework = options.pop("framework", family.partition(" ")[0])

    def run(seed: int) -> object:
        return check(function, *inputs, seed=seed, framework=framework, **options)

    return Subject(family, name, run)


def of_namespace(family: str, space: Any, framework: str, **options: Any) -> Iterator[Subject]:
    """The functions that a namespace has of those named above."""
    for domain, names in ELEMENTWISE.items():
        for name in names.split():
            if hasattr(space, name):
                for shape in ((3, 4), (5,)):
                    given, label = _drawn(shape, domain), f"{name}{list(shape)}"
                    yield from _both(family, label, getattr(space, name), given,
                                   framework=framework, **options)  # fmt: skip
    for name in REDUCTIONS.split():
        if hasattr(space, name):
            call = _along_last(space, name, getattr(space, name))
            yield from _both(family, name, call, _drawn((4, 5), POSITIVE), framework=framework,
                           **options)  # fmt: skip
    for name in PAIRS.split():
        if hasattr(space, name):
            shape = (4,) if name in ("dot", "outer", "inner") else (4, 4)
            inputs = _drawn(shape, POSITIVE), _drawn(shape, (0.35, 2.9))
            yield from _both(family, name, getattr(space, name), *inputs, framework=framework,
                           **options)  # fmt: skip


def _along_last(space: Any, name: str, function: Any) -> Any:
    """The function along the last axis where it must be told one."""
    if name in ("logsumexp", "cumsum", "cumprod", "logcumsumexp", "softmax", "log_softmax", "amax",
                "amin", "sort", "flip", "median", "max", "min"):  # fmt: skip
        word = "dim" if space.__name__.startswith("torch") else "axis"
        argument = (-1,) if name == "flip" else -1

        def along(x: Any) -> Any:
            found = function(x, **{"dims" if word == "dim" and name == "flip" else word: argument})
            return found[0] if isinstance(found, tuple) else found

        return along
    if name == "transpose" and space.__name__.startswith("torch"):
        return partial(_swapped, function)
    return function


def _swapped(function: Any, x: Any) -> Any:
    return function(x, 0, 1)


def of_torch() -> Iterator[Subject]:
    """Functions, losses, matrices, distributions' log-probabilities, and modules."""
    torch = importlib.import_module("torch")
    functional = torch.nn.functional
    yield from of_namespace("torch functions", torch, "torch")
    for name in TORCH_FUNCTIONAL.split():
        yield from _both("torch functions", name, getattr(functional, name), _drawn((3, 4), R))
    for name in TORCH_LOSSES.split():
        inputs = _drawn((3, 4), POSITIVE), _drawn((3, 4), (0.35, 2.9))
        yield from _both("torch functions", name, partial(getattr(functional, name)), *inputs,
                       framework="torch")  # fmt: skip
    for name in TORCH_MATRICES.split():
        yield from _both("torch functions", f"linalg.{name}", partial(_of_matrix, torch, name),
                       _drawn((4, 4), POSITIVE), framework="torch")  # fmt: skip
    for name in TORCH_SPECIAL.split():
        if hasattr(torch.special, name):
            call = partial(_special, torch, name)
            second = name not in ("log_ndtr", "zeta")
            yield from _both("torch functions", f"special.{name}", call, _drawn((6,), SHARE),
                           framework="torch", second_order=second)  # fmt: skip
    for name, domains in DISTRIBUTIONS.items():
        drawn = [_drawn((3,), domain) for domain in domains]
        call = partial(_log_probability, torch, name)
        yield from _both("torch distributions", name, call, *drawn, framework="torch",
                       second_order=name != "VonMises")  # fmt: skip
    for name, (arguments, given) in TORCH_MODULES.items():
        torch.manual_seed(0)
        module = getattr(torch.nn, name)(*arguments).double()
        images = [given] * (2 if name == "CosineSimilarity" else 1)
        yield _subject("torch modules", name, module, *images)


def _of_matrix(torch: Any, name: str, x: Any) -> Any:
    """A function of a matrix that is well conditioned, and symmetric where it must be."""
    eye = torch.eye(x.shape[-1], dtype=x.dtype)
    symmetric = x @ x.mT + torch.diag(torch.arange(1.0, 5.0, dtype=x.dtype))
    call = getattr(torch.linalg, name)
    if name in ("cholesky", "eigvalsh"):
        return call(symmetric)
    if name == "eigh":
        values, vectors = call(symmetric)
        return values, vectors.abs()
    if name in ("qr", "slogdet", "lu_factor"):
        return tuple(part for part in call(x + 4 * eye) if part.is_floating_point())
    if name == "solve":
        return call(x + 4 * eye, x[:, :2])
    if name == "multi_dot":
        return call([x, x.mT, x])
    return call(x + 4 * eye)


def _special(torch: Any, name: str, x: Any) -> Any:
    call = getattr(torch.special, name)
    if name in ("xlog1py", "xlogy"):
        return call(x, x * 2)
    if name == "zeta":
        return call(torch.full_like(x, 2.5).detach(), x + 1)
    if name == "polygamma":
        return call(1, x + 0.5)
    if name == "multigammaln":
        return call(x + 1.5, 2)
    return call(x)


def _log_probability(torch: Any, name: str, *parameters: Any) -> Any:
    shape = parameters[0].shape
    inside = torch.linspace(0.2, 0.8, shape[0], dtype=parameters[0].dtype)
    whole = torch.arange(1.0, 1.0 + shape[0], dtype=inside.dtype)
    value = whole if name in ("Poisson", "Geometric") else inside
    return getattr(torch.distributions, name)(*parameters, validate_args=False).log_prob(value)


def of_others() -> Iterator[Subject]:
    """Functions of JAX, HIPS autograd and MyGrad."""
    jax = importlib.import_module("jax")
    yield from of_namespace("jax", jax.numpy, "jax")
    for name in JAX_NN.split():
        yield from _both("jax", f"nn.{name}", getattr(jax.nn, name), _drawn((3, 4), R))
    hips = importlib.import_module("autograd.numpy")
    yield from of_namespace("autograd", hips, "autograd")
    mygrad = importlib.import_module("mygrad")
    yield from of_namespace("mygrad", mygrad, "mygrad")
    for name, (domain, derivative) in WITH_DERIVATIVES.items():
        vjp = partial(_times, derivative)
        for shape in ((3, 4), (5,)):
            yield from _both("numpy", f"{name}{list(shape)}", getattr(np, name),
                             _drawn(shape, domain), framework=None, vjp=vjp)  # fmt: skip
    for name, pair in OF_ARRAYS.items():
        function, vjp = pair
        yield from _both("numpy", name, function, _drawn((4, 5), POSITIVE), framework=None, vjp=vjp)


def _times(derivative: Any, g: Any, x: Any) -> Any:
    return g * derivative(x)
