"""The graph: views, in-place changes, versions."""

import pytest


def check_a_leaf_that_requires_grad_is_not_changed_in_place(torch):
    x = torch.ones(3, requires_grad=True)
    with pytest.raises(RuntimeError, match="leaf Variable that requires grad"):
        x.add_(1)


def check_a_saved_tensor_that_changed_is_named(torch):
    x = torch.ones(3, requires_grad=True)
    y = x.exp()
    y.mul_(2)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
