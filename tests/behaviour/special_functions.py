"""Special functions: domains, dtypes and derivatives."""

import math

import pytest


def check_integers_become_floating(torch):
    assert torch.special.erfcx(torch.tensor([0, 1])).dtype == torch.float32
    assert torch.special.bessel_j0(torch.tensor([True])).dtype == torch.float32
    assert torch.special.zeta(torch.tensor([2]), torch.tensor([1])).dtype == torch.float32


def check_incomplete_gamma_functions_want_tensors(torch):
    with pytest.raises(TypeError, match=r"argument 'input' .position 1. must be Tensor, not float"):
        torch.special.gammainc(2.0, torch.ones(2))
    with pytest.raises(TypeError, match=r"argument 'other' .position 2. must be Tensor, not int"):
        torch.igammac(torch.ones(2), 3)


def check_incomplete_gamma_functions_of_integers_are_refused(torch):
    with pytest.raises(RuntimeError, match="not implemented for"):
        torch.igamma(torch.tensor([1]), torch.tensor([2]))


def check_the_shape_of_igamma_has_no_derivative(torch):
    a = torch.ones(2, requires_grad=True)
    result = torch.igamma(a, torch.ones(2))
    assert result.requires_grad
    with pytest.raises(NotImplementedError, match="derivative for 'igamma: input' is not"):
        result.sum().backward()


def check_bessel_functions_leave_the_graph(torch):
    x = torch.ones(2, requires_grad=True)
    for name in ("bessel_j0", "bessel_y1", "modified_bessel_k0", "airy_ai", "spherical_bessel_j0"):
        assert not getattr(torch.special, name)(x).requires_grad


def check_degrees_are_numbers_or_tensors(torch):
    x = torch.tensor([0.5, 2.0])
    by_number = torch.special.legendre_polynomial_p(x, 2)
    by_tensor = torch.special.legendre_polynomial_p(x, torch.tensor([2, 2]))
    assert by_number.tolist() == by_tensor.tolist() == [-0.125, 5.5]
    assert torch.special.hermite_polynomial_he(3.0, torch.tensor([2])).tolist() == [8]


def check_degrees_below_zero_give_zero(torch):
    x = torch.tensor([0.5])
    for name in ("chebyshev_polynomial_t", "laguerre_polynomial_l", "legendre_polynomial_p"):
        assert getattr(torch.special, name)(x, -1).tolist() == [0]


def check_edges_of_the_normal_distribution(torch):
    edges = torch.special.ndtri(torch.tensor([0.0, 0.5, 1.0]))
    assert edges.tolist() == [-math.inf, 0, math.inf]
    assert torch.special.log_ndtr(torch.tensor([-math.inf, math.inf])).tolist() == [-math.inf, 0]
    assert torch.special.ndtri(torch.tensor([1.5])).isnan().all()


def check_cdf_of_a_gamma_distribution(torch):
    gamma = torch.distributions.Gamma(torch.tensor(1.0), torch.tensor(2.0))
    x = torch.tensor([0.25, 1.0], requires_grad=True)
    assert torch.allclose(gamma.cdf(x), 1 - (-2 * x).exp())
    gamma.cdf(x).sum().backward()
    assert torch.allclose(x.grad, 2 * (-2 * x.detach()).exp())
    inverse = torch.distributions.InverseGamma(torch.tensor(1.0), torch.tensor(2.0))
    assert torch.allclose(inverse.cdf(x.detach()), (-2 / x.detach()).exp())
