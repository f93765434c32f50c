"""Activations."""

import math

from minigrad.onnx.call import Call
from minigrad.onnx.translations.table import Translate, translates, translates_to
from minigrad.ops.nn import activation, loss, piecewise_activation, softmax

translates_to({"Relu": activation.relu, "Sigmoid": activation.sigmoid, "Tanh": activation.tanh,
               "HardSwish": piecewise_activation.hardswish})  # fmt: skip


@translates(activation.leaky_relu)
def _leaky_relu(c: Call) -> str:
    return c.node("LeakyRelu", c.input(0), alpha=float(c.settings["negative_slope"]))


@translates(activation.gelu)
def _gelu(c: Call) -> str:
    x, approximate = c.input(0), c.settings["approximate"]
    if c.opset >= 20:
        return c.node("Gelu", x, approximate=approximate)
    if approximate == "none":
        inner = c.node("Erf", c.node("Mul", x, c.scalar(math.sqrt(0.5))))
    else:
        cube = c.node("Mul", c.node("Mul", c.node("Mul", x, x), x), c.scalar(0.044715))
        inner = c.node("Add", x, cube)
        inner = c.node("Tanh", c.node("Mul", inner, c.scalar(math.sqrt(2 / math.pi))))
    weight = c.node("Add", inner, c.scalar(1))
    return c.node("Mul", c.node("Mul", x, c.scalar(0.5)), weight)


@translates(piecewise_activation.hardtanh)
def _hardtanh(c: Call) -> str:
    low, high = c.settings["min_val"], c.settings["max_val"]
    return c.node("Clip", c.input(0), c.scalar(low), c.scalar(high))


@translates(piecewise_activation.hardsigmoid)
def _hardsigmoid(c: Call) -> str:
    return c.node("HardSigmoid", c.input(0), alpha=1 / 6, beta=0.5)


@translates(piecewise_activation.hardshrink)
def _hardshrink(c: Call) -> str:
    return c.node("Shrink", c.input(0), lambd=float(c.settings["lambd"]), bias=0.0)


@translates(piecewise_activation.softshrink)
def _softshrink(c: Call) -> str:
    lambd = float(c.settings["lambd"])
    return c.node("Shrink", c.input(0), lambd=lambd, bias=lambd)


@translates(piecewise_activation.threshold)
def _threshold(c: Call) -> str:
    x, value = c.input(0), c.scalar(c.settings["value"])
    return c.node("Where", c.node("Greater", x, c.scalar(c.settings["threshold"])), x, value)


@translates(piecewise_activation.elu)
def _elu(c: Call) -> str:
    x = c.input(0)
    positive, negative, rate = (c.settings[name] for name in ("positive", "negative", "rate"))
    if positive == rate == 1:
        return c.node("Elu", x, alpha=float(negative))
    below = c.node("Mul", c.node("Min", x, c.scalar(0)), c.scalar(rate))
    below = c.node("Mul", c.node("Sub", c.node("Exp", below), c.scalar(1)), c.scalar(negative))
    above = c.node("Mul", x, c.scalar(positive))
    return c.node("Where", c.node("Greater", x, c.scalar(0)), above, below)


@translates(piecewise_activation.softplus)
def _softplus(c: Call) -> str:
    x, beta = c.input(0), c.settings["beta"]
    scaled = x if beta == 1 else c.node("Mul", x, c.scalar(beta))
    soft = c.node("Softplus", scaled)
    soft = soft if beta == 1 else c.node("Div", soft, c.scalar(beta))
    is_above = c.node("Greater", scaled, c.scalar(c.settings["threshold"]))
    return c.node("Where", is_above, x, soft)


@translates(piecewise_activation.silu)
def _silu(c: Call) -> str:
    return c.node("Mul", c.input(0), c.node("Sigmoid", c.input(0)))


@translates(piecewise_activation.mish)
def _mish(c: Call) -> str:
    return c.node("Mul", c.input(0), c.node("Tanh", c.node("Softplus", c.input(0))))


@translates(loss.log_sigmoid)
def _log_sigmoid(c: Call) -> str:
    return c.node("Neg", c.node("Softplus", c.node("Neg", c.input(0))))


@translates(loss.huber)
def _huber(c: Call) -> str:
    beta, size = c.settings["beta"], c.node("Abs", c.input(0))
    inner = c.node("Mul", c.node("Mul", size, size), c.scalar(0.5 / beta))
    outer = c.node("Sub", size, c.scalar(0.5 * beta))
    return c.node("Where", c.node("Less", size, c.scalar(beta)), inner, outer)


def _over_axis(kind: str) -> Translate:
    def translate(c: Call) -> str:
        if c.ndim():
            return c.node(kind, c.input(0), axis=c.axis(c.settings["dim"]))
        return c.reshape(c.node(kind, c.reshape(c.input(0), [1]), axis=0), [])

    return translate


translates(softmax.softmax)(_over_axis("Softmax"))
translates(softmax.log_softmax)(_over_axis("LogSoftmax"))
