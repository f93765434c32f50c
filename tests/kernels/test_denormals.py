"""Denormal numbers: flushed when asked, in every family of kernels and every thread.

The results are those of IEEE arithmetic with denormal numbers taken as zeros; NumPy's where kept.
"""

import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.kernels import denormals
from tests.support.processes import streams
from tests.support.threads import in_threads

pytestmark = pytest.mark.skipif(
    not mg.set_flush_denormal(False), reason="this CPU always keeps denormal numbers"
)

LARGE = 1 << 18  # elements, which two threads share
TINY = {mg.float32: 1e-40, mg.float64: 1e-310}


@pytest.fixture(autouse=True)
def kept_afterwards():
    threads = mg.get_num_threads()
    yield
    mg.set_flush_denormal(False)
    mg.set_num_threads(threads)


def tiny(dtype, *shape):
    return mg.full(shape, TINY[dtype], dtype=dtype)


def least(dtype, *shape):
    """The smallest number that is not denormal: half of it is."""
    return mg.full(shape, mg.finfo(dtype).tiny, dtype=dtype)


# Each gives numbers that are denormal, or sums of them, from denormal operands or normal ones.
OPERATIONS = {
    "a denormal operand": lambda d: tiny(d, LARGE) * 1.0,
    "a denormal result": lambda d: least(d, LARGE) * 0.5,
    "addition": lambda d: tiny(d, LARGE) + tiny(d, LARGE),
    "relu": lambda d: mg.relu(tiny(d, LARGE)) + 0.0,
    "a sum": lambda d: tiny(d, LARGE).sum(),
    "sums of rows": lambda d: tiny(d, 512, 512).sum(1),
    "sums of columns": lambda d: tiny(d, 512, 512).sum(0),
    "a mean": lambda d: tiny(d, LARGE).mean(),
    "a running sum": lambda d: tiny(d, 512, 512).cumsum(1),
    "a matrix product": lambda d: tiny(d, 256, 256) @ mg.ones(256, 256, dtype=d),
    "a product with a vector": lambda d: tiny(d, 512, 512) @ mg.ones(512, dtype=d),
    "a convolution": lambda d: mg.nn.functional.conv2d(
        tiny(d, 8, 4, 16, 16), mg.ones(8, 4, 3, 3, dtype=d)
    ),
    "an average pool": lambda d: mg.nn.functional.avg_pool2d(tiny(d, 16, 16, 32, 32), 2),
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dtype", TINY, ids=str)
@pytest.mark.parametrize("name", OPERATIONS)
def test_denormal_numbers_are_flushed_and_kept_again(name, dtype, threads):
    if threads > mg.get_num_threads():
        pytest.skip("there is one thread")
    mg.set_num_threads(threads)
    operation = OPERATIONS[name]
    for flushes in (False, True, False):
        assert mg.set_flush_denormal(flushes)
        found = operation(dtype).view(mg.int32 if dtype is mg.float32 else mg.int64)
        # Bits are compared: a comparison of floats takes denormal numbers as zeros as well.
        zeros = int((found == 0).sum())
        assert zeros == (found.numel() if flushes else 0)


def test_an_update_rule_flushes():
    parameter = mg.nn.Parameter(least(mg.float32, LARGE) * 1.5)
    parameter.grad = least(mg.float32, LARGE)
    mg.set_flush_denormal(True)
    mg.optim.SGD([parameter], lr=1.0).step()
    assert not parameter.detach().view(mg.int32).any()


def test_each_thread_has_a_setting_of_its_own_and_helpers_follow_their_caller():
    """Two threads of Python launch kernels in turns, one with denormal numbers and one without."""
    x, found, turn = tiny(mg.float32, LARGE), [], threading.Barrier(2)

    def run(flushes):
        mg.set_flush_denormal(flushes)
        for _ in range(20):
            turn.wait()
            found.append((flushes, int((x * 1.0).view(mg.int32).count_nonzero())))

    in_threads(run, [(flushes,) for flushes in (True, False)])
    assert set(found) == {(True, 0), (False, LARGE)}
    assert (x * 1.0).view(mg.int32).all()


def test_helper_threads_of_another_layer_follow():
    program = (
        "import minigrad as mg\n"
        f"x = mg.full(({LARGE},), 1e-40)\n"
        "counts = []\n"
        "for flushes in (True, False, True):\n"
        "    mg.set_flush_denormal(flushes)\n"
        "    counts.append(int((x * 1.0).view(mg.int32).count_nonzero()))\n"
        f"assert counts == [0, {LARGE}, 0], counts\n"
    )
    streams(program, NUMBA_THREADING_LAYER="workqueue")


def test_threads_begin_as_the_one_that_starts_them():
    mg.set_flush_denormal(True)
    found = []
    thread = threading.Thread(target=lambda: found.append(float(np.float64(1e-310) * 1)))
    thread.start()
    thread.join()
    assert found == [0]


def test_no_bit_of_exp_depends_on_when_it_is_compiled():
    """Its bounds were computed from the smallest denormal number."""
    program = (
        "import minigrad as mg, numpy as np\n"
        "mg.set_flush_denormal(True)\n"
        "from minigrad.kernels.simd import math\n"
        "mg.set_flush_denormal(False)\n"
        "x = mg.linspace(-110, 88, 1000)\n"
        "np.testing.assert_allclose(x.exp().numpy(), np.exp(x.numpy().astype('f8')), 1e-6, 1e-45)\n"
    )
    streams(program, PYTHONWARNINGS="error")


def test_what_is_no_bool_is_refused():
    with pytest.raises(RuntimeError, match="expects a bool, but got int"):
        mg.set_flush_denormal(1)


def test_a_control_that_does_not_change_is_reported(monkeypatch):
    class Refusing:
        def run(self, mode):
            return False

    monkeypatch.setattr(denormals, "_set_flushing", Refusing())
    assert mg.set_flush_denormal(True) is False
