"""Optimizers that ask a closure: against SciPy, known minima, and saved and loaded midway."""

import copy

import numpy as np
import pytest
from scipy import optimize

import minigrad as mg
from minigrad import optim
from minigrad.optim.closures.least_squares import jacobian_of

START = [-1.2, 1.0]


def rosenbrock(v):
    return 100 * (v[1] - v[0] ** 2) ** 2 + (1 - v[0]) ** 2


def powell(v):
    """Singular at its minimum, so that convergence is slow."""
    return (
        (v[0] + 10 * v[1]) ** 2
        + 5 * (v[2] - v[3]) ** 2
        + (v[1] - 2 * v[2]) ** 4
        + 10 * (v[0] - v[3]) ** 4
    )


def variable(start, dtype=mg.float64):
    return mg.tensor(start, dtype=dtype, requires_grad=True)


def closure_of(x, loss=rosenbrock):
    def closure():
        x.grad = None
        value = loss(x)
        value.backward()
        return value

    return closure


def residuals_of(x):
    return mg.stack([10 * (x[1] - x[0] ** 2), 1 - x[0]])


TO_MINIMIZE = {
    "NonlinearCG": lambda x: optim.NonlinearCG(x, max_iter=300, max_eval=2000),
    "LBFGSB": lambda x: optim.LBFGSB(x, max_iter=300),
    "NelderMead": lambda x: optim.NelderMead(x, max_iter=800),
}


@pytest.mark.parametrize("name", TO_MINIMIZE)
@pytest.mark.parametrize(
    ("loss", "start", "minimum", "within"),
    [(rosenbrock, START, [1, 1], 1e-4), (powell, [3.0, -1.0, 0.0, 1.0], [0] * 4, 0.05)],
)
def test_it_finds_a_known_minimum(name, loss, start, minimum, within):
    x = variable(start)
    first = TO_MINIMIZE[name]([x]).step(closure_of(x, loss))
    assert float(first) == pytest.approx(loss(np.array(start)))
    np.testing.assert_allclose(x.tolist(), minimum, atol=within)


@pytest.mark.parametrize("adaptive", [False, True])
@pytest.mark.parametrize("moves", [1, 7, 40, 150])
def test_nelder_mead_moves_as_in_scipy(adaptive, moves):
    start = [1.3, 0.7, 0.0, 1.9]
    x = variable(start)
    optimizer = optim.NelderMead([x], max_iter=moves, adaptive=adaptive)
    optimizer.step(lambda: optimize.rosen(x.tolist()))
    expected = optimize.minimize(
        optimize.rosen,
        start,
        method="Nelder-Mead",
        # It counts the first simplex as a move.
        options={"maxiter": moves + 1, "adaptive": adaptive, "xatol": 1e-8, "fatol": 1e-8},
    )
    np.testing.assert_allclose(x.tolist(), expected.x, rtol=1e-12)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-2.0, 0.5), (None, [[0.3, 0.05]]), ([[-0.5, 0.5]], [[0.2, 2.0]]), (1.5, None)],
)
def test_l_bfgs_b_ends_where_that_of_scipy_does(low, high):
    def each(bound):
        return [bound] * 2 if bound is None or isinstance(bound, float) else bound[0]

    x = variable(START)
    as_tensors = [
        [mg.tensor(bound[0], dtype=mg.float64)] if isinstance(bound, list) else bound
        for bound in (low, high)
    ]
    seen = []
    closure = closure_of(x)

    def watched():
        seen.append(x.detach().numpy().copy())
        return closure()

    optim.LBFGSB([x], *as_tensors, max_iter=500).step(watched)
    limits = list(zip(each(low), each(high), strict=True))
    least = [-np.inf if bound is None else bound for bound in each(low)]
    most = [np.inf if bound is None else bound for bound in each(high)]
    expected = optimize.minimize(
        rosenbrock,
        np.clip(START, least, most),
        method="L-BFGS-B",
        bounds=limits,
        options={"ftol": 1e-15, "gtol": 1e-10},
    )
    np.testing.assert_allclose(x.tolist(), expected.x, atol=2e-4)
    assert all(((point >= least) & (point <= most)).all() for point in seen)


TIMES = np.linspace(0, 3, 40)
NOISE = np.random.default_rng(0).standard_normal(40)
MODELS = {
    "decay": (lambda v, t, e: v[0] * e(-v[1] * t) + v[2], [1.0, 1.0, 0.0], [2.5, 1.3, 0.5]),
    "bell": (lambda v, t, e: v[0] * e(-((t - v[1]) ** 2) * v[2]), [1.0, 1.0, 1.0], [3.0, 1.4, 2.0]),
    "line": (lambda v, t, e: v[0] + v[1] * t + 0 * e(t), [0.0, 0.0], [1.0, -2.0]),
}


@pytest.mark.parametrize("cls", [optim.GaussNewton, optim.LevenbergMarquardt])
@pytest.mark.parametrize("name", MODELS)
def test_a_curve_is_fitted_as_by_scipy(cls, name):
    model, start, truth = MODELS[name]
    seen = model(truth, TIMES, np.exp) + 0.01 * NOISE
    x, t, y = variable(start), mg.tensor(TIMES), mg.tensor(seen)
    first = cls([x], max_iter=100).step(lambda: model(x, t, mg.exp) - y)
    np.testing.assert_allclose(first.numpy(), model(start, TIMES, np.exp) - seen)
    expected = optimize.least_squares(
        lambda v: model(v, TIMES, np.exp) - seen, start, xtol=1e-13, ftol=1e-13, gtol=1e-13
    )
    np.testing.assert_allclose(x.tolist(), expected.x, rtol=1e-6)


@pytest.mark.parametrize("cls", [optim.GaussNewton, optim.LevenbergMarquardt])
def test_a_sum_of_squares_with_several_parameters_and_few_residuals(cls):
    """More parameters than residuals: rows of the Jacobian, and a minimum among many."""
    x, y = variable([0.5, -1.0, 2.0]), variable([[1.0], [3.0]])

    def residuals():
        return mg.stack([x.square().sum() - 2, (y * x[:2, None]).sum() - 1])

    cls([x, y], max_iter=60).step(residuals)
    np.testing.assert_allclose(residuals().tolist(), 0, atol=1e-9)


@pytest.mark.parametrize("count", [2, 9])
def test_the_jacobian_by_rows_and_by_columns(count):
    rng = np.random.default_rng(count)
    a = rng.standard_normal((count, 3))
    x, unused = variable(rng.standard_normal(3).tolist()), variable([1.0])
    found = jacobian_of(mg.sin(mg.tensor(a) @ x), [x, unused])
    expected = np.cos(a @ np.array(x.tolist()))[:, None] * a
    np.testing.assert_allclose(found[:, :3], expected, rtol=1e-12)
    assert not found[:, 3:].any()


def test_a_damping_is_relative_to_the_units_of_a_parameter():
    """The same steps for parameters in thousandths."""
    ends = []
    for unit in (1.0, 1e-3):
        x = variable([-1.2 / unit, 1.0])
        optimizer = optim.LevenbergMarquardt([x], max_iter=3)
        optimizer.step(lambda x=x, unit=unit: residuals_of([unit * x[0], x[1]]))
        ends.append([x[0].item() * unit, x[1].item()])
    np.testing.assert_allclose(*ends, rtol=1e-9)


RESUMED = {
    "NonlinearCG": lambda x, **more: optim.NonlinearCG(x, max_iter=3, **more),
    "LBFGSB": lambda x, **more: optim.LBFGSB(x, low=-2.0, high=0.9, max_iter=3, **more),
    "NelderMead": lambda x, **more: optim.NelderMead(x, max_iter=9, **more),
    "LevenbergMarquardt": lambda x, **more: optim.LevenbergMarquardt(x, max_iter=2, **more),
    "GaussNewton": lambda x, **more: optim.GaussNewton(x, max_iter=2, **more),
}


@pytest.mark.parametrize("dtype", [mg.float32, mg.float64])
@pytest.mark.parametrize("name", RESUMED)
def test_a_run_saved_and_loaded_midway_changes_no_bit(name, dtype):
    def step(optimizer, x):
        squares = "Newton" in name or "Levenberg" in name
        optimizer.step((lambda: residuals_of(x)) if squares else closure_of(x))

    x = variable(START, dtype)
    first = RESUMED[name]([x])
    step(first, x)
    y = variable(x.tolist(), dtype)
    second = RESUMED[name]([y])
    second.load_state_dict(copy.deepcopy(first.state_dict()))
    for _ in range(2):
        step(first, x)
        step(second, y)
    assert x.tolist() == y.tolist()
    assert x.dtype == dtype


def test_mistakes_are_named():
    x = variable(START)
    for cls in (optim.NonlinearCG, optim.LBFGSB, optim.NelderMead, optim.GaussNewton):
        with pytest.raises(TypeError, match=f"{cls.__name__}.step needs a closure"):
            cls([x]).step()
        with pytest.raises(ValueError, match="doesn't support per-parameter options"):
            cls([{"params": x}, {"params": variable([1.0])}])
        with pytest.raises(TypeError, match="max_iter must be a whole number"):
            cls([x], max_iter=1.5)
    with pytest.raises(ValueError, match="low must not exceed high"):
        optim.LBFGSB([x], 2.0, 1.0)
    with pytest.raises(ValueError, match="a number, or one for each of 1 parameters, got 2"):
        optim.LBFGSB([x], [1.0, 2.0])
    with pytest.raises(TypeError, match=r"returns residuals as a tensor, got float"):
        optim.LevenbergMarquardt([x]).step(lambda: 1.0)
    with pytest.raises(ValueError, match=r"damping must be in \(0, inf\)"):
        optim.LevenbergMarquardt([x], damping=0.0)
