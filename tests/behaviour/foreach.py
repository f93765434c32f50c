"""Operations on lists of tensors: torch._foreach_."""

import pytest


def lists(torch):
    return [torch.tensor([1.0, 4.0]), torch.tensor([9.0])], [
        torch.tensor([2.0, 2.0]),
        torch.ones(1),
    ]


def values(tensors):
    return [t.tolist() for t in tensors]


def check_results_are_new_tensors(torch):
    a, b = lists(torch)
    assert values(torch._foreach_add(a, b)) == [[3, 6], [10]]
    assert values(torch._foreach_sub(a, b)) == [[-1, 2], [8]]
    assert values(torch._foreach_mul(a, 2)) == [[2, 8], [18]]
    assert values(torch._foreach_div(a, b)) == [[0.5, 2], [9]]
    assert values(a) == [[1, 4], [9]]


def check_in_place_forms_return_the_same_tensors(torch):
    a, b = lists(torch)
    assert torch._foreach_add_(a, b, alpha=2)[0] is a[0]
    torch._foreach_mul_(a, [2, 3])
    assert values(a) == [[10, 16], [33]]


def check_a_list_of_numbers_goes_with_a_list_of_tensors(torch):
    a, _ = lists(torch)
    assert values(torch._foreach_add(a, [1.0, 2.0])) == [[2, 5], [11]]
    assert values(torch._foreach_div(a, [1.0, 3.0])) == [[1, 4], [3]]


def check_a_tensor_scales_all(torch):
    a, _ = lists(torch)
    torch._foreach_mul_(a, torch.tensor(0.5))
    assert values(a) == [[0.5, 2], [4.5]]


def check_functions_of_one_list(torch):
    a, _ = lists(torch)
    assert values(torch._foreach_sqrt(a)) == [[1, 2], [3]]
    assert values(torch._foreach_neg(a)) == [[-1, -4], [-9]]
    torch._foreach_sqrt_(a)
    torch._foreach_reciprocal_(a)
    assert values(a) == [[1, 0.5], [pytest.approx(1 / 3)]]
    torch._foreach_zero_(a)
    assert values(a) == [[0, 0], [0]]


def check_addcmul_and_addcdiv(torch):
    a, b = lists(torch)
    torch._foreach_addcmul_(a, b, b, value=0.5)
    assert values(a) == [[3, 6], [9.5]]
    torch._foreach_addcdiv_(a, b, b, [1.0, 2.0])
    assert values(a) == [[4, 7], [11.5]]
    torch._foreach_addcdiv_(a, b, b, torch.tensor([1.0, 2.0]))
    assert values(a) == [[5, 8], [13.5]]


def check_lerp_takes_a_weight_or_one_each(torch):
    a, b = lists(torch)
    torch._foreach_lerp_(a, b, 0.5)
    assert values(a) == [[1.5, 3], [5]]
    w = [torch.tensor([0.0, 1.0]), torch.tensor([0.5])]
    torch._foreach_lerp_(a, b, w)
    assert values(a) == [[1.5, 2], [3]]


def check_maximum_takes_lists_and_numbers(torch):
    a, b = lists(torch)
    torch._foreach_maximum_(a, b)
    assert values(a) == [[2, 4], [9]]
    torch._foreach_minimum_(a, 3.0)
    assert values(a) == [[2, 3], [3]]


def check_norms_of_a_list(torch):
    a, _ = lists(torch)
    norms = torch._foreach_norm([torch.tensor([3.0, 4.0]), *a[1:]])
    assert [n.item() for n in norms] == [5, 9]
    assert [n.item() for n in torch._foreach_norm(a, 1)] == [5, 9]


def check_powers_of_lists_and_of_a_number(torch):
    a, _ = lists(torch)
    assert values(torch._foreach_pow(a, 2)) == [[1, 16], [81]]
    assert values(torch._foreach_pow(2.0, [torch.tensor([1.0, 3.0])])) == [[2, 8]]


def check_copies(torch):
    a, b = lists(torch)
    torch._foreach_copy_(a, b)
    assert values(a) == [[2, 2], [1]]


def check_lists_are_of_equal_length(torch):
    a, b = lists(torch)
    with pytest.raises(RuntimeError, match=r"same number of tensors, got 2 and 1"):
        torch._foreach_add(a, b[:1])


def check_an_empty_list_is_refused(torch):
    with pytest.raises(RuntimeError, match="at least one tensor"):
        torch._foreach_add([], 1)


def check_a_leaf_is_not_changed_outside_no_grad(torch):
    p = torch.ones(2, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        torch._foreach_add_([p], 1)
    with torch.no_grad():
        torch._foreach_add_([p], 1)
    assert p.tolist() == [2, 2]


def check_results_are_differentiable(torch):
    p = torch.ones(2, requires_grad=True)
    torch._foreach_mul([p], 3)[0].sum().backward()
    assert p.grad.tolist() == [3, 3]


def check_an_adam_step_written_with_lists(torch):
    params, grads = lists(torch)
    m = [torch.zeros_like(p) for p in params]
    v = [torch.zeros_like(p) for p in params]
    torch._foreach_lerp_(m, grads, 0.1)
    torch._foreach_mul_(v, 0.999)
    torch._foreach_addcmul_(v, grads, grads, 0.001)
    root = torch._foreach_sqrt(v)
    torch._foreach_div_(root, (1 - 0.999) ** 0.5)
    torch._foreach_add_(root, 1e-8)
    torch._foreach_addcdiv_(params, m, root, -0.1 / 0.1)
    assert params[0].tolist() == pytest.approx([0.9, 3.9], abs=1e-5)
