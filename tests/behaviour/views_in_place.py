"""In-place changes of views, of what they were taken from, and of what an operation has made."""

import pytest

DIFFERENT = {
    "check_an_output_of_unbind_is_not_changed_in_place": "an in-place change of one of several "
    "views: outputs of `unbind`, `split`, `chunk`, iteration",
    "check_an_output_of_split_is_not_changed_in_place": "an in-place change of one of several "
    "views: outputs of `unbind`, `split`, `chunk`, iteration",
    "check_an_output_of_chunk_is_not_changed_in_place": "an in-place change of one of several "
    "views: outputs of `unbind`, `split`, `chunk`, iteration",
}


def leaf(torch, *numbers):
    return torch.tensor(numbers or (1.0, 2.0, 3.0), requires_grad=True)


def gradient(torch, output, x):
    return torch.autograd.grad(output.sum(), x)[0].tolist()


# --- results of operations ------------------------------------------------------------------------


def check_the_result_of_cat_takes_a_position_in_place(torch):
    x = leaf(torch)
    y = torch.cat([x, x * 2])
    y += 1
    assert gradient(torch, y, x) == [3, 3, 3]


def check_the_result_of_stack_changes_in_place(torch):
    x = leaf(torch)
    y = torch.stack([x, x])
    y[0] = 5.0
    assert gradient(torch, y, x) == [1, 1, 1]


def check_the_result_of_hstack_changes_in_place(torch):
    x = leaf(torch)
    assert gradient(torch, torch.hstack([x, x]).mul_(3), x) == [6, 6, 6]


def check_what_was_joined_changes_in_place_afterwards(torch):
    x = leaf(torch)
    part = x * 1
    y = torch.cat([part, part])
    part.zero_()
    assert gradient(torch, y, x) == [2, 2, 2]


def check_the_result_of_repeat_changes_in_place(torch):
    x = torch.ones(1, requires_grad=True)
    y = x.repeat(3)
    y[1] = 0.0
    assert gradient(torch, y, x) == [2]


def check_the_result_of_erfinv_changes_in_place(torch):
    x = torch.zeros(2, requires_grad=True)
    plain = gradient(torch, x.erfinv(), x)
    assert gradient(torch, x.erfinv().add_(1), x) == plain


def check_the_result_of_exp_is_needed(torch):
    x = leaf(torch)
    y = x.exp()
    y.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def check_the_input_of_add_is_not_needed(torch):
    x = leaf(torch)
    a = x * 1
    y = a + 1
    a.mul_(5)
    assert gradient(torch, y, x) == [1, 1, 1]


def check_the_input_of_mul_is_needed(torch):
    x = leaf(torch)
    a = x * 1
    y = a * a
    a.mul_(5)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def check_a_changed_operand_that_no_gradient_needs_is_allowed(torch):
    x, c = leaf(torch), torch.ones(3)
    y = x * c
    x_again = torch.ones(3)
    z = x + x_again
    x_again.mul_(2)
    assert gradient(torch, z, x) == [1, 1, 1]
    c.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()


def check_the_bias_of_a_norm_is_not_needed(torch):
    x, b = torch.ones(2, 2, requires_grad=True), torch.zeros(2, requires_grad=True)
    y = torch.nn.functional.group_norm(x, 1, torch.ones(2), b)
    with torch.no_grad():
        b.add_(1)
    y.sum().backward()
    assert b.grad.tolist() == [2, 2]


# --- one of several views -------------------------------------------------------------------------


def check_an_output_of_unbind_is_not_changed_in_place(torch):
    with pytest.raises(RuntimeError, match="inplace"):
        (leaf(torch) * 1).unbind()[0].mul_(2)


def check_an_output_of_split_is_not_changed_in_place(torch):
    with pytest.raises(RuntimeError, match="inplace"):
        (leaf(torch) * 1).split(1)[0].mul_(2)


def check_an_output_of_chunk_is_not_changed_in_place(torch):
    with pytest.raises(RuntimeError, match="inplace"):
        (leaf(torch) * 1).chunk(3)[0].mul_(2)


def check_an_output_of_split_changes_in_place_where_nothing_is_recorded(torch):
    x = torch.ones(3)
    x.split(1)[0].mul_(2)
    assert x.tolist() == [2, 1, 1]


# --- where a view was taken -----------------------------------------------------------------------


def check_a_view_taken_under_no_grad_is_not_changed_afterwards(torch):
    y = leaf(torch) * 1
    with torch.no_grad():
        view = y[:2]
    with pytest.raises(RuntimeError, match="A view was created in no_grad mode and is being mod"):
        view.mul_(2)
    assert y.tolist() == [1, 2, 3]


def check_a_view_of_a_plain_tensor_taken_under_no_grad_takes_no_history(torch):
    z = torch.zeros(3)
    with torch.no_grad():
        view = z[:2]
    with pytest.raises(RuntimeError, match="created in no_grad mode"):
        view.add_(leaf(torch)[:2])


def check_a_view_of_a_plain_tensor_taken_under_no_grad_takes_numbers(torch):
    z = torch.zeros(3)
    with torch.no_grad():
        view = z[:2]
    view.add_(1)
    assert z.tolist() == [1, 1, 0]


def check_a_view_taken_under_no_grad_changes_under_no_grad(torch):
    y = leaf(torch) * 1
    with torch.no_grad():
        y[:2].mul_(2)
    assert y.tolist() == [2, 4, 3]


def check_a_view_of_a_leaf_taken_under_no_grad_is_not_changed_afterwards(torch):
    x = leaf(torch)
    with torch.no_grad():
        view = x[:2]
    with pytest.raises(RuntimeError, match="created in no_grad mode"):
        view.mul_(2)


def check_a_view_of_a_view_taken_under_no_grad_is_not_changed_either(torch):
    y = leaf(torch) * 1
    with torch.no_grad():
        view = y[:2]
    with pytest.raises(RuntimeError, match="created in no_grad mode"):
        view[:1].mul_(2)


def check_a_view_taken_under_no_grad_is_lost_when_its_base_changes(torch):
    z = torch.zeros(3)
    with torch.no_grad():
        view = z[:2]
    z.add_(leaf(torch))
    with pytest.raises(RuntimeError, match="its base or another view of its base has been mod"):
        view.sum()


def check_a_view_taken_under_no_grad_is_a_constant(torch):
    x = leaf(torch)
    with torch.no_grad():
        view = x[:2]
    assert view.grad_fn is None
    assert gradient(torch, x[:2] * view, x) == [1, 2, 0]


def check_a_view_taken_in_inference_mode_is_not_changed_afterwards(torch):
    y = leaf(torch) * 1
    with torch.inference_mode():
        view = y[:2]
    with pytest.raises(RuntimeError, match="created in inference mode"):
        view.mul_(2)


def check_a_leaf_seen_as_a_view_is_refused_like_the_leaf(torch):
    with pytest.raises(RuntimeError, match="a view of a leaf Variable that requires grad"):
        leaf(torch)[0].mul_(2)


# --- views follow their base ----------------------------------------------------------------------


def check_a_stale_view_requires_grad(torch):
    z = torch.zeros(3)
    view = z[:2]
    z.mul_(leaf(torch))
    assert view.requires_grad
    assert not view.is_leaf
    assert view.grad_fn is not None


def check_a_view_does_not_require_grad_before_its_base_does(torch):
    z = torch.zeros(3)
    view = z[:2]
    assert not view.requires_grad
    assert view.is_leaf
    assert view.grad_fn is None


def check_a_hook_of_a_stale_view_sees_its_gradient(torch):
    x, seen = leaf(torch), []
    z = torch.zeros(3)
    view = z[:2]
    z.add_(x)
    assert view.grad_fn is not None  # torch 2.13 crashes if nobody has looked at it
    view.register_hook(lambda g: seen.append(g.tolist()))
    view.sum().backward()
    assert seen == [[1, 1]]


def check_retain_grad_of_a_stale_view(torch):
    z = torch.zeros(3)
    view = z[:2]
    z.add_(leaf(torch))
    assert view.grad_fn is not None
    view.retain_grad()
    view.sum().backward()
    assert view.grad.tolist() == [1, 1]


def check_a_change_through_a_view_names_copyslices(torch):
    z = torch.zeros(3)
    z[:2].add_(leaf(torch)[:2])
    assert type(z.grad_fn).__name__ == "CopySlices"
    assert z[:2].grad_fn.name() == "SliceBackward0"


def check_a_changed_view_is_taken_anew(torch):
    z = torch.zeros(3)
    view = z[:2]
    view.add_(leaf(torch)[:2])
    assert view.grad_fn.name() == "AsStridedBackward0"


def check_views_share_their_version(torch):
    z = torch.zeros(3)
    view = z[:2]
    view.add_(1)
    z.add_(1)
    assert (z._version, view._version, z.detach()._version) == (2, 2, 2)


def check_a_change_of_one_view_reaches_another(torch):
    x = leaf(torch)
    z = torch.zeros(3)
    first, second = z[:2], z[1:]
    first.add_(x[:2])
    assert gradient(torch, second * 3, x) == [0, 3, 0]


def check_requires_grad_is_set_on_a_view_of_a_plain_tensor(torch):
    z = torch.zeros(3)
    view = z[:2].requires_grad_()
    assert view.is_leaf
    assert not z.requires_grad


def check_a_view_is_not_detached_in_place(torch):
    with pytest.raises(RuntimeError, match="detach views in-place"):
        (leaf(torch) * 1)[:2].detach_()


# --- memory with gaps and repeats -----------------------------------------------------------------


def check_a_view_of_a_base_with_gaps_is_written(torch):
    w = torch.tensor(2.0, requires_grad=True)
    z = torch.arange(8.0)[::2].detach()
    z[1:3].mul_(w)
    assert z.tolist() == [0, 4, 8, 6]
    assert gradient(torch, z, w) == 6


def check_a_sibling_of_a_view_of_a_base_with_gaps_follows(torch):
    w = torch.tensor(2.0, requires_grad=True)
    z = torch.arange(8.0)[::2].detach()
    sibling = z[2:]
    z[1:3].mul_(w)
    assert gradient(torch, sibling, w) == 4


def check_a_column_of_an_expanded_tensor_is_written(torch):
    w = torch.tensor(2.0, requires_grad=True)
    z = torch.ones(3, 1).expand(3, 4)
    z[:, 0].mul_(w)
    assert z.tolist() == [[2] * 4] * 3
    assert gradient(torch, z, w) == 12


def check_a_change_of_an_expanded_tensor_reaches_what_it_was_made_of(torch):
    x, w = torch.ones(3, 1, requires_grad=True), torch.tensor(2.0, requires_grad=True)
    z = (x * 1).expand(3, 4)
    z[:, 0].mul_(w)
    found = torch.autograd.grad(z.sum(), (x, w))
    assert [g.tolist() for g in found] == [[[8], [8], [8]], 12]


def check_an_element_of_an_expanded_tensor_is_assigned(torch):
    z = torch.ones(1).expand(3)
    z[0] = 5.0
    assert z.tolist() == [5, 5, 5]


def check_a_whole_expanded_tensor_is_not_written(torch):
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.ones(1).expand(3).add_(1)


def check_a_row_of_repeated_elements_is_not_written(torch):
    with pytest.raises(RuntimeError, match="more than one element of the written-to tensor"):
        torch.ones(3, 1).expand(3, 4)[0].add_(1)
