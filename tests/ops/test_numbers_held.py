"""Numbers that are written into tensors: held, wrapped where there is no sign, or refused."""

import itertools

import pytest

from tests.support.calls import assert_same_call, lines

NUMBERS = (
    "300",
    "-1",
    "-255",
    "-256",
    "2.5",
    "1e300",
    "float('inf')",
    "float('nan')",
    "1j",
    "1+0j",
)
DTYPES = ("uint8", "int32", "int64", "float16", "float32", "bool")
WRITERS = {
    "full": "m.full((2,),N,dtype=m.T)",
    "full_like": "m.full_like(m.zeros(2,dtype=m.T),N)",
    "new_full": "m.zeros(2,dtype=m.T).new_full((2,),N)",
    "fill_": "m.zeros(2,dtype=m.T).fill_(N)",
    "setitem": "x=m.zeros(2,dtype=m.T); x[0]=N; x",
    "masked_fill": "m.zeros(2,dtype=m.T).masked_fill(t([True,False]),N)",
    "masked_fill 0-d": "m.zeros(2,dtype=m.T).masked_fill(t([True,False]),t(N))",
    "index_fill": "m.zeros(2,dtype=m.T).index_fill(0,t([0]),N)",
    "scatter": "m.zeros(2,dtype=m.T).scatter(0,t([0]),N)",
}
CALLS = [
    call.replace("N", number).replace("m.T", f"m.{dtype}")
    for (name, call), number, dtype in itertools.product(WRITERS.items(), NUMBERS, DTYPES)
    if name != "index_fill" or "j" not in number  # PyTorch refuses even 1+0j there
]

EDGES = lines("""
    F.pad(line(3),(0,2),'reflect')
    F.pad(line(3),(2,0),'reflect')
    F.pad(square(3),(0,2,0,2),'reflect')
    F.pad(m.zeros(2),(1,1),value=1j)
    m.linalg.vander(t(2.),N=2)
    m.ones(2).byte(memory_format=m.contiguous_format)
    m.ones(1,2,1,2).double(memory_format=m.channels_last).stride()
""")

COMPLEX = lines("""
    x=t([1+2j,-.5j]); m.addcmul(x,x,x,value=3.5)
    x=t([1+2j,-.5j]); m.addcmul(x,x,x,value=2)
    x=t([1+2j,-.5j]); m.addcdiv(x,x,x,value=3.5)
    x=t([1+2j,-.5j]); m.add(x,x,alpha=2.5)
    x=t([1+2j,-.5j]); x.sub(x,alpha=2.5)
    x=t([1+2j,-.5j]); x.add_(x,alpha=.5)
    m.stft(t([1j]*16),4,window=m.ones(4),return_complex=False,onesided=False)
    t([True,False]).sum_to_size(2)
""")


@pytest.mark.parametrize("call", [*CALLS, *EDGES, *COMPLEX])
def test_calls_as_torch_s(call):
    assert_same_call(call)
