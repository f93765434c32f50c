"""Gradient modes, inference mode and anomaly detection."""

import threading

import pytest

import minigrad as mg
from tests.support.leaves import BOTH, leaf, numbers

# --- modes ----------------------------------------------------------------------------------


@BOTH
def test_modes_as_context_and_decorator(m):
    x = leaf(m)

    @m.no_grad
    def bare():
        return (x * 2).requires_grad

    @m.no_grad()
    def called():
        with m.enable_grad():
            inside = (x * 2).requires_grad
        return inside, (x * 2).requires_grad

    @m.no_grad()
    def generator():
        got = yield (x * 2).requires_grad
        yield got, (x * 2).requires_grad

    assert bare() is False
    assert called() == (True, False)
    items = generator()
    assert next(items) is False
    assert m.is_grad_enabled()
    assert items.send("sent") == ("sent", False)
    items.close()
    assert m.is_grad_enabled()
    with m.no_grad():
        assert not m.is_grad_enabled()
        with m.set_grad_enabled(True):
            assert m.is_grad_enabled()
        assert not m.is_grad_enabled()
    m.set_grad_enabled(False)
    assert not m.is_grad_enabled()
    m.set_grad_enabled(True)
    with pytest.raises(KeyError), m.no_grad():
        raise KeyError
    assert m.is_grad_enabled()


@BOTH
def test_modes_are_of_one_thread(m):
    seen = []
    with m.no_grad():
        thread = threading.Thread(target=lambda: seen.append(m.is_grad_enabled()))
        thread.start()
        thread.join()
        assert not m.is_grad_enabled()
    assert seen == [True]


@BOTH
def test_generators_get_what_is_thrown_into_them(m):
    @m.no_grad()
    def generator():
        try:
            yield 1
        except KeyError:
            yield m.is_grad_enabled()

    items = generator()
    next(items)
    assert items.throw(KeyError()) is False


@BOTH
def test_inference_mode(m):
    x = leaf(m)
    with m.inference_mode():
        y = x * 2
        assert m.is_inference_mode_enabled()
        with m.inference_mode(False):
            assert (x * 2).requires_grad
    assert y.is_inference()
    assert not y.requires_grad
    with pytest.raises(RuntimeError, match="Inference tensors cannot be saved for backward"):
        x * y
    with pytest.raises(RuntimeError, match="inference tensor"):
        y.requires_grad_()
    assert numbers(x + y) == [3, 6, 9]
    with pytest.raises(RuntimeError, match=r"[Ii]nplace update to inference tensor"):
        y[:1].add_(1)
    (x * y.clone()).sum().backward()
    assert numbers(x.grad) == numbers(y)

    @m.inference_mode()
    def decorated():
        return (x * 2).is_inference()

    assert decorated()


@BOTH
@pytest.mark.filterwarnings("ignore:Using backward:UserWarning")
def test_the_backward_records_only_for_create_graph(m):
    x = leaf(m)
    seen = []
    h = x * 1
    h.register_hook(lambda g: seen.append(m.is_grad_enabled()))
    h.sum().backward(retain_graph=True)
    h.sum().backward(create_graph=True)
    assert seen == [False, True]


# --- anomalies ------------------------------------------------------------------------------


def _makes_nan(x):
    return (x * 0).sqrt()


def test_anomalies_are_located():
    x = leaf(mg)
    with mg.autograd.detect_anomaly():
        y = (_makes_nan(x) * 0).sum()
        with pytest.raises(RuntimeError, match="returned nan values") as failure:
            y.backward()
    assert "SqrtBackward0" in str(failure.value)
    assert "_makes_nan" in str(failure.value)
    with mg.autograd.detect_anomaly(check_nan=False):
        _makes_nan(x).sum().backward()
    assert not mg.is_anomaly_enabled()
    with mg.autograd.set_detect_anomaly(True):
        assert mg.is_anomaly_enabled()
    assert not mg.is_anomaly_enabled()
