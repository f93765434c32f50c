"""Forward mode: dual levels, and tangents through operations."""

import pytest


def _x(torch):
    return torch.tensor([1.0, 2.0], dtype=torch.float64)


def _t(torch):
    return torch.tensor([3.0, 4.0], dtype=torch.float64)


def _fw(torch):
    return torch.autograd.forward_ad


# --- levels ---------------------------------------------------------------------------------


def check_dual_tensors_need_a_level(torch):
    with pytest.raises(RuntimeError, match="no level exists"):
        _fw(torch).make_dual(_x(torch), _t(torch))


def check_unpacking_outside_a_level_gives_no_tangent(torch):
    x = _x(torch)
    primal, tangent = _fw(torch).unpack_dual(x)
    assert primal is x
    assert tangent is None


def check_levels_do_not_nest(torch):
    with (
        _fw(torch).dual_level(),
        pytest.raises(RuntimeError, match="Nested forward mode AD is not supported"),
    ):
        _fw(torch).enter_dual_level()


def check_the_level_has_the_number_0(torch):
    assert _fw(torch).enter_dual_level() == 0
    _fw(torch).exit_dual_level()
    with _fw(torch).dual_level() as level:
        assert level == 0


def check_a_level_that_is_not_open_cannot_be_left(torch):
    with pytest.raises(RuntimeError):
        _fw(torch).exit_dual_level()


def check_a_level_ends_when_its_block_raises(torch):
    with pytest.raises(ZeroDivisionError), _fw(torch).dual_level():
        raise ZeroDivisionError
    with _fw(torch).dual_level():
        pass


def check_tangents_are_gone_after_the_level(torch):
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(_x(torch), _t(torch))
    assert _fw(torch).unpack_dual(dual).tangent is None
    with _fw(torch).dual_level():
        assert _fw(torch).unpack_dual(dual * 2).tangent is None


def check_a_dual_tensor_shares_memory_and_hands_back_its_tangent(torch):
    x, t = _x(torch), _t(torch)
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(x, t)
        assert dual is not x
        assert dual.data_ptr() == x.data_ptr()
        assert _fw(torch).unpack_dual(dual).tangent is t
        assert _fw(torch).unpack_dual(x).tangent is None


def check_unpacking_gives_a_named_tuple(torch):
    with _fw(torch).dual_level():
        found = _fw(torch).unpack_dual(_fw(torch).make_dual(_x(torch), _t(torch)))
    assert isinstance(found, _fw(torch).UnpackedDualTensor)
    assert found._fields == ("primal", "tangent")


def check_a_tensor_has_one_tangent_at_a_level(torch):
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(_x(torch), _t(torch))
        with pytest.raises(RuntimeError, match="already has a forward gradient at the same level"):
            _fw(torch).make_dual(dual, _t(torch))


def check_a_tangent_has_its_tensors_size(torch):
    with (
        _fw(torch).dual_level(),
        pytest.raises(RuntimeError, match="has a different size than that of the original"),
    ):
        _fw(torch).make_dual(_x(torch), torch.ones(3, dtype=torch.float64))


def check_tensor_and_tangent_are_floating(torch):
    with _fw(torch).dual_level():
        with pytest.raises(ValueError, match="Expected primal to be floating point"):
            _fw(torch).make_dual(torch.ones(2, dtype=torch.int64), _t(torch))
        with pytest.raises(ValueError, match="Expected tangent to be floating point"):
            _fw(torch).make_dual(_x(torch), torch.ones(2, dtype=torch.int64))


# --- operations -----------------------------------------------------------------------------


def _tangent(torch, function, x=None, t=None):
    x, t = (_x(torch), _t(torch)) if x is None else (x, t)
    with _fw(torch).dual_level():
        return _fw(torch).unpack_dual(function(_fw(torch).make_dual(x, t))).tangent


def check_an_elementwise_operation(torch):
    assert torch.allclose(_tangent(torch, torch.sin), _x(torch).cos() * _t(torch))


def check_a_product_of_two_dual_tensors(torch):
    assert torch.equal(_tangent(torch, lambda x: x * x), 2 * _x(torch) * _t(torch))


def check_a_number_has_no_tangent(torch):
    assert torch.equal(_tangent(torch, lambda x: 3 - x * 2), -2 * _t(torch))


def check_a_tangent_is_spread_like_its_tensor(torch):
    ones = torch.ones(3, 2, dtype=torch.float64)
    assert torch.equal(_tangent(torch, lambda x: x + ones), _t(torch).expand(3, 2))


def check_a_tangent_is_summed_like_its_tensor(torch):
    assert _tangent(torch, torch.sum).item() == 7


def check_a_matrix_product(torch):
    w = torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64)
    assert torch.allclose(_tangent(torch, lambda x: w @ x), w @ _t(torch))


def check_softmax(torch):
    x, t = _x(torch), _t(torch)
    y = x.softmax(0)
    found = _tangent(torch, lambda x: x.softmax(0))
    assert torch.allclose(found, y * (t - (y * t).sum()))


def check_integers_have_no_tangent(torch):
    assert _tangent(torch, lambda x: x.argmax()) is None
    assert _tangent(torch, lambda x: x.long()) is None
    assert _tangent(torch, lambda x: x > 1) is None


def check_a_cast_keeps_the_tangent(torch):
    found = _tangent(torch, lambda x: x.float())
    assert found.dtype == torch.float32
    assert found.tolist() == [3, 4]


def check_detached_tensors_and_data_have_no_tangent(torch):
    assert _tangent(torch, lambda x: x.detach()) is None
    assert _tangent(torch, lambda x: x.data) is None


def check_tangents_pass_under_no_grad(torch):
    with torch.no_grad():
        assert torch.equal(_tangent(torch, lambda x: x * 2), 2 * _t(torch))


def check_what_is_not_dual_gives_no_tangent(torch):
    with _fw(torch).dual_level():
        _fw(torch).make_dual(_x(torch), _t(torch))
        assert _fw(torch).unpack_dual(_x(torch).sin()).tangent is None


def check_a_concatenation_of_dual_and_plain(torch):
    found = _tangent(torch, lambda x: torch.cat([x, _x(torch)]))
    assert found.tolist() == [3, 4, 0, 0]


def check_an_index_picks_the_tangent(torch):
    assert _tangent(torch, lambda x: x[1]).item() == 4


def check_where_picks_the_tangent(torch):
    assert _tangent(torch, lambda x: torch.where(x > 1.5, x, x * 0)).tolist() == [0, 4]


def check_maxima_pick_the_tangent(torch):
    assert _tangent(torch, lambda x: x.max(0).values).item() == 4
    assert _tangent(torch, lambda x: x.sort(descending=True).values).tolist() == [4, 3]


def check_a_determinant(torch):
    a = torch.tensor([[2.0, 1.0], [1.0, 3.0]], dtype=torch.float64)
    found = _tangent(torch, torch.linalg.det, a, torch.eye(2, dtype=torch.float64))
    assert abs(found.item() - 5) < 1e-12


def check_a_module_with_dual_parameters(torch):
    torch.manual_seed(0)
    layer = torch.nn.Linear(2, 2).double()
    x, direction = _x(torch), torch.eye(2, dtype=torch.float64)
    with _fw(torch).dual_level():
        dual = _fw(torch).make_dual(layer.weight.detach(), direction)
        out = torch.func.functional_call(layer, {"weight": dual, "bias": layer.bias}, x)
        assert torch.allclose(_fw(torch).unpack_dual(out).tangent, x)


def check_a_network_has_the_tangent_of_its_jacobian(torch):
    torch.manual_seed(0)
    nn = torch.nn
    model = nn.Sequential(nn.Linear(2, 5), nn.Tanh(), nn.LayerNorm(5), nn.Linear(5, 3)).double()
    jacobian = torch.autograd.functional.jacobian(model, _x(torch))
    assert torch.allclose(_tangent(torch, model), jacobian @ _t(torch))
