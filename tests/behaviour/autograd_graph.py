"""The graph as users see it: nodes, edges, and hooks on nodes and on several tensors."""

import warnings

import pytest


def _leaf(torch, *numbers):
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


# --- nodes ----------------------------------------------------------------------------------


def check_a_grad_fn_is_a_node(torch):
    assert isinstance((_leaf(torch, 1.0) * 2).grad_fn, torch.autograd.graph.Node)


def check_a_leaf_ends_in_accumulate_grad(torch):
    x = _leaf(torch, 1.0)
    ((node, number),) = x.exp().grad_fn.next_functions
    assert node.variable is x
    assert number == 0
    assert type(node).__name__ == "AccumulateGrad"
    assert node.name() == "torch::autograd::AccumulateGrad"
    assert node.next_functions == ()
    assert isinstance(node, torch.autograd.graph.Node)


def check_a_leaf_has_one_accumulate_grad(torch):
    x = _leaf(torch, 1.0)
    a, b = x.exp(), x.sin()
    assert a.grad_fn.next_functions[0][0] is b.grad_fn.next_functions[0][0]


def check_next_functions_are_the_nodes_of_the_operands(torch):
    x = _leaf(torch, 1.0)
    a, b = x.exp(), x.sin()
    (first, _), (second, _) = (a * b).grad_fn.next_functions
    assert first is a.grad_fn
    assert second is b.grad_fn


def check_operands_without_gradient_are_none(torch):
    x = _leaf(torch, 1.0)
    y = torch.ones(1, dtype=torch.float64)
    assert (y * x).grad_fn.next_functions[0] == (None, 0)
    assert (x * 2).grad_fn.next_functions[1] == (None, 0)
    assert (x + 1).grad_fn.next_functions[1] == (None, 0)
    assert len((x**2).grad_fn.next_functions) == 1


def check_cat_has_an_edge_for_each_tensor(torch):
    x = _leaf(torch, 1.0)
    found = torch.cat([x, torch.ones(1, dtype=torch.float64), x]).grad_fn.next_functions
    assert [edge is None for edge, _ in found] == [False, True, False]


def check_the_whole_graph_can_be_walked(torch):
    x, w = _leaf(torch, 1.0, 2.0), _leaf(torch, 3.0, 4.0)
    y = ((x * w).exp() + x.sin()).sum()
    todo, names, leaves = [y.grad_fn], [], []
    while todo:
        node = todo.pop()
        names.append(node.name())
        if hasattr(node, "variable"):
            leaves.append(node.variable)
        todo.extend(edge for edge, _ in node.next_functions if edge is not None)
    assert sorted(set(names)) == [
        "AddBackward0", "ExpBackward0", "MulBackward0", "SinBackward0", "SumBackward0",
        "torch::autograd::AccumulateGrad",
    ]  # fmt: skip
    assert any(leaf is w for leaf in leaves)


def check_a_node_is_the_same_object_each_time(torch):
    y = _leaf(torch, 1.0).exp()
    assert y.grad_fn is y.grad_fn


def check_nodes_have_metadata(torch):
    y = _leaf(torch, 1.0).exp()
    assert y.grad_fn.metadata == {}
    y.grad_fn.metadata["mine"] = 1
    assert y.grad_fn.metadata == {"mine": 1}


def check_anomaly_mode_puts_the_traceback_into_metadata(torch):
    with warnings.catch_warnings(action="ignore"), torch.autograd.detect_anomaly():
        y = _leaf(torch, 1.0).exp()
    lines = "".join(y.grad_fn.metadata["traceback_"])
    assert "check_anomaly_mode_puts_the_traceback_into_metadata" in lines


def check_nodes_require_grad(torch):
    assert _leaf(torch, 1.0).exp().grad_fn.requires_grad


def check_a_node_can_be_called(torch):
    x = _leaf(torch, 2.0)
    g = torch.ones(1, dtype=torch.float64)
    assert (x**2).grad_fn(g).item() == 4
    first, second = (x * 3).grad_fn(g)
    assert first.item() == 3
    assert second is None


# --- hooks of nodes -------------------------------------------------------------------------


def check_a_node_hook_sees_both_sides(torch):
    x, seen = _leaf(torch, 2.0), []
    y = x * 3
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append((inputs, outputs)))
    (y * 5).backward()
    ((inputs, outputs),) = seen
    assert inputs[0].item() == 15
    assert inputs[1] is None
    assert outputs[0].item() == 5


def check_a_node_hook_replaces_the_gradients_of_the_operands(torch):
    x = _leaf(torch, 2.0)
    y = x.exp()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 0 + 7,))
    y.backward()
    assert x.grad.item() == 7


def check_a_node_hook_returns_one_value_for_each_operand(torch):
    y = _leaf(torch, 2.0) * 3
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0],))
    with pytest.raises(RuntimeError, match="incorrect number of values"):
        y.backward()


def check_a_node_hook_returns_a_tuple(torch):
    y = _leaf(torch, 2.0).exp()
    y.grad_fn.register_hook(lambda inputs, outputs: inputs[0])
    with pytest.raises(TypeError, match="expected tuple, but hook returned"):
        y.backward()


def check_a_node_hook_sees_gradients_of_the_operands_shapes(torch):
    x, seen = torch.ones(3, dtype=torch.float64, requires_grad=True), []
    y = x * torch.ones(2, 3, dtype=torch.float64)
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[0]))
    y.sum().backward()
    assert seen[0].shape == (3,)
    assert x.grad.tolist() == [2, 2, 2]


def check_a_node_hook_can_be_removed(torch):
    x, seen = _leaf(torch, 2.0), []
    y = x.exp()
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(1)).remove()
    y.backward()
    assert seen == []


def check_a_prehook_replaces_the_gradient_of_the_result(torch):
    x = _leaf(torch, 2.0)
    y = x * 3
    y.grad_fn.register_prehook(lambda outputs: (outputs[0] * 10,))
    y.backward()
    assert x.grad.item() == 30


def check_a_prehook_returns_a_tuple(torch):
    y = _leaf(torch, 2.0) * 3
    y.grad_fn.register_prehook(lambda outputs: outputs[0] * 10)
    with pytest.raises(TypeError, match="expected tuple, but hook returned"):
        y.backward()


def check_hooks_run_in_the_order_tensor_prehook_hook(torch):
    x, seen = _leaf(torch, 2.0), []
    y = x * 3
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append("node"))
    y.grad_fn.register_prehook(lambda outputs: seen.append("pre"))
    y.register_hook(lambda g: seen.append("tensor"))
    y.backward()
    assert seen == ["tensor", "pre", "node"]


def check_several_node_hooks_run_in_order_and_see_replacements(torch):
    x, seen = _leaf(torch, 2.0), []
    y = x.exp()
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 0 + 1,))
    y.grad_fn.register_hook(lambda inputs, outputs: seen.append(inputs[0].item()))
    y.backward()
    assert seen == [1]


def check_prehooks_of_nodes_that_are_not_visited_do_not_run(torch):
    x, seen = _leaf(torch, 2.0), []
    y = x * 3
    y.grad_fn.register_prehook(lambda outputs: seen.append(1))
    torch.autograd.grad(y * 2, y)
    assert seen == []


def check_node_hooks_run_in_a_recorded_backward(torch):
    x = _leaf(torch, 2.0)
    y = x**3
    y.grad_fn.register_hook(lambda inputs, outputs: (inputs[0] * 2,))
    (first,) = torch.autograd.grad(y, x, create_graph=True)
    (second,) = torch.autograd.grad(first, x)
    assert first.item() == 24
    assert second.item() == 24


def check_hooks_of_accumulate_grad_run_after_the_sum(torch):
    x, seen = _leaf(torch, 2.0), []
    node = x.exp().grad_fn.next_functions[0][0]
    node.register_hook(lambda inputs, outputs: seen.append((inputs, outputs[0].item(), x.grad)))
    (x * 3 + x * 4).backward()
    ((inputs, arrived, grad),) = seen
    assert inputs == ()
    assert arrived == 7
    assert grad.item() == 7


def check_prehooks_of_accumulate_grad_replace_the_gradient(torch):
    x = _leaf(torch, 2.0)
    node = x.exp().grad_fn.next_functions[0][0]
    node.register_prehook(lambda outputs: (outputs[0] * 2,))
    (x * 3).backward()
    assert x.grad.item() == 6


# --- hooks on several tensors ---------------------------------------------------------------


def _four(torch):
    a, b = _leaf(torch, 2.0), _leaf(torch, 3.0)
    return a, b, a * b, a * b


def check_a_multi_grad_hook_runs_once_with_all_gradients(torch):
    a, b, c, d = _four(torch)
    seen = []
    torch.autograd.graph.register_multi_grad_hook((a, b, c, d), seen.append)
    (c + d).sum().backward()
    assert len(seen) == 1
    assert [g.item() for g in seen[0]] == [6, 4, 1, 1]


def check_a_multi_grad_hook_gets_none_for_unused_tensors(torch):
    a, b, c, d = _four(torch)
    seen = []
    torch.autograd.graph.register_multi_grad_hook((a, b, c, d), seen.append)
    c.sum().backward()
    assert [g is not None for g in seen[0]] == [True, True, True, False]


def check_a_multi_grad_hook_waits_for_the_inputs_asked_for_only(torch):
    a, b, c, d = _four(torch)
    seen = []
    torch.autograd.graph.register_multi_grad_hook((a, b, c, d), seen.append)
    c.sum().backward(inputs=(a,), retain_graph=True)
    assert [g is not None for g in seen[0]] == [True, False, True, False]


def check_a_multi_grad_hook_runs_in_every_backward(torch):
    a, _b, c, d = _four(torch)
    seen = []
    torch.autograd.graph.register_multi_grad_hook((a, c), seen.append)
    c.sum().backward(retain_graph=True)
    c.sum().backward(retain_graph=True)
    d.sum().backward()
    assert [[g is not None for g in grads] for grads in seen] == [
        [True, True],
        [True, True],
        [True, False],
    ]


def check_a_multi_grad_hook_of_any_runs_with_the_first_gradient(torch):
    a, b, c, d = _four(torch)
    seen = []
    hook = torch.autograd.graph.register_multi_grad_hook((a, b, c, d), seen.append, mode="any")
    (c + d * 2).sum().backward(retain_graph=True)
    assert len(seen) == 1
    hook.remove()
    (c + d * 2).sum().backward()
    assert len(seen) == 1


def check_a_multi_grad_hook_can_be_removed(torch):
    a, b, c, _d = _four(torch)
    seen = []
    torch.autograd.graph.register_multi_grad_hook((a, b), seen.append).remove()
    c.sum().backward()
    assert seen == []


def check_an_unknown_mode_of_a_multi_grad_hook_is_refused(torch):
    with pytest.raises(ValueError, match="Expects mode to be one of"):
        torch.autograd.graph.register_multi_grad_hook((), print, mode="some")


def check_a_multi_grad_hook_starts_afresh_after_a_failed_backward(torch):
    a, _b, c, _d = _four(torch)
    seen, fail = [], [True]

    def raises(g):
        if fail:
            raise ZeroDivisionError

    torch.autograd.graph.register_multi_grad_hook((a, c), seen.append)
    a.register_hook(raises)
    with pytest.raises(ZeroDivisionError):
        c.sum().backward(retain_graph=True)
    fail.clear()
    seen.clear()
    c.sum().backward()
    assert len(seen) == 1


# --- edges ----------------------------------------------------------------------------------


def check_an_edge_names_the_node(torch):
    y = _leaf(torch, 2.0).exp()
    edge = torch.autograd.graph.get_gradient_edge(y)
    assert edge.node is y.grad_fn
    assert edge.output_nr == 0


def check_grad_takes_edges_as_inputs(torch):
    x = _leaf(torch, 2.0)
    y = x * 3
    z = y**2
    get = torch.autograd.graph.get_gradient_edge
    assert torch.autograd.grad(z, get(y), retain_graph=True)[0].item() == 12
    assert torch.autograd.grad(z, [get(x), y])[0].item() == 36


def check_grad_takes_edges_as_outputs(torch):
    x = _leaf(torch, 2.0)
    edge = torch.autograd.graph.get_gradient_edge((x * 3).sum())
    assert torch.autograd.grad(edge, x)[0].item() == 3


def check_grad_of_an_edge_takes_its_cotangent(torch):
    x = _leaf(torch, 2.0, 3.0)
    edge = torch.autograd.graph.get_gradient_edge(x * 3)
    g = torch.tensor([1.0, 2.0], dtype=torch.float64)
    assert torch.autograd.grad(edge, x, g)[0].tolist() == [3, 6]


def check_backward_takes_edges(torch):
    x = _leaf(torch, 2.0)
    y = (x * 3).sum()
    torch.autograd.backward(torch.autograd.graph.get_gradient_edge(y))
    assert x.grad.item() == 3


def check_backward_takes_edges_as_inputs(torch):
    x, w = _leaf(torch, 2.0), _leaf(torch, 5.0)
    (x * w).sum().backward(inputs=[torch.autograd.graph.get_gradient_edge(x)])
    assert x.grad.item() == 5
    assert w.grad is None


def check_an_edge_keeps_the_graph_without_the_tensor(torch):
    x = _leaf(torch, 2.0)
    y = x.exp()
    edge = torch.autograd.graph.get_gradient_edge(y)
    z = (y * 2).sum()
    del y
    assert torch.autograd.grad(z, edge)[0].item() == 2


def check_a_tensor_without_gradient_has_no_edge(torch):
    with pytest.raises(RuntimeError, match="gradient edge"):
        torch.autograd.graph.get_gradient_edge(torch.ones(1))


def check_a_handmade_edge_will_do(torch):
    x = _leaf(torch, 2.0)
    y = x * 3
    edge = torch.autograd.graph.GradientEdge(y.grad_fn, 0)
    assert torch.autograd.grad((y**2).sum(), edge)[0].item() == 12


def check_versions_can_be_counted_by_hand(torch):
    x = torch.ones(2)
    torch.autograd.graph.increment_version(x)
    assert x._version == 1
