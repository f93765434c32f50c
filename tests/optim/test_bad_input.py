"""Mistakes are refused in words, and nothing has changed then."""

import copy

import numpy as np
import pytest

import minigrad as mg
from minigrad import optim
from minigrad.tensor.creation import from_numpy


def parameter(*shape):
    return from_numpy(np.ones(shape)).requires_grad_()


@pytest.mark.parametrize(
    ("cls", "options", "error", "words"),
    [
        (optim.SGD, {"lr": -0.1}, ValueError, r"SGD: lr must be in \[0, inf\], got -0.1"),
        (optim.SGD, {"lr": float("nan")}, ValueError, "lr must be in .* got nan"),
        (optim.SGD, {"lr": "fast"}, TypeError, "lr must be a number, got 'fast'"),
        (optim.SGD, {"lr": mg.tensor([0.1, 0.2])}, ValueError, r"one number, .* shape .*\[2\]"),
        (optim.SGD, {"momentum": -1}, ValueError, "momentum must be in"),
        (optim.SGD, {"dampening": float("nan")}, ValueError, r"dampening must be in \(-inf, inf\)"),
        (optim.SGD, {"weight_decay": -1}, ValueError, "weight_decay must be in"),
        (optim.SGD, {"nesterov": True}, ValueError, "needs a momentum"),
        (
            optim.SGD, {"nesterov": True, "momentum": 0.9, "dampening": 0.1}, ValueError,
            "no dampening, got momentum=0.9, dampening=0.1",
        ),
        (optim.SGD, {"nesterov": 1.5}, TypeError, "nesterov must be True or False, got 1.5"),
        (optim.SGD, {"capturable": True}, TypeError, "capturable"),
        (
            optim.SGD, {"differentiable": True, "fused": True}, RuntimeError,
            "`fused` does not support `differentiable`",
        ),
        (
            optim.Shampoo, {"differentiable": True}, RuntimeError,
            "differentiable=True is not supported: Shampoo runs on whole arrays",
        ),
        (optim.SGD, {"foreach": True, "fused": True}, RuntimeError, "cannot both be True"),
        (optim.SGD, {"learning_rate": 0.1}, TypeError, "learning_rate"),
        (optim.Adam, {"betas": (1.0, 0.9)}, ValueError, r"betas must be in \[0, 1\)"),
        (optim.Adam, {"betas": (0.9, -0.1)}, ValueError, r"betas must be in \[0, 1\)"),
        (optim.Adam, {"betas": (0.9,)}, ValueError, r"betas must be 2 numbers, got \(0.9,\)"),
        (optim.Adam, {"betas": 0.9}, ValueError, "betas must be 2 numbers, got 0.9"),
        (optim.Adam, {"betas": (0.9, None)}, TypeError, "betas must be a number"),
        (optim.Adam, {"eps": -1e-8}, ValueError, "eps must be in"),
        (optim.Adam, {"capturable": True}, RuntimeError, "capturable=True is not supported"),
    ],
)  # fmt: skip
def test_settings_that_make_no_sense(cls, options, error, words):
    with pytest.raises(error, match=words):
        cls([parameter(2)], **options)
    optimizer = cls([parameter(2)])
    before = repr(optimizer)
    if options.keys() <= optimizer.defaults.keys():
        with pytest.raises(error, match=words):
            optimizer.add_param_group({"params": parameter(1), **options})
    assert repr(optimizer) == before


@pytest.mark.parametrize(
    ("params", "error", "words"),
    [
        ([], ValueError, "empty parameter list"),
        (parameter(2), TypeError, "a single Tensor was given"),
        ([np.ones(2)], TypeError, "can only optimize Tensors, but one of the params is ndarray"),
        ([from_numpy(np.ones(2, np.int64))], ValueError, "floating-point Tensors.*int64"),
        ([parameter(2) * 2], ValueError, r"non-leaf Tensor: one of shape .*\[2\]"),
        ([{"lr": 0.1}], ValueError, "needs 'params'"),
        ([{"params": {1, 2}}], TypeError, "a set has none"),
        ([{"params": [parameter(1)]}, [parameter(1)]], TypeError, "a parameter group is a dict"),
        ([("a", parameter(1)), parameter(1)], ValueError, "1 of 2 do"),
        ([("a", parameter(1)), ("a", parameter(1))], ValueError, "more than once: a"),
        (
            [{"params": [("a", parameter(1))]}, {"params": [parameter(1)]}], ValueError,
            "the new one comes without",
        ),
        (3, TypeError, "not iterable"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_optimized(params, error, words):
    with pytest.raises(error, match=words):
        optim.SGD(params)


def test_a_parameter_given_twice():
    p = parameter(1)
    with pytest.raises(ValueError, match="more than once in a parameter group"):
        optim.SGD([p, p])
    with pytest.raises(ValueError, match="more than one parameter group"):
        optim.SGD([{"params": p}, {"params": [p]}])


@pytest.mark.parametrize("gradient", [np.ones(3), np.ones((2, 1)), np.ones(())])
def test_a_gradient_of_another_shape_stops_the_step_before_it_starts(gradient):
    first, second = parameter(2), parameter(2)
    optimizer = optim.SGD([{"params": first}, {"params": second}], lr=0.5)
    first.grad = from_numpy(np.ones(2))
    second.grad = from_numpy(np.ones(2))
    second.data = from_numpy(np.ones((3, 1)))
    first.grad = from_numpy(np.ones(2))
    second.__dict__["grad"] = from_numpy(gradient)
    with pytest.raises(RuntimeError, match="does not fit its parameter"):
        optimizer.step()
    assert first.tolist() == [1.0, 1.0]
    second.grad = None
    optimizer.step()
    assert first.tolist() == [0.5, 0.5]


def test_a_read_only_parameter():
    array = np.ones(2)
    p = from_numpy(array).requires_grad_()
    p.grad = from_numpy(np.ones(2))
    array.flags.writeable = False
    p.array.flags.writeable = False
    with pytest.raises(RuntimeError, match="read-only"):
        optim.SGD([p]).step()
    assert array.tolist() == [1.0, 1.0]


def trained(cls, *shapes, **options):
    params = [parameter(*shape) for shape in shapes]
    optimizer = cls(params, **options)
    for p in params:
        p.grad = from_numpy(np.ones(p.shape))
    optimizer.step()
    return optimizer


@pytest.mark.parametrize(
    ("saved", "words"),
    [
        (lambda: trained(optim.Adam, (2,), (3,)), "2 parameters, this optimizer's has 1"),
        (lambda: trained(optim.Adam, (3,)), r"exp_avg has shape .*\[3\]\), its parameter .*\[2\]"),
        (lambda: trained(optim.SGD, (2,), momentum=0.9), "not that of Adam: its groups have no"),
        (
            lambda: optim.Adam([{"params": parameter(2)}, {"params": parameter(2)}]),
            "2 parameter groups, this optimizer has 1",
        ),
    ],
)
def test_a_state_that_does_not_fit_changes_nothing(saved, words):
    optimizer = trained(optim.Adam, (2,))
    before = copy.deepcopy(optimizer.state_dict())
    with pytest.raises(ValueError, match=words):
        optimizer.load_state_dict(saved().state_dict())
    after = optimizer.state_dict()
    assert after["param_groups"] == before["param_groups"]
    for name, value in before["state"][0].items():
        np.testing.assert_array_equal(after["state"][0][name].numpy(), value.numpy())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda s: s["state"].update({0: {"square_avg": np.ones(2)}}), "holds square_avg, not"),
        (lambda s: s["state"][0].pop("step"), "lacks 'step'"),
        (lambda s: s["state"][0].update(step=np.ones(2)), r"step has shape .*\[2\]"),
        (lambda s: s["param_groups"][0].update(lr=-1.0), "lr must be in"),
        (lambda s: s["param_groups"][0].update(capturable=True), None),
        (lambda s: s["param_groups"][0].pop("betas"), "have no betas"),
        (lambda s: s.pop("state"), "has 'state' and 'param_groups'"),
    ],
)
def test_a_damaged_state_changes_nothing(change, words):
    optimizer = trained(optim.Adam, (2,))
    state = copy.deepcopy(optimizer.state_dict())
    change(state)
    with pytest.raises(RuntimeError if words is None else ValueError, match=words):
        optimizer.load_state_dict(state)
    assert optimizer.param_groups[0]["lr"] == 1e-3
    assert optimizer.state[optimizer.param_groups[0]["params"][0]]["step"].item() == 1


def test_loaded_names_that_differ():
    (a, b), (c, d) = [(parameter(1), parameter(1)) for _ in range(2)]
    saved = optim.SGD([("a", a), ("b", b)]).state_dict()
    with pytest.raises(ValueError, match="they differ in a, c"):
        optim.SGD([("c", c), ("b", d)]).load_state_dict(saved)


def test_a_class_without_rule_and_a_base_without_step():
    with pytest.raises(TypeError, match="needs a rule"):
        optim.RuleOptimizer([parameter(1)])
    with pytest.raises(NotImplementedError, match="does not define step"):
        optim.Optimizer([parameter(1)], {}).step()


def test_a_hook_that_returns_something_else():
    optimizer = trained(optim.SGD, (1,))
    optimizer.register_step_pre_hook(lambda *_: "no")
    with pytest.raises(RuntimeError, match=r"None or a tuple of .*, but got 'no'"):
        optimizer.step()
