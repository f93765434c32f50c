"""Tensors that the graph saves: hooks that pack and unpack them, and what nodes show of them."""

import gc
import warnings
import weakref

import numpy as np
import pytest


def _leaf(torch, *numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def check_hooks_see_each_saved_tensor_and_give_it_back(torch):
    x, seen = _leaf(torch, 2.0, 3.0), []
    pack = lambda t: seen.append("pack") or t.detach().numpy().copy()  # noqa: E731
    unpack = lambda a: seen.append("unpack") or torch.from_numpy(a)  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(pack, unpack):
        y = x.exp()
    assert seen == ["pack"]
    y.sum().backward()
    assert seen == ["pack", "unpack"]
    np.testing.assert_allclose(x.grad.numpy(), np.exp([2.0, 3.0]))


def check_the_input_of_an_operation_is_packed_as_it_is(torch):
    x, seen = _leaf(torch, 2.0), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        x.pow(3)
    assert len(seen) == 1
    assert seen[0] is x


def check_both_operands_of_a_product_are_packed(torch):
    x, y, seen = _leaf(torch, 2.0), _leaf(torch, 5.0), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(t) or t, lambda t: t):
        x * y
    assert {t.item() for t in seen} == {2.0, 5.0}


def check_unpacked_numbers_are_what_the_rule_reads(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t * 4):
        y = x**2
    y.backward()
    assert x.grad.item() == 16


def check_hooks_hold_inside_the_block_only(torch):
    x, seen = _leaf(torch, 2.0), []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(1) or t, lambda t: t)
    with hooks:
        x.exp()
    x.exp()
    assert len(seen) == 1


def check_the_innermost_hooks_hold(torch):
    x, seen = _leaf(torch, 2.0), []
    hooks = torch.autograd.graph.saved_tensors_hooks
    with hooks(lambda t: seen.append("outer") or t, lambda t: t):
        with hooks(lambda t: seen.append("inner") or t, lambda t: t):
            x.exp()
        x.exp()
    assert seen == ["inner", "outer"]


def check_hooks_end_when_the_block_raises(torch):
    x, seen = _leaf(torch, 2.0), []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(1) or t, lambda t: t)
    with pytest.raises(ZeroDivisionError), hooks:
        raise ZeroDivisionError
    x.exp()
    assert seen == []


def check_nothing_is_packed_where_nothing_is_recorded(torch):
    x, seen = _leaf(torch, 2.0), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(1) or t, lambda t: t):
        with torch.no_grad():
            x.exp()
        x.detach().exp()
    assert seen == []


def check_operations_in_a_hook_are_not_packed(torch):
    x, seen = _leaf(torch, 2.0), []

    def pack(t):
        seen.append(1)
        return t.exp()

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t.log()):
        y = x**2
    y.backward()
    assert len(seen) == 1
    assert abs(x.grad.item() - 4) < 1e-12


def check_a_gradient_through_hooks_can_be_differentiated_again(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = x**3
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert second.item() == 12


def check_a_saved_output_can_be_differentiated_again_through_hooks(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = x.exp()
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert abs(second.item() - np.exp(2)) < 1e-12


def check_a_non_leaf_operand_can_be_differentiated_again_through_hooks(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = (x * x) ** 2
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert second.item() == 48


def check_unpack_must_give_a_tensor(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: 1, lambda t: t):
        y = x.exp()
    with pytest.raises(TypeError, match="unpack_hook expected to be a Tensor but got result"):
        y.backward()


def check_pack_must_not_change_its_tensor(torch):
    x = _leaf(torch, 2.0)
    with (
        torch.autograd.graph.saved_tensors_hooks(lambda t: t.add_(1), lambda t: t),
        pytest.raises(RuntimeError, match="pack hook is modifying its input in place"),
    ):
        x.exp()


def check_an_error_in_pack_reaches_the_user(torch):
    def pack(t):
        raise KeyError("mine")

    x = _leaf(torch, 2.0)
    with (
        torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t),
        pytest.raises(KeyError, match="mine"),
    ):
        x.exp()
    assert torch.is_grad_enabled()


def check_tensors_of_a_function_pass_the_hooks(torch):
    class Square(torch.autograd.Function):
        @staticmethod
        def forward(ctx, x):
            ctx.save_for_backward(x)
            return x * x

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return 2 * x * g

    x, seen = _leaf(torch, 3.0), []
    pack = lambda t: seen.append(1) or t.detach().clone()  # noqa: E731
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t):
        y = Square.apply(x)
    y.backward()
    assert len(seen) == 1
    assert x.grad.item() == 6


def check_a_backward_with_retain_graph_unpacks_again(torch):
    x, seen = _leaf(torch, 2.0), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: seen.append(1) or t):
        y = x.exp()
    y.backward(retain_graph=True)
    y.backward()
    assert len(seen) == 2


def check_packed_tensors_are_freed_by_backward(torch):
    class Box:
        def __init__(self, t):
            self.t = t.detach().clone()

    x, boxes = _leaf(torch, 2.0), []

    def pack(t):
        box = Box(t)
        boxes.append(weakref.ref(box))
        return box

    with torch.autograd.graph.saved_tensors_hooks(pack, lambda box: box.t):
        y = x.exp()
    assert boxes[0]() is not None
    y.backward()
    gc.collect()
    assert boxes[0]() is None
    with pytest.raises(RuntimeError, match="backward through the graph a second time"):
        y.backward()


def check_a_tensor_packed_and_then_changed_is_the_hooks_business(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = x * 1
        z = y**2
    y.data.mul_(100)
    z.backward()
    assert x.grad.item() == 4


def check_disabled_hooks_raise_the_given_message(torch):
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with (
        torch.autograd.graph.disable_saved_tensors_hooks("not here"),
        pytest.raises(RuntimeError, match="not here"),
        hooks,
    ):
        pass
    with hooks:
        pass


def check_hooks_that_hold_cannot_be_disabled(torch):
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t):  # noqa: SIM117
        with (
            pytest.raises(RuntimeError, match="not now"),
            torch.autograd.graph.disable_saved_tensors_hooks("not now"),
        ):
            pass


def check_the_inner_message_of_two_disabled_blocks_holds(torch):
    disabled = torch.autograd.graph.disable_saved_tensors_hooks
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: t)
    with disabled("outer"):
        with disabled("inner"), pytest.raises(RuntimeError, match="inner"), hooks:
            pass
        with pytest.raises(RuntimeError, match="outer"), hooks:
            pass


def check_save_on_cpu_gives_the_same_gradients(torch):
    x = _leaf(torch, 2.0, -1.0)
    with torch.autograd.graph.save_on_cpu():
        y = (x.exp() * x.sin()).sum()
    (g,) = torch.autograd.grad(y, x)
    (expected,) = torch.autograd.grad((x.exp() * x.sin()).sum(), x)
    assert torch.equal(g, expected)


def check_save_on_cpu_takes_pin_memory(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.save_on_cpu(pin_memory=True):
        y = x**2
    y.backward()
    assert x.grad.item() == 4


def check_saved_tensors_may_change_where_that_is_allowed(torch):
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        a = torch.full((3,), 2.0, requires_grad=True)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
        out.backward()
    assert a.grad.tolist() == [4, 4, 4]


def check_a_saved_result_may_change_where_that_is_allowed(torch):
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        a = torch.zeros(3, requires_grad=True)
        b = a.exp()
        c = b * 1
        b.mul_(5)
        c.sum().backward()
    assert a.grad.tolist() == [1, 1, 1]


def check_allowed_mutation_does_not_nest(torch):
    allow = torch.autograd.graph.allow_mutation_on_saved_tensors
    with allow(), pytest.raises(RuntimeError, match="contexts cannot be nested"), allow():
        pass


def check_backward_after_the_block_of_allowed_mutation_raises(torch):
    with torch.autograd.graph.allow_mutation_on_saved_tensors():
        a = torch.ones(3, requires_grad=True)
        b = a.clone()
        out = (b**2).sum()
        b.sin_()
    message = "outside of the 'allow_mutation_on_saved_tensors'"
    with pytest.raises((RuntimeError, AssertionError), match=message):
        out.backward()


def check_nodes_show_the_operands_that_they_saved(torch):
    x, y = _leaf(torch, 2.0), _leaf(torch, 3.0)
    node = (x * y).grad_fn
    assert torch.equal(node._saved_self, x)
    assert torch.equal(node._saved_other, y)


def check_nodes_show_the_result_that_they_saved(torch):
    y = _leaf(torch, 2.0).exp()
    assert torch.equal(y.grad_fn._saved_result, y)
    assert y.grad_fn._saved_result.grad_fn is y.grad_fn


def check_nodes_show_settings(torch):
    assert (_leaf(torch, 2.0) ** 3).grad_fn._saved_exponent == 3


def check_a_saved_leaf_is_the_leaf(torch):
    x = _leaf(torch, 2.0)
    assert (x**2).grad_fn._saved_self.requires_grad
    assert (x**2).grad_fn._saved_self.is_leaf


def check_what_is_not_saved_is_no_attribute(torch):
    with pytest.raises(AttributeError):
        _ = (_leaf(torch, 2.0) + 1).grad_fn._saved_nonsense


def check_freed_saved_tensors_cannot_be_read(torch):
    y = _leaf(torch, 2.0).exp()
    y.backward()
    with pytest.raises(RuntimeError, match="directly access saved tensors after they have already"):
        _ = y.grad_fn._saved_result


def check_dir_lists_what_is_saved(torch):
    assert "_saved_result" in dir(_leaf(torch, 2.0).exp().grad_fn)
    assert "_saved_self" in dir((_leaf(torch, 2.0) ** 2).grad_fn)


def check_reading_a_saved_tensor_unpacks_it(torch):
    x, seen = _leaf(torch, 2.0), []
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t, lambda t: seen.append(1) or t * 2):
        y = x.exp()
    assert torch.equal(y.grad_fn._saved_result, y.detach() * 2)
    assert len(seen) == 1


def check_hooks_do_not_change_an_in_place_chain(torch):
    x = _leaf(torch, 2.0)
    with torch.autograd.graph.saved_tensors_hooks(lambda t: t.detach().clone(), lambda t: t):
        y = x * 3
        y.sigmoid_()
        y.mul_(2)
    y.backward()
    s = 1 / (1 + np.exp(-6))
    assert abs(x.grad.item() - 6 * s * (1 - s)) < 1e-12


def check_anomaly_mode_and_hooks_hold_together(torch):
    x, seen = _leaf(torch, 2.0), []
    hooks = torch.autograd.graph.saved_tensors_hooks(lambda t: seen.append(1) or t, lambda t: t)
    with hooks:
        with warnings.catch_warnings(action="ignore"), torch.autograd.detect_anomaly():
            x.exp()
        x.exp()
    assert len(seen) == 2
