"""Tensors of inference mode, and the modes of recording."""

import pytest


def inference_tensor(torch):
    with torch.inference_mode():
        return torch.ones(3)


def check_created_tensors_are_inference_tensors(torch):
    x = torch.ones(2)
    with torch.inference_mode():
        made = [
            torch.ones(2), torch.tensor([1.0]), torch.zeros_like(x), torch.arange(3), torch.eye(2),
            torch.rand(2), torch.randn_like(x), torch.full((2,), 1.0), torch.linspace(0, 1, 2),
            torch.empty(2), x.new_zeros(2), x.new_tensor([1.0]), torch.randint(0, 3, (2,)),
            torch.randperm(3), torch.as_tensor([1.0]),
        ]  # fmt: skip
    assert all(each.is_inference() for each in made)


def check_results_are_inference_tensors(torch):
    x = torch.ones(2, 2)
    with torch.inference_mode():
        assert (x + 1).is_inference()
        assert x.clone().is_inference()
        assert torch.cat([x, x]).is_inference()
        assert x.max(0).indices.is_inference()


def check_views_of_normal_tensors_are_normal(torch):
    x = torch.ones(4)
    with torch.inference_mode():
        assert not x[:2].is_inference()
        assert not x.view(2, 2).is_inference()
        assert not x.detach().is_inference()


def check_views_of_inference_tensors_are_inference_tensors(torch):
    x = inference_tensor(torch)
    assert x[:2].is_inference()
    assert x.detach().is_inference()
    assert not (x + 1).is_inference()
    assert not x.clone().is_inference()


def check_an_inference_tensor_is_not_saved(torch):
    w = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        w * inference_tensor(torch)


def check_an_inference_tensor_is_added(torch):
    w = torch.ones(3, requires_grad=True)
    (w + inference_tensor(torch)).sum().backward()
    assert w.grad.tolist() == [1, 1, 1]


def check_a_clone_of_an_inference_tensor_is_saved(torch):
    w = torch.ones(3, requires_grad=True)
    (w * inference_tensor(torch).clone()).sum().backward()
    assert w.grad.tolist() == [1, 1, 1]


def check_an_inference_tensor_does_not_learn_to_require_grad(torch):
    with pytest.raises(RuntimeError, match="Setting requires_grad=True on inference tensor"):
        inference_tensor(torch).requires_grad_()


def check_inside_inference_mode_it_may_require_grad(torch):
    with torch.inference_mode():
        assert torch.ones(2, requires_grad=True).requires_grad
        assert not (torch.ones(2, requires_grad=True) * 2).requires_grad


def check_an_inference_tensor_is_not_changed_outside(torch):
    with pytest.raises(RuntimeError, match="Inplace update to inference tensor outside Inference"):
        inference_tensor(torch).add_(1)


def check_an_inference_tensor_is_changed_inside(torch):
    x = inference_tensor(torch)
    with torch.inference_mode():
        x.add_(1)
        x[0] = 5.0
    assert x.tolist() == [5, 2, 2]


def check_an_inference_tensor_has_no_version(torch):
    with pytest.raises(RuntimeError, match="Inference tensors do not track version counter"):
        inference_tensor(torch)._version  # noqa: B018


def check_a_normal_tensor_is_changed_inside_inference_mode(torch):
    x = torch.ones(3)
    with torch.inference_mode():
        x.add_(1)
    assert x.tolist() == [2, 2, 2]
    assert x._version == 1


def check_inference_mode_false_records(torch):
    w = torch.ones(3, requires_grad=True)
    with torch.inference_mode(), torch.inference_mode(False):
        y = w * 2
    assert y.requires_grad
    assert not y.is_inference()


def check_inference_mode_decorates(torch):
    @torch.inference_mode()
    def double(x):
        return x * 2

    assert double(torch.ones(2)).is_inference()


def check_enable_grad_inside_inference_mode_does_not_record(torch):
    w = torch.ones(3, requires_grad=True)
    with torch.inference_mode(), torch.enable_grad():
        y = w + 1
    assert y.is_inference() == (not y.requires_grad)


def check_modes_are_seen(torch):
    with torch.inference_mode():
        assert torch.is_inference_mode_enabled()
        assert not torch.is_grad_enabled()
    assert not torch.is_inference_mode_enabled()
    assert torch.is_grad_enabled()
