"""Forward mode: changes in place, views, reverse mode, Functions, gradcheck."""

import pytest


def _x(torch):
    return torch.tensor([1.0, 2.0], dtype=torch.float64)


def _t(torch):
    return torch.tensor([3.0, 4.0], dtype=torch.float64)


def _fw(torch):
    return torch.autograd.forward_ad


def _tangent(torch, function):
    with _fw(torch).dual_level():
        return _fw(torch).unpack_dual(function(_fw(torch).make_dual(_x(torch), _t(torch)))).tangent


# --- in place and views ---------------------------------------------------------------------


def _pair(torch, function):
    """The tensor and the tangent after `function(dual)`, which gives the tensor to look at."""
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(_x(torch), _t(torch))
        return tuple(v.tolist() for v in _fw(torch).unpack_dual(function(dual)))


def check_a_change_in_place_changes_the_tangent(torch):
    assert _pair(torch, lambda x: x.mul_(2)) == ([2, 4], [6, 8])


def check_a_change_in_place_under_no_grad_changes_the_tangent(torch):
    with torch.no_grad():
        assert _pair(torch, lambda x: x.mul_(2)) == ([2, 4], [6, 8])


def check_zeroing_in_place_zeroes_the_tangent(torch):
    assert _pair(torch, lambda x: x.zero_()) == ([0, 0], [0, 0])


def check_a_plain_tensor_takes_a_tangent_in_place(torch):
    assert _pair(torch, lambda x: torch.zeros(2, dtype=torch.float64).copy_(x)) == ([1, 2], [3, 4])
    assert _pair(torch, lambda x: torch.ones(2, dtype=torch.float64).add_(x)) == ([2, 3], [3, 4])


def check_an_assignment_takes_the_tangent(torch):
    def assign(x):
        y = torch.zeros(2, dtype=torch.float64)
        y[0] = x[1]
        return y

    assert _pair(torch, assign) == ([2, 0], [4, 0])


def check_a_change_through_a_view_reaches_the_base(torch):
    def change(x):
        y = torch.zeros(3, dtype=torch.float64)
        y[1:].copy_(x)
        return y

    assert _pair(torch, change) == ([0, 1, 2], [0, 3, 4])


def check_a_change_through_a_dual_view_reaches_the_base(torch):
    def change(x):
        x[0].mul_(10)
        return x

    assert _pair(torch, change) == ([10, 2], [30, 4])


def check_a_view_sees_a_change_of_its_base(torch):
    def change(x):
        view = x[1]
        x.mul_(2)
        return view

    assert _pair(torch, change) == (4, 8)


def check_a_tangent_is_not_changed_with_that_of_another_tensor(torch):
    def change(x):
        y = x + 1
        y.mul_(5)
        return x

    assert _pair(torch, change) == ([1, 2], [3, 4])


# --- with reverse mode ----------------------------------------------------------------------


def check_the_tangent_of_a_gradient_is_a_hessian_vector_product(torch):
    x = _x(torch).requires_grad_()
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(x, _t(torch))
        (g,) = torch.autograd.grad((dual**3).sum(), dual)
        found = _fw(torch).unpack_dual(g)
    assert torch.allclose(found.primal, 3 * _x(torch) ** 2)
    assert torch.allclose(found.tangent, 6 * _x(torch) * _t(torch))


def check_the_gradient_of_a_tangent(torch):
    x = _x(torch).requires_grad_()
    with _fw(torch).dual_level():
        out = _fw(torch).make_dual(x, _t(torch)) ** 3
        tangent = _fw(torch).unpack_dual(out).tangent
    (g,) = torch.autograd.grad(tangent.sum(), x)
    assert torch.allclose(g, 6 * _x(torch) * _t(torch))


def check_the_gradient_with_respect_to_the_tangent(torch):
    t = _t(torch).requires_grad_()
    with _fw(torch).dual_level():
        out = _fw(torch).make_dual(_x(torch), t) ** 2
        tangent = _fw(torch).unpack_dual(out).tangent
    (g,) = torch.autograd.grad(tangent.sum(), t)
    assert torch.equal(g, 2 * _x(torch))


# --- Functions ------------------------------------------------------------------------------


def _power(torch):
    class Power(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x, n):
            ctx.save_for_forward(x)
            ctx.n = n
            return x**n

        @staticmethod
        def jvp(ctx, x_tangent, n_tangent):
            assert n_tangent is None
            (x,) = ctx.saved_tensors
            return ctx.n * x ** (ctx.n - 1) * x_tangent

    return Power


def check_a_function_gives_its_own_tangent(torch):
    found = _tangent(torch, lambda x: _power(torch).apply(x, 3))
    assert torch.allclose(found, 3 * _x(torch) ** 2 * _t(torch))


def check_operations_inside_a_function_give_no_tangent(torch):
    class Twice(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def jvp(ctx, t):
            return t * 100

    assert torch.equal(_tangent(torch, Twice.apply), 100 * _t(torch))


def check_a_functions_tangent_has_its_outputs_size(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def jvp(ctx, t):
            return torch.ones(5, dtype=torch.float64)

    with pytest.raises(RuntimeError, match="has a different size than that of the original"):
        _tangent(torch, Wrong.apply)


def check_a_function_without_any_rule_is_refused(torch):
    class Bare(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

    with pytest.raises(NotImplementedError, match="You must implement"):
        _tangent(torch, Bare.apply)


# --- gradcheck ------------------------------------------------------------------------------


def check_gradcheck_checks_forward_mode(torch):
    x = _x(torch).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: (x**2, x.sin()), x, check_forward_ad=True)


def check_gradcheck_finds_a_wrong_jvp(torch):
    class Wrong(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            return x * 2

        @staticmethod
        def backward(ctx, g):
            return g * 2

        @staticmethod
        def jvp(ctx, t):
            return t * 3

    x = _x(torch).requires_grad_()
    assert torch.autograd.gradcheck(Wrong.apply, x)
    with pytest.raises(RuntimeError):
        torch.autograd.gradcheck(Wrong.apply, x, check_forward_ad=True)
    with pytest.raises(RuntimeError):
        torch.autograd.gradcheck(Wrong.apply, x, check_forward_ad=True, check_backward_ad=False)


def check_gradgradcheck_checks_forward_over_reverse(torch):
    x = _x(torch).requires_grad_()
    assert torch.autograd.gradgradcheck(lambda x: x**3, x, check_fwd_over_rev=True)


def check_gradcheck_wants_a_mode_to_check(torch):
    x = _x(torch).requires_grad_()
    with pytest.raises((AssertionError, ValueError)):
        torch.autograd.gradcheck(torch.sin, x, check_backward_ad=False)
