"""Copies of tensors and modules: deepcopy, copy, pickle."""

import copy
import pickle
from collections import OrderedDict

import pytest


def pickled(value):
    return pickle.loads(pickle.dumps(value))


def check_a_copied_parameter_has_no_gradient(torch):
    p = torch.nn.Parameter(torch.ones(2))
    p.sum().backward()
    assert copy.deepcopy(p).grad is None


def check_a_copied_module_has_no_gradients(torch):
    m = torch.nn.Linear(2, 2)
    m(torch.ones(1, 2)).sum().backward()
    assert [p.grad for p in copy.deepcopy(m).parameters()] == [None, None]


def check_a_copied_leaf_keeps_a_copy_of_its_gradient(torch):
    x = torch.ones(2, requires_grad=True)
    (x * 3).sum().backward()
    y = copy.deepcopy(x)
    assert y.grad.tolist() == [3.0, 3.0]
    assert y.grad is not x.grad
    y.grad.zero_()
    assert x.grad.tolist() == [3.0, 3.0]


def check_a_copy_does_not_share_memory(torch):
    x = torch.ones(2)
    y = copy.deepcopy(x)
    y.add_(1)
    assert x.tolist() == [1.0, 1.0]
    assert y.requires_grad is False


def check_a_copy_of_a_result_is_refused(torch):
    y = torch.ones(2, requires_grad=True) * 2
    with pytest.raises(RuntimeError, match="Only Tensors created explicitly by the user"):
        copy.deepcopy(y)


def check_shared_memory_stays_shared_in_a_deepcopy(torch):
    x = torch.arange(6.0)
    whole, part = copy.deepcopy([x, x[2:4]])
    part.fill_(9.0)
    assert whole.tolist() == [0.0, 1.0, 9.0, 9.0, 4.0, 5.0]
    assert x.tolist() == [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]


def check_shared_memory_of_transposed_views_stays_shared(torch):
    x = torch.arange(4.0).view(2, 2)
    a, b = copy.deepcopy((x, x.t()))
    a[0, 1] = 9.0
    assert b.tolist() == [[0.0, 2.0], [9.0, 3.0]]


def check_detached_tensors_share_memory_as_copies(torch):
    x = torch.zeros(2, requires_grad=True)
    a, b = copy.deepcopy([x, x.detach()])
    b.add_(1)
    assert a.tolist() == [1.0, 1.0]
    assert a.requires_grad


def check_the_same_tensor_twice_is_one_copy(torch):
    x = torch.ones(2)
    a, b = copy.deepcopy([x, x])
    assert a is b


def check_tied_parameters_stay_tied(torch):
    m = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Linear(2, 2))
    m[1].weight = m[0].weight
    c = copy.deepcopy(m)
    assert c[0].weight is c[1].weight
    assert c[0].weight is not m[0].weight


def check_attributes_survive_a_deepcopy(torch):
    x = torch.ones(2)
    x.note = ["a"]
    y = copy.deepcopy(x)
    assert y.note == ["a"]
    assert y.note is not x.note


def check_attributes_survive_a_copy_and_a_pickle(torch):
    x = torch.ones(2)
    x.note = "a"
    assert copy.copy(x).note == "a"
    assert pickled(x).note == "a"


def check_a_shallow_copy_shares_memory(torch):
    x = torch.zeros(2)
    y = copy.copy(x)
    y.add_(1)
    assert y is not x
    assert x.tolist() == [1.0, 1.0]


def check_strides_survive_a_deepcopy(torch):
    x = torch.arange(6.0).view(2, 3).t()
    y = copy.deepcopy(x)
    assert y.stride() == x.stride()
    assert y.tolist() == x.tolist()


def check_a_copied_view_keeps_its_offset(torch):
    y = copy.deepcopy(torch.arange(6.0)[2:])
    assert y.storage_offset() == 2
    assert y.untyped_storage().nbytes() == 24


def check_hooks_are_not_copied(torch):
    x = torch.ones(1, requires_grad=True)
    x.register_hook(lambda g: g * 10)
    y = copy.deepcopy(x)
    (y * 2).sum().backward()
    assert y.grad.tolist() == [2.0]


def check_parameters_copy_as_parameters(torch):
    p = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    q = copy.deepcopy(p)
    assert type(q) is torch.nn.Parameter
    assert not q.requires_grad


def check_buffers_copy_as_buffers(torch):
    b = torch.nn.Buffer(torch.ones(2), persistent=False)
    c = copy.deepcopy(b)
    assert isinstance(c, torch.nn.Buffer)
    assert c.persistent is False


def check_pickles_keep_requires_grad(torch):
    x = pickled(torch.ones(2, requires_grad=True))
    assert x.requires_grad
    assert x.is_leaf
    assert x.tolist() == [1.0, 1.0]


def check_pickles_keep_strides_and_dtypes(torch):
    for dtype in (torch.float16, torch.float64, torch.int8, torch.uint8, torch.bool):
        x = torch.ones(2, 3).to(dtype).t()
        y = pickled(x)
        assert (y.dtype, y.stride(), y.tolist()) == (x.dtype, x.stride(), x.tolist())


def check_pickled_parameters(torch):
    p = torch.nn.Parameter(torch.ones(2), requires_grad=False)
    p.note = "a"
    q = pickled(p)
    assert type(q) is torch.nn.Parameter
    assert not q.requires_grad
    assert q.note == "a"


def check_pickled_modules(torch):
    m = torch.nn.Sequential(OrderedDict(a=torch.nn.Linear(2, 2), b=torch.nn.ReLU()))
    x = torch.ones(1, 2)
    assert pickled(m)(x).tolist() == m(x).tolist()


def check_every_protocol_of_pickle(torch):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        x = torch.arange(3.0)
        assert pickle.loads(pickle.dumps(x, protocol)).tolist() == x.tolist()


def check_empty_and_0d_tensors_are_copied(torch):
    for x in (torch.zeros(0), torch.zeros(2, 0), torch.tensor(3.0)):
        for y in (copy.deepcopy(x), copy.copy(x), pickled(x)):
            assert y.shape == x.shape
            assert y.tolist() == x.tolist()


def check_dtypes_and_devices_are_pickled(torch):
    assert pickled(torch.float32) is torch.float32
    assert pickled(torch.device("cpu")) == torch.device("cpu")
    assert copy.deepcopy(torch.int8) is torch.int8


def check_a_copied_optimizer_steps_its_own_parameters(torch):
    p = torch.nn.Parameter(torch.ones(1))
    q, optimizer = copy.deepcopy((p, torch.optim.SGD([p], lr=1.0)))
    q.grad = torch.ones(1)
    optimizer.step()
    assert (p.tolist(), q.tolist()) == ([1.0], [0.0])
