"""`autograd.Function`: contexts, outputs that are inputs or views, errors and double backward."""

import pytest


def leaf(torch, *numbers):
    return torch.tensor(numbers or (1.0, 2.0, 3.0), requires_grad=True)


def function(torch, forward, backward=None, **members):
    members["forward"] = staticmethod(forward)
    if backward is not None:
        members["backward"] = staticmethod(backward)
    return type("Made", (torch.autograd.Function,), members)


def gradient(torch, output, x):
    return torch.autograd.grad(output.sum(), x)[0].tolist()


def doubled_in_place(torch):
    def forward(ctx, x):
        x.mul_(2)
        ctx.mark_dirty(x)
        return x

    return function(torch, forward, lambda ctx, g: g * 2)


# --- changed inputs -------------------------------------------------------------------------------


def check_a_dirty_input_is_the_output(torch):
    x = leaf(torch)
    y = x * 1
    assert doubled_in_place(torch).apply(y) is y
    assert gradient(torch, y, x) == [2, 2, 2]


def check_a_dirty_view_is_recorded_on_its_base(torch):
    x = leaf(torch)
    y = x * 1
    doubled_in_place(torch).apply(y[:2])
    assert y.tolist() == [2, 4, 3]
    assert gradient(torch, y, x) == [2, 2, 1]


def check_a_sibling_of_a_dirty_view_follows(torch):
    x = leaf(torch)
    y = x * 1
    sibling = y[1:]
    doubled_in_place(torch).apply(y[:2])
    assert gradient(torch, sibling, x) == [0, 2, 1]


def check_a_dirty_input_must_be_returned(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2) * 1

    made = function(torch, forward, lambda ctx, g: g)
    for x in (leaf(torch) * 1, torch.ones(2)):
        with pytest.raises(RuntimeError, match="marked as dirty during the forward method were n"):
            made.apply(x)


def check_a_dirty_leaf_is_refused(torch):
    with pytest.raises(RuntimeError, match="a leaf Variable that requires grad"):
        doubled_in_place(torch).apply(leaf(torch))


def check_a_dirty_view_has_one_output(torch):
    def forward(ctx, x):
        ctx.mark_dirty(x)
        return x.mul_(2), x * 3

    made = function(torch, forward, lambda ctx, g, h: g)
    with pytest.raises(RuntimeError, match="Function cannot return more than one Tensor"):
        made.apply((leaf(torch) * 1)[:2])


def check_a_dirty_input_raises_its_version(torch):
    x = torch.ones(2)
    assert doubled_in_place(torch).apply(x) is x
    assert x._version == 2


# --- views and inputs as outputs ------------------------------------------------------------------


def first_two(torch):
    return function(torch, lambda ctx, x: x[:2], lambda ctx, g: torch.cat([g * 10, g[:1]]))


def check_a_returned_view_has_the_function_s_gradient(torch):
    x = leaf(torch)
    assert gradient(torch, first_two(torch).apply(x * 1), x) == [10, 10, 1]


def check_a_returned_view_is_not_changed(torch):
    view = first_two(torch).apply(leaf(torch) * 1)
    with pytest.raises(
        RuntimeError, match=r"is a view and is being modified inplace\. This view was"
    ):
        view.mul_(2)


def check_a_view_of_a_returned_view_is_not_changed(torch):
    view = first_two(torch).apply(leaf(torch) * 1)[:1]
    with pytest.raises(RuntimeError, match="created inside a custom Function"):
        view.mul_(2)


def check_a_returned_view_is_lost_when_its_base_changes(torch):
    y = leaf(torch) * 1
    view = first_two(torch).apply(y)
    y.mul_(2)
    with pytest.raises(
        RuntimeError, match="its base or another view of its base has been modified"
    ):
        view.sum()


def check_a_returned_view_of_plain_tensors_changes(torch):
    x = torch.ones(3)
    first_two(torch).apply(x).mul_(2)
    assert x.tolist() == [2, 2, 1]


def check_an_input_returned_as_it_is_becomes_a_view(torch):
    same = function(torch, lambda ctx, x: x, lambda ctx, g: g * 5)
    x = leaf(torch)
    y = same.apply(x)
    assert y is not x
    assert gradient(torch, y, x) == [5, 5, 5]
    with pytest.raises(RuntimeError, match="input was returned as-is"):
        y.mul_(2)


# --- how it is called -----------------------------------------------------------------------------


def check_apply_hands_keywords_to_forward(torch):
    made = function(torch, lambda ctx, x, b=2: x * b, lambda ctx, g: (g * 7, None))
    x = leaf(torch)
    assert made.apply(x, b=3).tolist() == [3, 6, 9]
    assert made.apply(x).tolist() == [2, 4, 6]


def check_apply_refuses_unknown_keywords(torch):
    made = function(torch, lambda ctx, x: x * 2, lambda ctx, g: g)
    with pytest.raises(TypeError, match="unexpected keyword argument 'c'"):
        made.apply(leaf(torch), c=3)


def check_setup_context_gets_defaults_as_inputs(torch):
    seen = []
    made = function(
        torch,
        lambda x, k=4.0: x * k,
        lambda ctx, g: (g * ctx.k, None),
        setup_context=staticmethod(
            lambda ctx, inputs, output: (seen.append(len(inputs)), setattr(ctx, "k", inputs[1]))
        ),
    )
    x = leaf(torch)
    assert gradient(torch, made.apply(x), x) == [4, 4, 4]
    assert gradient(torch, made.apply(x, k=5.0), x) == [5, 5, 5]
    assert seen == [2, 2]


def check_vjp_is_another_name_of_backward(torch):
    made = function(torch, lambda ctx, x: x * 2, vjp=staticmethod(lambda ctx, g: g * 7))
    x = leaf(torch)
    assert gradient(torch, made.apply(x), x) == [7, 7, 7]


def check_backward_and_vjp_do_not_go_together(torch):
    made = function(
        torch, lambda ctx, x: x * 2, lambda ctx, g: g, vjp=staticmethod(lambda ctx, g: g)
    )
    with pytest.raises(RuntimeError, match="Implementing both 'backward' and 'vjp'"):
        made.apply(leaf(torch)).sum().backward()


def check_a_function_without_backward_says_so(torch):
    made = function(torch, lambda ctx, x: x * 2)
    with pytest.raises(NotImplementedError, match="You must implement either the backward or vjp"):
        made.apply(leaf(torch)).sum().backward()


def check_an_instance_is_not_called(torch):
    made = function(torch, lambda ctx, x: x, lambda ctx, g: g)
    with pytest.warns(DeprecationWarning, match="should not be instantiated"):
        instance = made()
    with pytest.raises(RuntimeError, match="Legacy autograd function with non-static forward"):
        instance(leaf(torch))


def check_boxed_cotangents_are_one_list(torch):
    made = function(
        torch,
        lambda ctx, x: (x * 1, x * 2),
        lambda ctx, g: g.pop() + g.pop(),
        boxed_grads_call=True,
    )
    x = leaf(torch)
    a, b = made.apply(x)
    assert gradient(torch, a + b, x) == [2, 2, 2]


# --- the context ----------------------------------------------------------------------------------


def saving(torch):
    def forward(ctx, x):
        ctx.save_for_backward(x)
        ctx.note = "kept"
        return x * x

    return function(torch, forward, lambda ctx, g: g * 2 * ctx.saved_tensors[0])


def check_attributes_of_the_context_are_seen_through_grad_fn(torch):
    y = saving(torch).apply(leaf(torch))
    assert y.grad_fn.note == "kept"
    assert y.grad_fn.needs_input_grad == (True,)
    assert y.grad_fn.saved_tensors[0].tolist() == [1, 2, 3]
    assert not hasattr(y.grad_fn, "other")


def check_saved_tensors_are_gone_after_backward(torch):
    y = saving(torch).apply(leaf(torch))
    y.sum().backward()
    with pytest.raises(RuntimeError, match="they have already been freed"):
        y.grad_fn.saved_tensors  # noqa: B018


def check_a_saved_tensor_that_changed_is_refused(torch):
    x = leaf(torch) * 1
    y = saving(torch).apply(x)
    x.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def check_the_node_bears_the_function_s_name(torch):
    y = saving(torch).apply(leaf(torch))
    assert type(y.grad_fn).__name__ == "MadeBackward"
    assert y.grad_fn.name() == "MadeBackward"


def check_save_for_forward_is_taken(torch):
    def forward(ctx, x):
        ctx.save_for_forward(x)
        return x * 2

    x = leaf(torch)
    made = function(torch, forward, lambda ctx, g: g * 2)
    assert gradient(torch, made.apply(x), x) == [2, 2, 2]


def check_only_tensors_are_saved(torch):
    def forward(ctx, x):
        ctx.save_for_backward(3)
        return x * 2

    with pytest.raises(TypeError, match="save_for_backward can only save variables"):
        function(torch, forward, lambda ctx, g: g).apply(leaf(torch))


# --- what backward gives --------------------------------------------------------------------------


def check_too_many_gradients_are_refused(torch):
    made = function(torch, lambda ctx, x: x * 2, lambda ctx, g: (g, g))
    with pytest.raises(RuntimeError, match="returned an incorrect number of gradients"):
        made.apply(leaf(torch)).sum().backward()


def check_surplus_none_is_allowed(torch):
    x = leaf(torch)
    made = function(torch, lambda ctx, x: x * 2, lambda ctx, g: (g * 2, None, None))
    assert gradient(torch, made.apply(x), x) == [2, 2, 2]


def check_a_gradient_of_another_shape_is_refused(torch):
    made = function(torch, lambda ctx, x: x * 2, lambda ctx, g: g[:2])
    with pytest.raises(RuntimeError, match="returned an invalid gradient at index 0"):
        made.apply(leaf(torch)).sum().backward()


def check_once_differentiable_refuses_a_second_time(torch):
    once = torch.autograd.function.once_differentiable
    made = function(torch, lambda ctx, x: x * 2, once(lambda ctx, g: g * 2))
    x = leaf(torch)
    (g,) = torch.autograd.grad((made.apply(x * 1) ** 2).sum(), x, create_graph=True)
    with pytest.raises(RuntimeError, match="marked with @once_differentiable"):
        g.sum().backward()


def check_a_function_within_a_function(torch):
    inner = saving(torch)
    made = function(torch, lambda ctx, x: inner.apply(x) + 1, lambda ctx, g: inner.apply(g * 3))
    x = leaf(torch)
    y = made.apply(x)
    assert y.tolist() == [2, 5, 10]
    assert gradient(torch, y, x) == [9, 9, 9]


def check_a_function_that_differentiates_inside(torch):
    def forward(ctx, x):
        with torch.enable_grad():
            inside = x.detach().requires_grad_()
            (ctx.slope,) = torch.autograd.grad((inside**3).sum(), inside)
        return x**3

    x = leaf(torch)
    made = function(torch, forward, lambda ctx, g: g * ctx.slope)
    assert gradient(torch, made.apply(x), x) == [3, 12, 27]


def check_outputs_that_are_no_tensors_pass(torch):
    made = function(torch, lambda ctx, x: (x * 2, None, 3), lambda ctx, *g: g[0] * len(g))
    x = leaf(torch)
    y, nothing, number = made.apply(x)
    assert (nothing, number) == (None, 3)
    assert gradient(torch, y, x) == [3, 3, 3]


def check_integers_have_no_gradient(torch):
    made = function(torch, lambda ctx, x: x.long(), lambda ctx, g: g)
    assert not made.apply(leaf(torch)).requires_grad
