"""torch.func along tangents: jvp, linearize, jacfwd, hessian, and how they nest."""

import warnings

import pytest


def _x(torch):
    return torch.tensor([1.0, 2.0], dtype=torch.float64)


def _t(torch):
    return torch.tensor([3.0, 4.0], dtype=torch.float64)


def _near(torch, first, second):
    return torch.allclose(first, second, rtol=1e-10, atol=1e-12)


def _linearize(torch, function, x):
    with warnings.catch_warnings(action="ignore"):
        return torch.func.linearize(function, x)


def check_jvp_gives_the_output_and_its_tangent(torch):
    out, along = torch.func.jvp(torch.sin, (_x(torch),), (_t(torch),))
    assert _near(torch, out, _x(torch).sin())
    assert _near(torch, along, _x(torch).cos() * _t(torch))


def check_jvp_of_several_arguments(torch):
    f = lambda x, y: x * y  # noqa: E731
    x, t = _x(torch), _t(torch)
    _, along = torch.func.jvp(f, (x, t), (t, x))
    assert torch.equal(along, t * t + x * x)


def check_jvp_of_structures(torch):
    f = lambda tree: {"sum": tree["a"] + tree["b"], "pair": (tree["a"] * 2,)}  # noqa: E731
    x, t = _x(torch), _t(torch)
    out, along = torch.func.jvp(f, ({"a": x, "b": t},), ({"a": t, "b": x},))
    assert torch.equal(out["sum"], x + t)
    assert torch.equal(along["sum"], x + t)
    assert torch.equal(along["pair"][0], 2 * t)


def check_jvp_with_aux(torch):
    f = lambda x: (x * 2, x * 3)  # noqa: E731
    _, along, aux = torch.func.jvp(f, (_x(torch),), (_t(torch),), has_aux=True)
    assert torch.equal(along, 2 * _t(torch))
    assert torch.equal(aux, 3 * _x(torch))


def check_jvp_of_an_output_that_does_not_depend_is_zero(torch):
    _, along = torch.func.jvp(lambda x: torch.ones(3), (_x(torch),), (_t(torch),))
    assert along.tolist() == [0, 0, 0]


def check_strict_jvp_refuses_an_output_that_does_not_depend(torch):
    with pytest.raises(RuntimeError, match="independent of"):
        torch.func.jvp(lambda x: torch.ones(3), (_x(torch),), (_t(torch),), strict=True)


def check_jvp_wants_tuples(torch):
    with pytest.raises(RuntimeError, match="Expected primals to be a tuple"):
        torch.func.jvp(torch.sin, _x(torch), (_t(torch),))
    with pytest.raises(RuntimeError, match=r"jvp\(f, primals, tangents\): Expected"):
        torch.func.jvp(torch.sin, (_x(torch),), _t(torch))


def check_jvp_wants_the_same_structure(torch):
    with pytest.raises(RuntimeError, match="same python structure"):
        torch.func.jvp(torch.sin, (_x(torch),), (_t(torch), _t(torch)))


def check_jvp_wants_tensors(torch):
    with pytest.raises(RuntimeError, match="Expected tangents to only contain Tensors"):
        torch.func.jvp(torch.sin, (_x(torch),), (3.0,))
    with pytest.raises(RuntimeError, match="at least one Tensor"):
        torch.func.jvp(lambda: torch.ones(1), (), ())


def check_jvp_of_integers_is_refused(torch):
    ints = torch.ones(2, dtype=torch.int64)
    with pytest.raises(ValueError, match="Expected primal to be floating point"):
        torch.func.jvp(lambda x: x * 2, (ints,), (_t(torch),))


def check_jvp_of_jvp_is_the_second_derivative(torch):
    def first(x):
        return torch.func.jvp(lambda x: x**3, (x,), (torch.ones_like(x),))[1]

    _, second = torch.func.jvp(first, (_x(torch),), (torch.ones_like(_x(torch)),))
    assert _near(torch, second, 6 * _x(torch))


def check_tangents_of_two_levels_are_not_confused(torch):
    # d/dx (x * d/dy (x + y)) is 1: the inner derivative is 1, whatever x carries
    def outer(x):
        inner = torch.func.jvp(lambda y: x + y, (torch.ones_like(x),), (torch.ones_like(x),))[1]
        return x * inner

    _, along = torch.func.jvp(outer, (_x(torch),), (torch.ones_like(_x(torch)),))
    assert along.tolist() == [1, 1]


def check_grad_of_jvp(torch):
    def f(x):
        return torch.func.jvp(lambda x: x**3, (x,), (_t(torch),))[1].sum()

    assert _near(torch, torch.func.grad(f)(_x(torch)), 6 * _x(torch) * _t(torch))


def check_jvp_of_grad(torch):
    g = torch.func.grad(lambda x: (x**3).sum())
    out, along = torch.func.jvp(g, (_x(torch),), (_t(torch),))
    assert _near(torch, out, 3 * _x(torch) ** 2)
    assert _near(torch, along, 6 * _x(torch) * _t(torch))


def check_jvp_of_vjp(torch):
    def f(x):
        _, pull = torch.func.vjp(torch.sin, x)
        return pull(torch.ones_like(x))[0]

    _, along = torch.func.jvp(f, (_x(torch),), (_t(torch),))
    assert _near(torch, along, -_x(torch).sin() * _t(torch))


def check_jvp_under_vmap(torch):
    f = lambda t: torch.func.jvp(torch.sin, (_x(torch),), (t,))[1]  # noqa: E731
    rows = torch.eye(2, dtype=torch.float64)
    found = torch.func.vmap(f)(rows)
    assert _near(torch, found, torch.diag(_x(torch).cos()))


def check_vmap_under_jvp(torch):
    f = torch.func.vmap(lambda x: x.sin() * 2)
    _, along = torch.func.jvp(f, (_x(torch),), (_t(torch),))
    assert _near(torch, along, 2 * _x(torch).cos() * _t(torch))


def check_a_result_of_jvp_is_recorded_outside(torch):
    x = _x(torch).requires_grad_()
    out, along = torch.func.jvp(lambda x: x**3, (x,), (_t(torch),))
    (g,) = torch.autograd.grad((out + along).sum(), x)
    assert _near(torch, g, 3 * _x(torch) ** 2 + 6 * _x(torch) * _t(torch))


def check_linearize_gives_the_output_and_a_linear_function(torch):
    out, along = _linearize(torch, torch.sin, _x(torch))
    assert _near(torch, out, _x(torch).sin())
    for t in (_t(torch), -_t(torch)):
        assert _near(torch, along(t), _x(torch).cos() * t)


def check_linearize_evaluates_once(torch):
    calls = []

    def f(x):
        calls.append(1)
        return x.sin()

    _, along = _linearize(torch, f, _x(torch))
    before = len(calls)
    along(_t(torch))
    along(_t(torch))
    assert len(calls) == before


def check_linearize_refuses_other_tangents(torch):
    _, along = _linearize(torch, torch.sin, _x(torch))
    with pytest.raises(RuntimeError, match="to have the same argspec as the primals"):
        along(_t(torch), _t(torch))
    with pytest.raises(RuntimeError, match="doesn't match the shape"):
        along(torch.ones(3, dtype=torch.float64))


def check_jacfwd_is_jacrev(torch):
    f = lambda x: torch.stack([x.prod(), x.sin().sum(), x[0]])  # noqa: E731
    forward, reverse = torch.func.jacfwd(f)(_x(torch)), torch.func.jacrev(f)(_x(torch))
    assert forward.shape == (3, 2)
    assert _near(torch, forward, reverse)


def check_a_hessian(torch):
    f = lambda x: (x**3).sum() + x.prod()  # noqa: E731
    found = torch.func.hessian(f)(_x(torch))
    assert _near(torch, found, torch.diag(6 * _x(torch)) + torch.eye(2).flip(0).double())


def check_functional_jvp(torch):
    out, along = torch.autograd.functional.jvp(torch.sin, _x(torch), _t(torch))
    assert _near(torch, out, _x(torch).sin())
    assert _near(torch, along, _x(torch).cos() * _t(torch))
    assert not along.requires_grad


def check_functional_jvp_can_be_differentiated(torch):
    x = _x(torch).requires_grad_()
    f = lambda x: x**3  # noqa: E731
    _, along = torch.autograd.functional.jvp(f, x, _t(torch), create_graph=True)
    (g,) = torch.autograd.grad(along.sum(), x)
    assert _near(torch, g, 6 * _x(torch) * _t(torch))


def check_functional_jvp_of_several_inputs(torch):
    f = lambda x, y: (x * y, x + y)  # noqa: E731
    x, t = _x(torch), _t(torch)
    _, (product, total) = torch.autograd.functional.jvp(f, (x, t), (t, x))
    assert _near(torch, product, t * t + x * x)
    assert torch.equal(total, x + t)


def check_strict_functional_jvp_refuses_independence(torch):
    with pytest.raises(RuntimeError, match="strict mode"):
        torch.autograd.functional.jvp(
            lambda x: torch.ones(2, dtype=torch.float64), _x(torch), _t(torch), strict=True
        )


def check_functional_jacobian_by_forward_mode(torch):
    f = lambda x: torch.stack([x.prod(), x.sin().sum(), x[0]])  # noqa: E731
    found = torch.autograd.functional.jacobian(
        f, _x(torch), strategy="forward-mode", vectorize=True
    )
    assert _near(torch, found, torch.autograd.functional.jacobian(f, _x(torch)))
