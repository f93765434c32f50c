"""torch.utils.checkpoint: parts that backward computes again."""

import warnings

import pytest


def _network(torch, *more):
    torch.manual_seed(0)
    nn = torch.nn
    return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 4), nn.Sigmoid(), *more).double()


def _gradients(torch, run, model, x):
    x.grad = None
    model.zero_grad()
    run(x).sum().backward()
    return [x.grad, *(p.grad for p in model.parameters())]


def _equal(first, second):
    return all((a - b).abs().max() < 1e-14 for a, b in zip(first, second, strict=True))


def _input(torch):
    torch.manual_seed(1)
    return torch.randn(3, 4, dtype=torch.float64).requires_grad_()


def _check_gradients(torch, use_reentrant):
    model, x = _network(torch), _input(torch)
    expected = _gradients(torch, model, model, x)
    run = lambda x: torch.utils.checkpoint.checkpoint(  # noqa: E731
        model, x, use_reentrant=use_reentrant
    )
    assert _equal(_gradients(torch, run, model, x), expected)


def check_gradients_are_those_without_checkpoint(torch):
    _check_gradients(torch, False)


def check_gradients_of_the_reentrant_variant_are_those_without_checkpoint(torch):
    _check_gradients(torch, True)


def check_the_function_runs_once_more_in_backward(torch):
    for use_reentrant in (True, False):
        calls = []
        f = lambda x: calls.append(1) or x.exp().sin()  # noqa: B023, E731
        y = torch.utils.checkpoint.checkpoint(f, _input(torch), use_reentrant=use_reentrant)
        assert len(calls) == 1
        y.sum().backward()
        assert len(calls) == 2


def check_forward_saves_nothing_of_the_function(torch):
    seen = []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t)
    x = _input(torch)
    with hooks:
        torch.utils.checkpoint.checkpoint(
            lambda x: x.exp().sin().exp().sin(), x, use_reentrant=False
        )
    assert len(seen) <= 1


def check_keyword_arguments_and_structures_are_handed_on(torch):
    def f(pair, *, scale, options):
        return {"sum": (pair[0] * scale + pair[1] ** 2, options["power"])}

    x, y = _input(torch), _input(torch)
    result = torch.utils.checkpoint.checkpoint(
        f, (x, y), scale=3.0, options={"power": 2}, use_reentrant=False
    )
    out, power = result["sum"]
    assert power == 2
    out.sum().backward()
    assert torch.equal(y.grad, 2 * y.detach())
    assert (x.grad == 3).all()


def check_the_reentrant_variant_refuses_keyword_arguments(torch):
    with pytest.raises(ValueError, match="Unexpected keyword arguments: scale"):
        torch.utils.checkpoint.checkpoint(
            lambda x, scale: x * scale, _input(torch), scale=2, use_reentrant=True
        )


def check_random_numbers_are_drawn_again_the_same(torch):
    for use_reentrant in (True, False):
        x, masks = torch.ones(1000, requires_grad=True), []

        def f(x):
            y = torch.nn.functional.dropout(x.exp(), 0.5)
            masks.append(y.detach() != 0)  # noqa: B023
            return y

        y = torch.utils.checkpoint.checkpoint(lambda x: f(x).exp(), x, use_reentrant=use_reentrant)
        torch.rand(3)
        y.sum().backward()
        assert torch.equal(masks[0], masks[1])
        assert torch.equal(x.grad != torch.zeros(1000), masks[0])


def check_the_stream_goes_on_as_if_nothing_was_drawn_again(torch):
    x = _input(torch)
    torch.manual_seed(5)
    y = torch.utils.checkpoint.checkpoint(
        lambda x: torch.nn.functional.dropout(x, 0.5).exp(), x, use_reentrant=False
    )
    state = torch.get_rng_state()
    y.sum().backward()
    assert torch.equal(torch.get_rng_state(), state)


def check_without_preserve_rng_state_other_numbers_are_drawn(torch):
    x, masks = torch.ones(1000, requires_grad=True), []

    def f(x):
        y = torch.nn.functional.dropout(x.exp(), 0.5)
        masks.append(y.detach())
        return y.exp()

    y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False, preserve_rng_state=False)
    y.sum().backward()
    assert not torch.equal(masks[0], masks[1])


def check_autograd_grad_works_through_a_checkpoint(torch):
    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False)
    (g,) = torch.autograd.grad(y.sum(), x)
    (expected,) = torch.autograd.grad(x.exp().sin().sum(), x)
    assert torch.equal(g, expected)


def check_the_reentrant_variant_refuses_autograd_grad(torch):
    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=True)
    with pytest.raises(RuntimeError, match="is incompatible"):
        torch.autograd.grad(y.sum(), x)


def check_a_gradient_through_a_checkpoint_can_be_differentiated_again(torch):
    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: (x**3).sin(), x, use_reentrant=False)
    (g,) = torch.autograd.grad(y.sum(), x, create_graph=True)
    (second,) = torch.autograd.grad(g.sum(), x)
    (g,) = torch.autograd.grad((x**3).sin().sum(), x, create_graph=True)
    (expected,) = torch.autograd.grad(g.sum(), x)
    assert (second - expected).abs().max() < 1e-12


def check_backward_twice_with_retain_graph(torch):
    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint(lambda x: x.exp().sin(), x, use_reentrant=False).sum()
    y.backward(retain_graph=True)
    once = x.grad.clone()
    y.backward()
    assert torch.equal(x.grad, 2 * once)


def check_checkpoints_nest(torch):
    x, w = _input(torch), _input(torch)
    checkpoint = torch.utils.checkpoint.checkpoint
    inner = lambda x: (x * w).sin().exp()  # noqa: E731
    outer = lambda x: checkpoint(inner, x.cos(), use_reentrant=False).tanh()  # noqa: E731
    (checkpoint(outer, x.exp(), use_reentrant=False) ** 2).sum().backward()
    found = x.grad, w.grad
    x.grad = w.grad = None
    ((x.exp().cos() * w).sin().exp().tanh() ** 2).sum().backward()
    assert _equal(found, (x.grad, w.grad))


def check_parameters_get_gradients_where_the_input_needs_none(torch):
    model, x = _network(torch), _input(torch).detach()
    torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False).sum().backward()
    assert all(p.grad is not None for p in model.parameters())


def check_two_checkpoints_of_one_model_add_up(torch):
    model, x = _network(torch), _input(torch)
    run = lambda x: torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False)  # noqa: E731
    found = _gradients(torch, lambda x: run(run(x)), model, x)
    assert _equal(found, _gradients(torch, lambda x: model(model(x)), model, x))


def check_an_operation_in_place_inside_a_checkpoint(torch):
    x, w = _input(torch), _input(torch)

    def f(x):
        y = x * 2
        y.mul_(w)
        y.sigmoid_()
        return y.exp()

    torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False).sum().backward()
    found = x.grad, w.grad
    x.grad = w.grad = None
    f(x).sum().backward()
    assert _equal(found, (x.grad, w.grad))


def check_under_no_grad_a_checkpoint_is_a_call(torch):
    calls, x = [], _input(torch)
    f = lambda x: calls.append(1) or x.exp()  # noqa: E731
    with torch.no_grad():
        y = torch.utils.checkpoint.checkpoint(f, x, use_reentrant=False)
    assert not y.requires_grad
    assert len(calls) == 1


def check_use_reentrant_left_out_warns(torch):
    with pytest.warns(UserWarning, match="use_reentrant parameter should be passed explicitly"):
        y = torch.utils.checkpoint.checkpoint(torch.exp, _input(torch))
    assert "Checkpoint" in y.grad_fn.name()


def _check_sequential(torch, segments, use_reentrant):
    more = [torch.nn.Linear(4, 4).double(), torch.nn.Tanh(), torch.nn.Linear(4, 4).double()]
    model, x = _network(torch, *more), _input(torch)
    expected = _gradients(torch, model, model, x)

    def run(x):
        return torch.utils.checkpoint.checkpoint_sequential(
            model, segments, x, use_reentrant=use_reentrant
        )

    assert _equal(_gradients(torch, run, model, x), expected)


def check_sequential_gives_the_same_gradients(torch):
    for segments in (1, 2, 3, 7):
        _check_sequential(torch, segments, False)


def check_sequential_gives_the_same_gradients_with_the_reentrant_variant(torch):
    for segments in (1, 2, 3, 7):
        _check_sequential(torch, segments, True)


def check_sequential_takes_a_list_of_functions(torch):
    x = _input(torch)
    y = torch.utils.checkpoint.checkpoint_sequential(
        [torch.exp, torch.sin, torch.tanh], 2, x, use_reentrant=False
    )
    assert torch.equal(y, x.exp().sin().tanh())


def check_sequential_leaves_the_last_part_as_it_is(torch):
    calls = []
    functions = [lambda x, i=i: calls.append(i) or x.exp() for i in range(4)]
    x = torch.zeros(2, requires_grad=True)
    y = torch.utils.checkpoint.checkpoint_sequential(functions, 2, x, use_reentrant=False)
    y.sum().backward()
    assert calls[:4] == [0, 1, 2, 3]
    assert set(calls[4:]) <= {0, 1}


def check_a_module_with_dropout_trains_under_a_checkpoint(torch):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Linear(4, 64), torch.nn.Dropout(0.5), torch.nn.ReLU())
    x = torch.ones(2, 4)
    torch.manual_seed(7)
    torch.utils.checkpoint.checkpoint(model, x, use_reentrant=False).sum().backward()
    found = model[0].weight.grad.clone()
    model.zero_grad()
    torch.manual_seed(7)
    model(x).sum().backward()
    assert torch.equal(found, model[0].weight.grad)


def check_hooks_around_a_checkpoint_hold_its_argument(torch):
    x, seen = _input(torch), []
    hooks = torch.autograd.graph.saved_tensors_hooks(
        lambda t: seen.append(1) or t.detach().clone(), lambda t: t
    )
    with hooks:
        y = x.exp()
        z = torch.utils.checkpoint.checkpoint(lambda y: y.sin().exp(), y, use_reentrant=False)
    z.sum().backward()
    found = x.grad
    x.grad = None
    x.exp().sin().exp().sum().backward()
    assert (found - x.grad).abs().max() < 1e-14
    assert seen


def check_reentrant_without_inputs_that_require_grad_warns_or_gives_none(torch):
    with warnings.catch_warnings(action="ignore"):
        y = torch.utils.checkpoint.checkpoint(torch.exp, torch.ones(2), use_reentrant=True)
    assert not y.requires_grad


def check_detach_variable_keeps_requires_grad(torch):
    x, other = torch.utils.checkpoint.detach_variable((_input(torch), 3))
    assert x.requires_grad
    assert x.is_leaf
    assert other == 3
