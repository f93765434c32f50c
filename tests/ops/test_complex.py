"""Complex tensors: every operation that takes them on its samples, checked and against torch."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.autograd import gradcheck, gradgradcheck
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.testing.samples import describe, draw
from tests.support.against_torch import compare
from tests.support.torch_functions import TORCH_FUNCTIONS

FORMS = {
    name: call
    for name, call in table.declared().items()
    if call.op.complex_form is not None and call.op.complex_form.vjp_rules is not None
}
SAMPLES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, call in FORMS.items()
    for i, case in enumerate(call.op.samples)
    # A power is a number here, and casts are among the functions below.
    if name != "cast" and not (name == "pow" and isinstance(case.args[-1], arr))
]
NUMBERS = np.random.default_rng(3)


def complex_array(*shape):
    return NUMBERS.standard_normal(shape) + 1j * NUMBERS.standard_normal(shape)


def drawn(case):
    """The arguments of a sample, with complex arrays for floating ones."""
    rng = np.random.default_rng(1)
    args = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
    return [
        np.asarray(a + 1j * rng.uniform(0.1, 1.0, a.shape))
        if isinstance(a, np.ndarray) and a.dtype.kind == "f"
        else a
        for a in args
    ]


@pytest.mark.parametrize(("name", "case"), SAMPLES)
@pytest.mark.parametrize("dtype", ["complex128", "complex64"])
def test_values_and_gradients_are_those_of_torch(name, case, dtype):
    args = drawn(case)
    arrays = [a for a in args if isinstance(a, np.ndarray)]
    arrays = [a.astype(dtype) if a.dtype.kind == "c" else a for a in arrays]

    def on_both(module, *tensors):
        given = iter(tensors)
        ours = [next(given) if isinstance(a, np.ndarray) else a for a in args]
        function = TORCH_FUNCTIONS[name] if module is torch else FORMS[name]
        return function(*ours, **case.settings)

    smooth = name not in {"index_put", "scatter"}  # see test_repeated_indices.py
    compare(on_both, *arrays, gradients=smooth, note=f"{name}{describe(case)}")


@pytest.mark.parametrize(("name", "case"), SAMPLES)
def test_derivatives_of_first_and_second_order(name, case):
    args = [mg.tensor(a) if isinstance(a, np.ndarray) else a for a in drawn(case)]
    inputs = [
        a.requires_grad_() if isinstance(a, mg.Tensor) and a.is_complex() else a for a in args
    ]
    if not any(isinstance(a, mg.Tensor) and a.numel() and a.is_complex() for a in inputs):
        return
    assert gradcheck(lambda *given: FORMS[name](*given, **case.settings), inputs)
    assert gradgradcheck(lambda *given: FORMS[name](*given, **case.settings), inputs)


def test_many_operations_take_complex_tensors():
    assert len(FORMS) > 40


PARTS = {
    "real": lambda m, z: m.real(z) * 2,
    "imag": lambda m, z: z.imag.exp(),
    "view_as_real": lambda m, z: m.view_as_real(z).exp(),
    "view_as_real, transposed": lambda m, z: m.view_as_real(z.mT).exp(),
    "view_as_complex": lambda m, z: m.view_as_complex(m.view_as_real(z) ** 2),
    "conj": lambda m, z: m.conj(z) * z * z,
    "conj_physical": lambda m, z: z.conj_physical() * z,
    "abs": lambda m, z: z.abs() ** 3,
    "angle": lambda m, z: z.angle().sin(),
    "sgn": lambda m, z: z.sgn() * z,
    "mH": lambda m, z: z.mH @ z,
    "H": lambda m, z: z.H @ z,
    "vdot": lambda m, z: m.vdot(z[0], z[1]),
    "vecdot": lambda m, z: m.linalg.vecdot(z, z * 2),
    "norm": lambda m, z: m.linalg.norm(z) + z.norm(dim=0) + m.linalg.vector_norm(z, 3, dim=0),
    "Frobenius norm": lambda m, z: m.linalg.matrix_norm(z),
    "real tensor times complex": lambda m, z: z.real * z + z / z.imag - z.real.sub(z),
    "numbers": lambda m, z: (2j * z + z / 3 - 1.5 + 2j - (z - 1)) ** 3 * z**-1 + 1 / z,
    "complex number times real": lambda m, z: z.real * 2j + (1 - 1j) / (z.imag + 4),
    "complex": lambda m, z: m.complex(z.real * z.imag, z.imag.exp()),
    "polar": lambda m, z: m.polar(z.real**2, z.imag),
    "cast to complex": lambda m, z: z.real.to(m.complex128) * z,
    "narrower": lambda m, z: z.to(m.complex64).to(m.complex128) * z,
    "einsum": lambda m, z: m.einsum("ij,kj->ik", z, z.conj()),
    "einsum of three": lambda m, z: m.einsum("ij,jk,kl->il", z, z, z),
    "linear": lambda m, z: m.nn.functional.linear(z, z, z[0]),
    "addmm": lambda m, z: m.addmm(z, z, z, beta=2, alpha=1j),
    "matrix_power": lambda m, z: m.linalg.matrix_power(z, 3),
    "inverse": lambda m, z: m.linalg.inv(z),
    "solve": lambda m, z: m.linalg.solve(z, z * z),
    "cat": lambda m, z: m.cat([z, z.real]) * m.stack([z.imag, z])[0].sum(),
    "index": lambda m, z: z[[0, 2, 0]] * z[:, 1] * z[z.real > -9].sum(),
    "mean": lambda m, z: z.mean(0) * z.mean() + z.sum(-1, keepdim=True),
    "pad": lambda m, z: m.nn.functional.pad(z, (1, 1), "reflect") ** 2,
    "repeat": lambda m, z: z.repeat(2, 1).reshape(2, 9).T.unfold(0, 2, 1) ** 2,
    "eigenvalues": lambda m, z: m.linalg.eigvals(z).abs().sum() + (m.linalg.eigvals(z) ** 3).sum(),
    "eigenvalues of a real matrix": lambda m, z: (m.linalg.eigvals(z.real) ** 2).real.sum(),
    "eigenvectors": lambda m, z: (
        m.linalg.eig(z).eigenvectors.abs().sum(0) * m.linalg.eig(z).eigenvalues.abs()
    ).sum(),
    "eigenvectors of a real matrix": lambda m, z: (
        m.linalg.eig(z.real).eigenvectors.abs() ** 3
    ).sum(),
}


@pytest.mark.parametrize("name", PARTS)
def test_functions_of_complex_tensors(name):
    if "norm" in name:
        compare(PARTS[name], complex_array(3, 3).T)
    compare(PARTS[name], complex_array(3, 3))


@pytest.mark.parametrize("name", sorted(PARTS.keys() - {"narrower"}))  # differences need all digits
def test_derivatives_of_functions(name):
    z = mg.tensor(complex_array(3, 3), requires_grad=True)
    assert gradcheck(lambda z: PARTS[name](mg, z), (z,))
    assert gradgradcheck(lambda z: PARTS[name](mg, z), (z,))


IN_PLACE = {
    "real part": lambda m, z: (z := z * 1, z.real.mul_(3.0), z.abs().sum())[-1],
    "imaginary part": lambda m, z: (z := z * 1, z.imag.add_(z.real), z.abs().sum())[-1],
    "assignment": lambda m, z: (y := z * 1, y.__setitem__(0, z[1] * 1j), y * y)[-1],
    "number": lambda m, z: (y := z * 1, y.__setitem__((0, 1), 2j), y * y)[-1],
    "view as complex": lambda m, z: (
        x := m.view_as_real(z).clone(), m.view_as_complex(x).mul_(2j), x.exp()
    )[-1],
    "transposed": lambda m, z: (y := (z * 2).mT, y.real.add_(1.0), y * y)[-1],
    "every other": lambda m, z: (y := (z * 2)[:, ::2], y.imag.mul_(2.0), y * y)[-1],
    "mul_": lambda m, z: (z * 1).mul_(z).add_(1j).div_(z),
}  # fmt: skip


@pytest.mark.parametrize("name", IN_PLACE)
def test_changes_in_place(name):
    compare(IN_PLACE[name], complex_array(3, 4))
