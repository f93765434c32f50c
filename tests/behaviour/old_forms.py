"""Forms of calls that PyTorch has deprecated and takes still."""

import importlib
import warnings

import pytest

DIFFERENT = {
    "check_size_average_is_the_third_argument_of_a_loss": "`size_average` and `reduce` by position",
}


def _quiet(call, *args, **settings):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return call(*args, **settings)


def check_add_takes_alpha_second(torch):
    x, y = torch.ones(2), torch.full((2,), 3.0)
    assert _quiet(torch.add, x, 2, y).tolist() == [7, 7]


def check_add_in_place_takes_alpha_first(torch):
    x = torch.ones(2)
    assert _quiet(x.add_, 0.5, torch.full((2,), 4.0)) is x
    assert x.tolist() == [3, 3]


def check_the_method_add_takes_alpha_first(torch):
    assert _quiet(torch.ones(2).add, 0.5, torch.full((2,), 4.0)).tolist() == [3, 3]


def check_sub_takes_alpha_second(torch):
    assert _quiet(torch.sub, torch.ones(2), 2, torch.ones(2)).tolist() == [-1, -1]


def check_sub_in_place_takes_alpha_first(torch):
    assert _quiet(torch.ones(2).sub_, 2, torch.ones(2)).tolist() == [-1, -1]


def check_addcmul_takes_value_second(torch):
    x = torch.ones(2)
    assert _quiet(torch.addcmul, x, 0.5, x, x).tolist() == [1.5, 1.5]


def check_addcmul_in_place_takes_value_first(torch):
    x = torch.ones(2)
    _quiet(x.addcmul_, 0.5, torch.full((2,), 2.0), torch.full((2,), 3.0))
    assert x.tolist() == [4, 4]


def check_addcdiv_in_place_takes_value_first(torch):
    x = torch.ones(2)
    _quiet(x.addcdiv_, -2, torch.full((2,), 6.0), torch.full((2,), 3.0))
    assert x.tolist() == [-3, -3]


def check_addcdiv_takes_value_second(torch):
    x = torch.ones(1)
    assert _quiet(torch.addcdiv, x, 4, x, x).tolist() == [5]


def check_addmm_takes_beta_first(torch):
    a = torch.ones(2, 2)
    assert _quiet(torch.addmm, 0.5, a, a, a).tolist() == [[2.5, 2.5], [2.5, 2.5]]


def check_addmm_takes_beta_and_alpha_before_their_tensors(torch):
    a = torch.ones(2, 2)
    assert _quiet(torch.addmm, 0.5, a, 2, a, a).tolist() == [[4.5, 4.5], [4.5, 4.5]]


def check_the_method_addmm_takes_beta_and_alpha_first(torch):
    a = torch.ones(2, 2)
    assert _quiet(a.addmm, 0.5, 2, a, a).tolist() == [[4.5, 4.5], [4.5, 4.5]]


def check_addmm_in_place_takes_beta_first(torch):
    a = torch.ones(2, 2)
    _quiet(a.addmm_, 0.5, a.clone(), a.clone())
    assert a.tolist() == [[2.5, 2.5], [2.5, 2.5]]


def check_addmv_takes_beta_first(torch):
    assert _quiet(torch.addmv, 2, torch.ones(2), torch.ones(2, 3), torch.ones(3)).tolist() == [5, 5]


def check_addr_takes_beta_first(torch):
    found = _quiet(torch.addr, 2, torch.ones(1, 2), 3, torch.ones(1), torch.ones(2))
    assert found.tolist() == [[5, 5]]


def check_baddbmm_takes_beta_first(torch):
    a = torch.ones(1, 1, 1)
    assert _quiet(torch.baddbmm, 2, a, 3, a, a).tolist() == [[[5]]]


def check_addbmm_takes_beta_first(torch):
    a = torch.ones(1, 1, 1)
    assert _quiet(torch.addbmm, 2, a[0], a, a).tolist() == [[3]]


def check_gradients_flow_through_an_old_form(torch):
    x = torch.ones(2, requires_grad=True)
    _quiet(torch.add, torch.ones(2), 3, x).sum().backward()
    assert x.grad.tolist() == [3, 3]


def check_rsub_has_no_old_form(torch):
    with pytest.raises(TypeError):
        torch.rsub(torch.ones(2), 2, torch.ones(2))


def check_a_tensor_is_no_alpha_by_position(torch):
    with pytest.raises(TypeError):
        torch.add(torch.ones(2), torch.ones(2), torch.ones(2))


def check_size_average_false_is_the_sum(torch):
    with pytest.warns(UserWarning, match="please use reduction='sum' instead"):
        loss = torch.nn.MSELoss(size_average=False)
    assert loss.reduction == "sum"


def check_reduce_false_is_none(torch):
    with pytest.warns(UserWarning, match="please use reduction='none' instead"):
        loss = torch.nn.CrossEntropyLoss(reduce=False)
    assert loss.reduction == "none"


def check_reduce_false_wins_over_size_average(torch):
    assert _quiet(torch.nn.L1Loss, size_average=False, reduce=False).reduction == "none"


def check_size_average_true_is_the_mean(torch):
    assert _quiet(torch.nn.BCELoss, size_average=True).reduction == "mean"


def check_size_average_is_the_first_argument_of_a_loss_module(torch):
    assert _quiet(torch.nn.MSELoss, False).reduction == "sum"


def check_size_average_wins_over_reduction(torch):
    loss = _quiet(torch.nn.KLDivLoss, size_average=False, reduction="none")
    assert loss.reduction == "sum"


def check_every_loss_function_takes_size_average(torch):
    x, y, one = torch.zeros(2, 2), torch.ones(2, 2), torch.ones(2)
    F = torch.nn.functional
    for function, args in (
        (F.mse_loss, (x, y)), (F.l1_loss, (x, y)), (F.smooth_l1_loss, (x, y)),
        (F.binary_cross_entropy, (y, y)), (F.binary_cross_entropy_with_logits, (x, y)),
        (F.nll_loss, (x, torch.tensor([0, 1]))), (F.cross_entropy, (x, torch.tensor([0, 1]))),
        (F.hinge_embedding_loss, (x, y)), (F.margin_ranking_loss, (one, one, one)),
        (F.soft_margin_loss, (x, y)), (F.cosine_embedding_loss, (x, y, one)),
        (F.triplet_margin_loss, (x, y, x)), (F.multi_margin_loss, (x, torch.tensor([0, 1]))),
        (F.multilabel_soft_margin_loss, (x, y)), (F.kl_div, (x, y)), (F.poisson_nll_loss, (x, y)),
    ):  # fmt: skip
        old = _quiet(function, *args, size_average=False)
        assert old.item() == function(*args, reduction="sum").item(), function.__name__


def check_a_subclass_of_a_loss_may_pass_size_average_on(torch):
    class Loss(torch.nn.MSELoss):
        def __init__(self, size_average=None):
            super().__init__(size_average=size_average)

    assert _quiet(Loss, False).reduction == "sum"


def check_size_average_is_the_third_argument_of_a_loss(torch):
    x = torch.ones(2)
    assert _quiet(torch.nn.functional.mse_loss, x, 0 * x, False).item() == 2


def check_where_takes_bytes_as_a_condition(torch):
    condition = torch.tensor([1, 0], dtype=torch.uint8)
    with pytest.warns(UserWarning, match="where received a uint8 condition tensor"):
        found = torch.where(condition, torch.ones(2), torch.zeros(2))
    assert found.tolist() == [1, 0]


def check_where_takes_no_other_integers(torch):
    with pytest.raises(RuntimeError, match="where expected condition to be a boolean tensor"):
        torch.where(torch.tensor([1, 0]), torch.ones(2), torch.zeros(2))


def check_split_takes_split_size_by_name(torch):
    assert [p.tolist() for p in torch.arange(3).split(split_size=2)] == [[0, 1], [2]]


def check_split_takes_its_name_in_functions(torch):
    pieces = torch.split(torch.arange(3), split_size_or_sections=[1, 2])
    assert [p.tolist() for p in pieces] == [[0], [1, 2]]


def check_split_with_sizes_takes_split_sizes(torch):
    assert len(torch.arange(3).split_with_sizes(split_sizes=[1, 2], dim=0)) == 2


def check_randint_like_takes_high_alone(torch):
    assert int(torch.randint_like(torch.ones(9), high=2).max()) < 2


def check_only_inputs_is_taken(torch):
    x = torch.ones(2, requires_grad=True)
    (gradient,) = torch.autograd.grad(x.sum(), x, only_inputs=True)
    assert gradient.tolist() == [1, 1]


def check_only_inputs_false_warns(torch):
    x = torch.ones(2, requires_grad=True)
    with pytest.warns(FutureWarning, match="only_inputs argument is deprecated"):
        torch.autograd.grad(x.sum(), x, only_inputs=False)


def check_allow_unused_is_the_seventh_argument(torch):
    x, y = torch.ones(1, requires_grad=True), torch.ones(1, requires_grad=True)
    found = torch.autograd.grad(x.sum(), (x, y), None, None, False, True, True)
    assert found[1] is None


def check_initializers_keep_their_old_names(torch):
    w = torch.zeros(3, 3)
    for name in (
        "uniform", "normal", "constant", "xavier_uniform", "xavier_normal", "kaiming_uniform",
        "kaiming_normal", "orthogonal", "sparse", "eye",
    ):  # fmt: skip
        args = {"constant": (2.0,), "sparse": (0.1,)}.get(name, ())
        with pytest.warns(FutureWarning, match=f"`nn.init.{name}` is now deprecated in favor of"):
            assert getattr(torch.nn.init, name)(w, *args) is w


def check_optimizers_may_require_a_setting(torch):
    module = importlib.import_module(f"{torch.__name__}.optim.optimizer")

    class Scaled(module.Optimizer):
        def __init__(self, params, rate=module.required):
            super().__init__(params, {"rate": rate})

    assert repr(module.required) == "<required parameter>"
    with pytest.raises(ValueError, match="didn't specify a value of required optimization param"):
        Scaled([torch.ones(1, requires_grad=True)])
