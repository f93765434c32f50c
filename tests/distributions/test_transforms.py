"""Transforms agree with PyTorch's, and those of the registries reach their sets."""

import numpy as np
import pytest
import torch
from torch import distributions as reference

import minigrad as mg
from minigrad import distributions

# How each is built, the shape of a point, and the numbers that its points are made of.
TRANSFORMS = {
    "exp": (lambda d, lib: d.ExpTransform(), (3,), np.array),
    "power": (lambda d, lib: d.PowerTransform(lib.tensor([2.0, -0.5, 3.0])), (3,), np.abs),
    "sigmoid": (lambda d, lib: d.SigmoidTransform(), (3,), np.array),
    "softplus": (lambda d, lib: d.SoftplusTransform(), (3,), np.array),
    "tanh": (lambda d, lib: d.TanhTransform(), (3,), np.array),
    "affine": (lambda d, lib: d.AffineTransform(lib.tensor([1.0, 2.0, 0.5]), -2.0), (3,), np.array),
    "affine of vectors": (lambda d, lib: d.AffineTransform(0.5, 2.0, event_dim=1), (3,), np.array),
    "cdf": (
        lambda d, lib: d.CumulativeDistributionTransform(d.Normal(0.3, 1.5)), (3,), np.array,
    ),
    "reshape": (lambda d, lib: d.ReshapeTransform((2, 3), (6,)), (2, 3), np.array),
    "stick breaking": (lambda d, lib: d.StickBreakingTransform(), (4,), np.array),
    "corr cholesky": (lambda d, lib: d.CorrCholeskyTransform(), (6,), np.array),
    "compose": (
        lambda d, lib: d.ComposeTransform(
            [d.AffineTransform(0.1, 0.5), d.TanhTransform(), d.StickBreakingTransform()]
        ),
        (4,), np.array,
    ),
    "independent": (lambda d, lib: d.IndependentTransform(d.ExpTransform(), 1), (3,), np.array),
    "cat": (
        lambda d, lib: d.CatTransform([d.ExpTransform(), d.TanhTransform()], -1, [1, 2]),
        (3,), np.array,
    ),
    "stack": (
        lambda d, lib: d.StackTransform([d.ExpTransform(), d.AffineTransform(1.0, 3.0)], -1),
        (2,), np.array,
    ),
    "inverse": (lambda d, lib: d.ExpTransform().inv, (3,), np.abs),
}  # fmt: skip
NOT_BIJECTIVE = {
    "abs": (lambda d: d.AbsTransform(), (3,)),
    "softmax": (lambda d: d.SoftmaxTransform(), (3,)),
    "lower cholesky": (lambda d: d.LowerCholeskyTransform(), (3, 3)),
    "positive definite": (lambda d: d.PositiveDefiniteTransform(), (3, 3)),
}


@pytest.fixture(autouse=True)
def float64():
    before = torch.get_default_dtype(), mg.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    mg.set_default_dtype(mg.float64)
    yield
    torch.set_default_dtype(before[0])
    mg.set_default_dtype(before[1])


def same(mine, theirs):
    np.testing.assert_allclose(mine.detach().numpy(), theirs.numpy(), rtol=1e-7, atol=1e-9)


def points(shape, kind):
    return kind(np.random.default_rng(0).uniform(-1.5, 1.5, (2, *shape)))


@pytest.mark.parametrize("name", TRANSFORMS)
def test_bijections(name):
    make, shape, kind = TRANSFORMS[name]
    x = points(shape, kind)
    theirs, mine = make(reference, torch), make(distributions, mg)
    a, b = torch.tensor(x), mg.tensor(x)
    image, found = theirs(a), mine(b)
    same(found, image)
    same(mine.inv(found), theirs.inv(image))
    same(mine.log_abs_det_jacobian(b, found), theirs.log_abs_det_jacobian(a, image))
    assert mine.bijective
    assert mine.forward_shape(x.shape) == tuple(image.shape)
    assert mine.inverse_shape(image.shape) == x.shape
    for domain in ("domain", "codomain"):
        assert getattr(mine, domain).event_dim == getattr(theirs, domain).event_dim


@pytest.mark.parametrize("name", NOT_BIJECTIVE)
def test_others(name):
    make, shape = NOT_BIJECTIVE[name]
    x = points(shape, np.array)
    theirs, mine = make(reference), make(distributions)
    image, found = theirs(torch.tensor(x)), mine(mg.tensor(x))
    same(found, image)
    same(mine.inv(found), theirs.inv(image))
    assert mine.bijective == theirs.bijective
    if not mine.bijective:
        with pytest.raises(NotImplementedError):
            mine.log_abs_det_jacobian(mg.tensor(x), found)


SETS = {
    "real": (lambda c: c.real, (3,)),
    "positive": (lambda c: c.positive, (3,)),
    "greater than 2": (lambda c: c.greater_than(2.0), (3,)),
    "less than -1": (lambda c: c.less_than(-1.0), (3,)),
    "unit interval": (lambda c: c.unit_interval, (3,)),
    "interval": (lambda c: c.interval(-2.0, 5.0), (3,)),
    "half open interval": (lambda c: c.half_open_interval(0.0, 3.0), (3,)),
    "simplex": (lambda c: c.simplex, (3,)),
    "lower cholesky": (lambda c: c.lower_cholesky, (3, 3)),
    "positive definite": (lambda c: c.positive_definite, (3, 3)),
    "corr cholesky": (lambda c: c.corr_cholesky, (6,)),
    "real vector": (lambda c: c.real_vector, (3,)),
    "independent": (lambda c: c.independent(c.positive, 1), (3,)),
    "cat": (lambda c: c.cat([c.positive, c.unit_interval], -1, [1, 2]), (3,)),
    "stack": (lambda c: c.stack([c.positive, c.unit_interval], -1), (2,)),
}


@pytest.mark.parametrize("registry", ["biject_to", "transform_to"])
@pytest.mark.parametrize("name", SETS)
def test_registries(name, registry):
    make, shape = SETS[name]
    x = points(shape, np.array)
    constraint = make(distributions.constraints)
    if registry == "biject_to" and name in ("lower cholesky", "positive definite"):
        with pytest.raises(NotImplementedError, match="Cannot transform"):
            distributions.biject_to(constraint)
        return
    found = getattr(distributions, registry)(constraint)(mg.tensor(x))
    assert constraint.check(found).all()
    same(found, getattr(reference, registry)(make(reference.constraints))(torch.tensor(x)))


def test_a_cache_gives_the_very_point_back():
    transform = distributions.TanhTransform(cache_size=1)
    x = mg.tensor([20.0])  # its image rounds to 1, whose inverse is infinite
    y = transform(x)
    assert transform.inv(y) is x
    assert transform(x) is y
    assert transform.inv.inv is transform
