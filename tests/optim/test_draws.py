"""Random numbers in texts: known words, the normal distribution, the same however they run."""

import copy
from pathlib import Path

import numpy as np
import pytest
from scipy import stats

from minigrad import optim
from minigrad.kernels.fused_optimizer.philox import normal, philox
from tests.support.optim.table import numbers, parameters, set_gradients
from tests.support.processes import output_on_four_threads

ROOT = Path(__file__).parents[2]
word = np.uint64


@pytest.mark.parametrize(
    ("counter", "key", "expected"),
    [  # the known answers of Random123
        ((0, 0, 0, 0), (0, 0), "6627e8d5 e169c58d bc57ac4c 9b00dbd8"),
        ((0xFFFFFFFF,) * 4, (0xFFFFFFFF,) * 2, "408f276d 41c83b0e a20bc7c6 6d5451fd"),
        (
            (0x243F6A88, 0x85A308D3, 0x13198A2E, 0x03707344),
            (0xA4093822, 0x299F31D0),
            "d16cfe09 94fdcceb 5001e420 24126ea1",
        ),
    ],
)
def test_words_are_those_of_the_paper(counter, key, expected):
    found = philox(*map(word, counter), *map(word, key))
    assert " ".join(f"{int(x):08x}" for x in found) == expected


def drawn(seed=0, step=1, parameter=0, draw=0, count=20_000):
    elements = np.arange(count, dtype=word)
    return normal(word(seed), word(step), word(parameter), word(draw), elements)


def test_numbers_are_normal_and_of_every_argument_others():
    first = drawn()
    assert stats.kstest(first, "norm").pvalue > 0.01
    for other in ({"seed": 1}, {"seed": 1 << 40}, {"step": 2}, {"parameter": 1}, {"draw": 1}):
        assert abs(np.corrcoef(first, drawn(**other))[0, 1]) < 0.03
    assert abs(np.corrcoef(first[1:], first[:-1])[0, 1]) < 0.03


def noisy():
    return optim.chain(
        optim.add_noise(0.5, 0.55, seed=7), optim.trace(0.9), optim.add_noise(0.1), lr=0.1
    )


def run(cls, start, gradients):
    params = parameters(start)
    optimizer = cls(params)
    for step in gradients:
        set_gradients(params, step)
        optimizer.step()
    return optimizer, numbers(params)


SHAPES = [(3, 4), (), (0, 2), (9_001,)]


def arrays(rng, dtype="float64"):
    return [np.asarray(rng.standard_normal(shape)).astype(dtype) for shape in SHAPES]


def test_noise_is_what_it_says_and_the_kernel_draws_what_numpy_does():
    rng = np.random.default_rng(0)
    start, gradients = arrays(rng), [arrays(rng) for _ in range(4)]
    rule = copy.copy(noisy().rule)
    rule.is_whole = True

    class AsText(optim.RuleOptimizer, rule=rule):
        """The same rule, run by NumPy."""

    _, found = run(noisy(), start, gradients)
    _, text = run(AsText, start, gradients)
    for k, theta in enumerate(map(np.copy, start)):
        b = None
        for t, step in enumerate(gradients, 1):
            first, second = (
                drawn(seed, t, k, draw, theta.size).reshape(theta.shape)
                for seed, draw in ((7, 0), (0, 1))
            )
            u = step[k] + np.sqrt(0.5 / t**0.55) * first
            b = u if b is None else 0.9 * b + u
            theta[...] -= 0.1 * (b + np.sqrt(0.1 / t**0.55) * second)
        np.testing.assert_allclose(found[k], theta, rtol=1e-12, atol=1e-13)
        np.testing.assert_allclose(text[k], theta, rtol=1e-12, atol=1e-13)


def test_a_run_with_noise_is_resumed_to_the_last_bit():
    rng = np.random.default_rng(0)
    start, gradients = arrays(rng), [arrays(rng) for _ in range(6)]
    _, whole = run(noisy(), start, gradients)
    optimizer, middle = run(noisy(), start, gradients[:3])
    params = parameters(middle)
    second = noisy()(params)
    second.load_state_dict(copy.deepcopy(optimizer.state_dict()))
    for step in gradients[3:]:
        set_gradients(params, step)
        second.step()
    for a, b in zip(whole, numbers(params), strict=True):
        np.testing.assert_array_equal(a, b)


THREADS = """
import hashlib
import numpy as np
from minigrad.kernels.compiler.kernel import set_num_threads
from tests.optim.test_draws import arrays, noisy, run
for threads in (1, 2, 3, 4):
    set_num_threads(threads)
    rng = np.random.default_rng(0)
    big = [np.float32(rng.standard_normal(200_001)), np.float32(rng.standard_normal((30, 41)))]
    _, found = run(noisy(), big, [big] * 3)
    print(hashlib.sha256(b"".join(a.tobytes() for a in found)).hexdigest())
"""


def test_the_number_of_threads_changes_no_bit():
    answer = output_on_four_threads(THREADS)
    assert len(answer.split()) == 4
    assert len(set(answer.split())) == 1


def test_noise_has_legal_settings():
    with pytest.raises(ValueError, match=r"add_noise: seed must be in \[0, 9007199254740992\]"):
        optim.add_noise(seed=-1)


def test_bounds_end_steps_that_would_leave_them():
    rng = np.random.default_rng(0)
    start, gradients = arrays(rng), [arrays(rng) for _ in range(4)]
    cls = optim.chain(optim.trace(0.9), optim.bounds(-0.5, 0.7), lr=0.1)
    _, found = run(cls, start, gradients)
    for k, theta in enumerate(map(np.copy, start)):
        b = None
        for step in gradients:
            b = step[k] if b is None else 0.9 * b + step[k]
            theta[...] = np.clip(theta - 0.1 * b, -0.5, 0.7)
        np.testing.assert_allclose(found[k], theta, rtol=1e-13, atol=1e-15)
        assert (found[k] >= -0.5).all()
        assert (found[k] <= 0.7).all()
    with pytest.raises(ValueError, match="bounds changes new parameters: it must stand at the end"):
        optim.chain(optim.bounds(0.0, 1.0), optim.trace())
