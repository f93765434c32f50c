"""Subclasses of Tensor: what operations on them give."""

import pickle


def plain(torch):
    """A subclass without anything of its own."""
    name = f"Plain_{torch.__name__}"
    if name not in globals():
        globals()[name] = type(name, (torch.Tensor,), {"__module__": __name__})
    return globals()[name]


def made(torch, *shape):
    return torch.ones(*shape or (2, 3)).as_subclass(plain(torch))


def check_arithmetic_gives_the_subclass(torch):
    m, t = made(torch), torch.ones(2, 3)
    for result in (m + 1, 1 + m, m + t, t + m, m - 1, 1 - m, 2 / m, m**2, 2**m, -m, abs(m), m // 2):
        assert type(result) is plain(torch)


def check_comparisons_give_the_subclass(torch):
    m, t = made(torch), torch.ones(2, 3)
    for result in (m == t, t == m, t < m, m >= 1, m != 2):
        assert type(result) is plain(torch)
    assert (m == t).all()


def check_reflected_operators_compute_the_right_values(torch):
    m, t = made(torch), torch.full((2, 3), 3.0)
    assert (t - m).tolist() == [[2.0] * 3] * 2
    assert (m - t).tolist() == [[-2.0] * 3] * 2
    assert (5 - m).tolist() == [[4.0] * 3] * 2
    assert (t / m).tolist() == [[3.0] * 3] * 2
    assert (t > m).all()
    assert not (m > t).any()


def check_functions_give_the_subclass(torch):
    m = made(torch)
    for result in (
        torch.exp(m),
        torch.add(m, 1),
        torch.mean(m),
        torch.softmax(m, 1),
        torch.relu(m),
    ):
        assert type(result) is plain(torch)


def check_methods_give_the_subclass(torch):
    m = made(torch)
    for result in (
        m.exp(),
        m.sum(),
        m.mean(0),
        m.clamp(0, 1),
        m.double(),
        m.clone(),
        m.contiguous(),
    ):
        assert type(result) is plain(torch)


def check_views_give_the_subclass(torch):
    m = made(torch)
    for result in (m[0], m[:, 1:], m.T, m.reshape(6), m.view(3, 2), m.unsqueeze(0), m.expand(2, 3)):
        assert type(result) is plain(torch)


def check_a_view_of_a_subclass_shares_its_memory(torch):
    m = made(torch)
    m[0].zero_()
    assert m.tolist() == [[0.0] * 3, [1.0] * 3]


def check_several_outputs_are_of_the_subclass(torch):
    m = made(torch)
    assert all(type(part) is plain(torch) for part in m.split(1))
    assert all(type(part) is plain(torch) for part in torch.unbind(m))
    values, indices = m.max(0)
    assert type(values) is type(indices) is plain(torch)


def check_named_results_keep_their_names(torch):
    found = torch.sort(made(torch))
    assert type(found.values) is plain(torch)
    assert type(found.indices) is plain(torch)


def check_iteration_gives_the_subclass(torch):
    assert [type(row) for row in made(torch)] == [plain(torch)] * 2


def check_lists_of_tensors_give_the_subclass(torch):
    m, t = made(torch), torch.ones(2, 3)
    assert type(torch.cat([t, m])) is plain(torch)
    assert type(torch.stack([m, t])) is plain(torch)


def check_in_place_keeps_the_object(torch):
    m = made(torch)
    same = m
    m += 1
    m.mul_(2)
    assert m is same
    assert type(m) is plain(torch)
    assert m.tolist() == [[4.0] * 3] * 2


def check_new_tensors_are_of_the_subclass(torch):
    m = made(torch)
    assert type(m.new_zeros(2)) is plain(torch)
    for make in (torch.zeros_like, torch.ones_like, torch.empty_like, torch.rand_like):
        assert type(make(m)) is plain(torch)


def check_detach_and_data_are_of_the_subclass(torch):
    m = made(torch)
    assert type(m.detach()) is plain(torch)
    assert type(m.data) is plain(torch)


def check_numbers_stay_numbers(torch):
    m = made(torch, 1)
    assert type(m.item()) is float
    assert type(m.numel()) is int
    assert m.tolist() == [1.0]
    assert float(m) == 1.0
    assert type(m.shape) is torch.Size


def check_layers_functions_give_the_subclass(torch):
    m, f = made(torch), torch.nn.functional
    assert type(f.relu(m)) is plain(torch)
    assert type(f.linear(m, torch.ones(4, 3))) is plain(torch)
    assert type(f.mse_loss(m, torch.zeros(2, 3))) is plain(torch)
    assert type(f.cross_entropy(m, torch.tensor([0, 1]))) is plain(torch)


def check_modules_give_the_subclass(torch):
    m = made(torch)
    model = torch.nn.Sequential(torch.nn.Linear(3, 4), torch.nn.ReLU(), torch.nn.Linear(4, 2))
    assert type(model(m)) is plain(torch)


def check_linalg_gives_the_subclass(torch):
    m = made(torch, 3, 3)
    assert type(torch.linalg.norm(m)) is plain(torch)
    assert type(m @ m) is plain(torch)


def check_einsum_gives_the_subclass(torch):
    assert type(torch.einsum("ij->ji", made(torch))) is plain(torch)


def check_a_subclass_of_a_subclass_wins(torch):
    inner = type("Inner", (plain(torch),), {})
    a, b = made(torch), torch.ones(2, 3).as_subclass(inner)
    assert type(a + b) is inner
    assert type(b + a) is inner


def check_subclasses_that_do_not_know_each_other_are_refused(torch):
    a = torch.ones(2).as_subclass(type("A", (torch.Tensor,), {}))
    b = torch.ones(2).as_subclass(type("B", (torch.Tensor,), {}))
    try:
        a + b
    except TypeError as error:
        assert "unsupported operand" in str(error)  # noqa: PT017
    else:
        raise AssertionError


def check_a_function_of_subclasses_that_do_not_know_each_other_is_refused(torch):
    a = torch.ones(2).as_subclass(type("A", (torch.Tensor,), {}))
    b = torch.ones(2).as_subclass(type("B", (torch.Tensor,), {}))
    try:
        torch.mul(a, b)
    except TypeError as error:
        assert "NotImplemented" in str(error)  # noqa: PT017
    else:
        raise AssertionError


def check_parameters_give_plain_tensors(torch):
    p = torch.nn.Parameter(torch.ones(2))
    for result in (p + 1, p.exp(), p[0], p.detach(), p.data, torch.zeros_like(p)):
        assert type(result) is torch.Tensor


def check_a_parameter_and_a_subclass_give_the_subclass(torch):
    p = torch.nn.Parameter(torch.ones(2, 3))
    assert type(p + made(torch)) is plain(torch)


def check_a_parameter_of_a_subclass_is_of_both(torch):
    p = torch.nn.Parameter(made(torch))
    assert type(p) is plain(torch)
    assert isinstance(p, torch.nn.Parameter)
    assert p.requires_grad


def check_a_module_registers_a_parameter_of_a_subclass(torch):
    module = torch.nn.Module()
    module.weight = torch.nn.Parameter(made(torch))
    assert [name for name, _ in module.named_parameters()] == ["weight"]


def check_a_tensor_of_a_subclass_is_no_parameter(torch):
    assert not isinstance(made(torch), torch.nn.Parameter)


def check_gradients_of_a_subclass_are_plain(torch):
    m = made(torch).requires_grad_()
    (m * 2).sum().backward()
    assert type(m.grad) is torch.Tensor
    assert m.grad.tolist() == [[2.0] * 3] * 2


def check_gradients_flow_through_a_subclass(torch):
    x = torch.ones(2, 3, requires_grad=True)
    (x.as_subclass(plain(torch)) * 3).sum().backward()
    assert x.grad.tolist() == [[3.0] * 3] * 2


def check_gradients_of_plain_leaves_are_plain(torch):
    x = torch.ones(2, 3, requires_grad=True)
    (x * made(torch)).sum().backward()
    assert type(x.grad) is torch.Tensor


def check_as_subclass_is_a_node(torch):
    x = torch.ones(2, requires_grad=True)
    assert x.as_subclass(plain(torch)).grad_fn.name() == "AliasBackward0"


def check_as_subclass_shares_memory(torch):
    x = torch.ones(2)
    x.as_subclass(plain(torch)).zero_()
    assert x.tolist() == [0.0, 0.0]


def check_as_subclass_to_tensor_is_plain(torch):
    assert type(made(torch).as_subclass(torch.Tensor)) is torch.Tensor


def check_as_subclass_refuses_other_classes(torch):
    try:
        torch.ones(2).as_subclass(int)
    except (TypeError, RuntimeError):
        return
    raise AssertionError


def check_pickle_keeps_class_and_attributes(torch):
    m = made(torch)
    m.tag = "a"
    other = pickle.loads(pickle.dumps(m))
    assert type(other) is plain(torch)
    assert other.tag == "a"
    assert other.tolist() == m.tolist()


def check_results_do_not_inherit_attributes(torch):
    m = made(torch)
    m.tag = "a"
    assert not hasattr(m + 1, "tag")


def check_a_constructor_of_ones_own_makes_the_subclass(torch):
    class Named(torch.Tensor):
        @staticmethod
        def __new__(cls, data, name):
            return torch.Tensor.__new__(cls, data)

        def __init__(self, data, name):
            self.name_of_it = name

    n = Named([1.0, 2.0], "n")
    assert type(n) is Named
    assert n.name_of_it == "n"
    assert type(n + 1) is Named


def check_make_subclass_makes_a_leaf(torch):
    m = torch.Tensor._make_subclass(plain(torch), torch.ones(2), True)
    assert type(m) is plain(torch)
    assert m.is_leaf
    assert m.requires_grad


def check_a_method_of_the_subclass_comes_first(torch):
    class Doubling(torch.Tensor):
        def add(self, other):
            return "mine"

    d = torch.ones(2).as_subclass(Doubling)
    assert d.add(1) == "mine"
    assert type(torch.add(d, 1)) is Doubling


def check_super_reaches_the_tensors_method(torch):
    class Loud(torch.Tensor):
        def sum(self, *args, **kwargs):
            return super().sum(*args, **kwargs) * 10

    s = torch.ones(3).as_subclass(Loud).sum()
    assert type(s) is Loud
    assert s.item() == 30.0


def check_repr_names_the_class(torch):
    assert repr(made(torch, 2)).startswith(plain(torch).__name__)


def check_tensor_of_a_subclass_is_plain(torch):
    assert type(torch.tensor(made(torch).tolist())) is torch.Tensor
    assert type(torch.as_tensor(made(torch))) is plain(torch)


def check_is_tensor_and_isinstance_hold(torch):
    assert torch.is_tensor(made(torch))
    assert isinstance(made(torch), torch.Tensor)


def check_plain_tensors_stay_plain(torch):
    made(torch)
    assert type(torch.ones(2) + 1) is torch.Tensor


def check_second_derivatives_go_through_a_subclass(torch):
    m = made(torch, 2).requires_grad_()
    (g,) = torch.autograd.grad((m**3).sum(), m, create_graph=True)
    (h,) = torch.autograd.grad(g.sum(), m)
    assert h.tolist() == [6.0, 6.0]


def check_an_optimizer_steps_a_parameter_of_a_subclass(torch):
    p = torch.nn.Parameter(made(torch, 2))
    optimizer = torch.optim.SGD([p], lr=0.5)
    (p * 2).sum().backward()
    optimizer.step()
    assert p.tolist() == [0.0, 0.0]
    assert type(p) is plain(torch)
