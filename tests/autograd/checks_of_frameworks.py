"""Functions of other frameworks, and pairs of NumPy functions, under the same checks.

test_gradcheck_frameworks.py runs them in a process of their own.
"""

from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings

import minigrad as mg
from minigrad import nn
from minigrad.cli import main
from minigrad.testing import GradcheckError, arr, check, sample, strategies, targets
from minigrad.testing.frameworks import framework_of
from minigrad.testing.suite import timed

torch = pytest.importorskip("torch")
jax = pytest.importorskip("jax")
autograd = pytest.importorskip("autograd.numpy")
mygrad = pytest.importorskip("mygrad")
jnp = jax.numpy
FOREIGN = import_module("tests.support.planted_frameworks").FOREIGN  # where all are installed
pytestmark = pytest.mark.filterwarnings(
    "ignore:.torch.jit.script:DeprecationWarning"
)  # torch's own
X = arr.of(2, 3)
SCRIPT = Path(__file__).parents[1] / "programs" / "scripts" / "other_frameworks.py"


class Cube(torch.autograd.Function):
    factor = 3

    @staticmethod
    def forward(ctx, x):
        ctx.save_for_backward(x)
        return x**3

    @classmethod
    def backward(cls, ctx, g):
        (x,) = ctx.saved_tensors
        return g * cls.factor * x**2


class WrongCube(Cube):
    factor = 2


class OnceOnly(Cube):
    @staticmethod
    def backward(ctx, g):
        (x,) = ctx.saved_tensors
        return g * 3 * x.detach() ** 2


RIGHT = {
    "torch": lambda x, y: (torch.sin(x) * y, x.sum()),
    "jax": lambda x, y: (jnp.sin(x) * y, x.sum()),
    "autograd": lambda x, y: autograd.sin(x) * y,
    "mygrad": lambda x, y: mygrad.sin(x) * y,
}


@pytest.mark.parametrize("name", RIGHT)
def test_right_functions_pass(name):
    assert framework_of(RIGHT[name]) == name
    found = check(RIGHT[name], X, X)
    assert found.first < 1e-8
    assert (found.second is None) == (name in {"autograd", "mygrad"})


def test_second_and_third_order_and_forward_mode():
    found = check(lambda x: torch.sin(x) * x, X, forward=True, third_order=True)
    assert found.second < 1e-8
    assert check(lambda x: jnp.sin(x) * x, arr.of(2), forward=True).second < 1e-8
    assert check(lambda x: autograd.sin(x) * x, X).second < 1e-8


WRONG = {
    "a Function of torch": (WrongCube, "factor"),
    "a part detached in torch": (lambda x: x * x.detach() * torch.ones(1), "detached part"),
    "the second order alone": (OnceOnly, "zero"),
    "torch's argument changed": (lambda x: torch.sin(x.data.mul_(2)) * 0 + x, "input in place"),
    "stop_gradient in jax": (lambda x: x * jax.lax.stop_gradient(jnp.sin(x)), None),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_functions_are_found(name):
    function, kind = WRONG[name]
    with pytest.raises(GradcheckError) as failure:
        check(function, X)
    assert failure.value.kind == kind


@pytest.mark.parametrize("name", FOREIGN)
def test_planted_faults_are_caught_and_not_misnamed(name):
    fault = FOREIGN[name]
    with pytest.raises(GradcheckError) as failure:
        check(fault.function, *fault.inputs, framework=fault.framework, **fault.options)
    assert failure.value.kind in {fault.kind, None}


def test_zeros_without_memory_and_derivatives_that_torch_has_not():
    assert check(torch.abs, arr.of(3, 4, away_from=(0.0,))).second < 1e-8
    assert check(torch.nn.functional.l1_loss, X, X).second < 1e-8
    with pytest.raises(NotImplementedError, match="second_order=False"):
        check(torch.nn.functional.hardsigmoid, X)


def test_modules_of_torch_by_parameter_and_mode():
    class Leaky(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.scale = torch.nn.Parameter(torch.ones(3))

        def forward(self, x):
            return x * (self.scale.detach() if self.training else self.scale)

    layers = torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2), torch.nn.Dropout(0.5)
    assert check(torch.nn.Sequential(*layers), arr.of(4, 3), second_order=False).first < 1e-6
    for leaky in (Leaky(), Leaky):
        with pytest.raises(GradcheckError, match=r"Leaky in train mode.*gradient of scale"):
            check(leaky, X)


# --- pairs -----------------------------------------------------------------------------------


def test_what_is_no_function_of_floats_is_said():
    with pytest.raises(GradcheckError, match="no floating-point numbers") as failure:
        check(lambda x: np.floor(9 * x).astype(int), X, vjp=lambda g, x: g)
    assert failure.value.kind == "no floats"
    found = timed("own", "", lambda: check(lambda x: np.tanh(np.asarray(x)), X))
    assert "vjp=" in found.failure


def test_numpy_functions_with_vjp_or_jvp():
    check(np.sin, X, vjp=lambda g, x: g * np.cos(x))
    check(np.sin, X, jvp=lambda t, x: t * np.cos(x))
    check(np.matmul, X, arr.of(3, 2), vjp=lambda g, a, b: (g @ b.T, a.T @ g))
    check(lambda x, n: x**n, sample(X, 3).args[0], 3, vjp=lambda g, x, n: g * n * x ** (n - 1))
    with pytest.raises(GradcheckError, match=r"factor of 1\.5"):
        check(np.sin, X, vjp=lambda g, x: 1.5 * g * np.cos(x))
    with pytest.raises(GradcheckError, match="forward mode"):
        check(np.sin, X, jvp=lambda t, x: -t * np.cos(x))
    with pytest.raises(ValueError, match="gives 1 gradients, expected 2"):
        check(np.matmul, X, arr.of(3, 2), vjp=lambda g, a, b: g @ b.T)


def test_errors_of_frameworks():
    with pytest.raises(ValueError, match="a framework is one of minigrad, torch, jax"):
        check(np.sin, X, framework="tensorflow")
    with pytest.raises(ValueError, match="gives 2 results"):
        check(lambda x: (autograd.sin(x), x), X)


# --- inputs ----------------------------------------------------------------------------------


def test_plain_tensors_and_arrays_become_inputs():
    for x in (mg.rand(3), np.ones(3) / 3, torch.rand(3), jnp.ones(3) / 3):
        with pytest.raises(GradcheckError, match=r"wrong\(\[3\]\).*factor of 0.5|detach"):
            check(wrong, x)
    kept = mg.rand(3), mg.rand(3, requires_grad=True)
    assert check(lambda a, b: a.detach() * b, *kept).first < 1e-8


def wrong(x):
    return x * x.detach()


def test_integer_and_optional_arguments():
    assert check(lambda x, i, n=2: x[i] ** n, arr.of(5, 2), arr.of(4, integers=5)).first < 1e-8


@settings(max_examples=5, deadline=None)
@given(strategies.tensors((3, 2)))
def test_strategies_draw_what_a_check_needs(x):
    assert check(mg.sin, x).first < 1e-8


MODULES = """
from minigrad import nn
images = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten(), nn.Linear(2 * 14 * 14, 2))
words = nn.Embedding(7, 3)
pair = nn.Bilinear(2, 3, 4)
"""


def test_modules_state_no_inputs(tmp_path, capsys):
    file = tmp_path / "modules.py"
    file.write_text(MODULES)
    found = targets.find(str(file))
    assert [s.name for s in found.subjects] == ["images", "words"]
    assert found.subjects[0].cases.samples[0].args[0].shape == (2, 1, 16, 16)
    assert found.subjects[1].cases.samples[0].args[0].integers == 7
    ((name, reason),) = found.passed_over
    assert name == "pair"
    assert "state them, as in check(pair, arr.of(2, 3))" in reason
    assert main(["gradcheck", f"{file}:words"]) == 0
    assert main(["gradcheck", f"{file}:pair"]) == 2
    assert "does not run on inputs made up for it" in capsys.readouterr().err


def test_library_modules_still_guess():
    assert targets._of_module("layer", nn.BatchNorm2d(3)).samples[0].args[0].shape == (2, 3, 6, 6)


def test_the_command_on_a_file_of_other_frameworks(capsys):
    assert main(["gradcheck", str(SCRIPT)]) == 1
    printed = capsys.readouterr().out
    assert "sine is not checked in second order" in printed
    assert "WrongExp([3, 4]): the gradient of argument 0" in printed
    assert "likely: a factor of 0.5 throughout" in printed
    assert "4 subjects, 4 cases: 3 first- and 1 second-order checks passed, 1 cases" in printed
    assert main(["gradcheck", str(SCRIPT), "--budget", "-1"]) == 2
