"""Inputs that torch refuses, and calls next to them that it takes."""

import pytest

import minigrad as mg
from tests.support.calls import assert_same_call, lines

# Inputs that PyTorch's own tests expect to be refused, among others.
REFUSED = lines("""
    m.isclose(t([1.]),t([1.]),rtol=-1)
    m.isclose(t([1.]),t([1.]),atol=-1)
    m.allclose(t([1.]),t([1.]),rtol=-1)
    m.isclose(t([1]),t([1]),rtol=-1)
    m.isclose(t([1.]),t([1]))
    m.isclose(t([1.]),t([1.],dtype='float64'))
    m.isclose(t([1.]),2)
    m.isclose(2,t([1.]))
    F.embedding(t([0]),m.ones(2,3,4))
    F.embedding(t([0]),m.ones(2))
    F.embedding(t([0.]),m.ones(2,3))
    F.embedding(t([True]),m.ones(2,3))
    F.embedding(t([0],dtype='int16'),m.ones(2,3))
    F.embedding(t([2]),m.ones(2,3))
    F.embedding(t([-1]),m.ones(2,3))
    F.embedding(t([0]),m.ones(2,3,dtype=m.int64))
    F.embedding_bag(t([[0]]),m.ones(2,3,4))
    F.embedding_bag(t([[0]]),m.ones(2))
    F.embedding_bag(t([0]),m.ones(2,3))
    F.embedding_bag(t([[0]]),m.ones(2,3),t([0]))
    F.embedding_bag(t([0]),m.ones(2,3),t([1]))
    F.embedding_bag(t([0]),m.ones(2,3),t([0,2]))
    F.embedding_bag(t([0]),m.ones(2,3),t([0]),per_sample_weights=m.ones(2),mode='sum')
    F.embedding_bag(t([0]),m.ones(2,3),t([0]),per_sample_weights=m.ones(1),mode='mean')
    F.embedding_bag(t([0]),m.ones(2,3),t([[0]]))
    m.roll(t(1.),0,0)
    m.roll(t(1.),1)
    m.roll(t([1,2]),(1,1),0)
    m.roll(t([1,2]),1,(0,0))
    m.roll(t([1,2]),(1,2))
    m.roll(t([1,2]),(1,),(0,))
    m.roll(t([1,2]),())
    m.roll(t([1,2]),1,1)
    m.narrow(m.ones(3),0,t(True),1)
    m.narrow(m.ones(3),0,t(1),1)
    m.narrow(m.ones(3),0,t(1.),1)
    m.narrow(m.ones(3),0,t([1]),1)
    m.narrow(m.ones(3),0,True,1)
    m.narrow(m.ones(3),0,1.,1)
    m.narrow(m.ones(3),0,-1,1)
    m.narrow(m.ones(3),0,2,2)
    m.narrow(m.ones(3),0,0,-1)
    m.narrow(t(1.),0,0,1)
    m.narrow(m.ones(3),1,0,1)
    m.narrow(m.ones(3),0,4,0)
    m.masked_fill(m.ones(2),t([True,False]),t([1.]))
    m.fill(m.ones(2),t([1.]))
    m.masked_fill(m.ones(2),t([1,0]),2.)
    m.masked_fill(m.ones(2),t([True,False]),1j)
    m.masked_fill(t([1,2]),t([True,False]),1.5)
    m.masked_fill(t([1,2]),t([True,False]),t(1.5))
    m.where(t([1,0]),t([1.,2]),t([3.,4]))
    m.where(t([True,False]),1,2)
    m.where(t([True,False]),1,2.)
    m.heaviside(t([1.]),2)
    m.heaviside(2,t([1.]))
    m.nextafter(t([1.]),2)
    m.nextafter(t([1]),t([2]))
    m.max(2,t([1]))
    m.max(t([1]),2)
    m.ones(3).normal_(0,-1)
    m.ones(3).uniform_(1,0)
    m.ones(3).exponential_(-1)
    m.ones(3).geometric_(2)
    m.ones(3).bernoulli_(2)
    m.ones(3).cauchy_(0,-1)
    m.ones(3).log_normal_(0,-1)
    m.normal(t([0.]),-1.)
    m.normal(0.,-1.,(2,))
    m.normal(t([0.]),t([-1.]))
    m.arange(0,64,0)
    m.arange(0,-1)
    m.arange(0,1,-1)
    m.arange(0,float('nan'))
    m.arange(0,float('inf'))
    m.linspace(0,1,-1)
    m.eye(-1)
    m.zeros(-1)
    F.adaptive_avg_pool2d(m.ones(2,2),2)
    F.adaptive_max_pool2d(m.ones(2,2),2)
    F.adaptive_avg_pool1d(m.ones(2),2)
    F.adaptive_max_pool1d(m.ones(2),2)
    F.huber_loss(m.ones(2),m.ones(2),delta=0)
    F.smooth_l1_loss(m.ones(2),m.ones(2),beta=-1)
    F.l1_loss(m.ones(5,4),m.ones(5))
    F.mse_loss(m.ones(5,4),m.ones(5,))
""")


@pytest.mark.parametrize("call", REFUSED)
def test_bad_input_is_refused_as_in_torch(call):
    assert_same_call(call)


FIRST = ["eq", "ne", "lt", "le", "gt", "ge", "fmod", "copysign"]
BOTH = [
    "maximum",
    "minimum",
    "fmax",
    "fmin",
    "atan2",
    "hypot",
    "logaddexp",
    "logaddexp2",
    "logical_and",
    "logical_or",
    "logical_xor",
    "gcd",
    "lcm",
    "nextafter",
    "heaviside",
    "ldexp",
    "isclose",
    "dist",
]


@pytest.mark.parametrize("name", FIRST + BOTH)
def test_numbers_are_refused_where_torch_takes_tensors_only(name):
    assert_same_call(f"m.{name}(2, t([1, 2]))")
    assert_same_call(f"m.{name}(t([1, 2]), 2)")
    with pytest.raises(TypeError, match=r"\(position 1\) must be Tensor, not int"):
        getattr(mg, name)(2, mg.tensor([1, 2]))
