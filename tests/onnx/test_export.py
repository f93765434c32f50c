"""`onnx.export`: its arguments, the file, and what is refused, with the operation and its line."""

import io
import sys

import numpy as np
import pytest

import minigrad as mg
from minigrad import nn
from minigrad.engine.op import arr, pointwise, sample
from minigrad.nn import functional as F
from minigrad.onnx import OnnxExporterError, TrainingMode
from minigrad.onnx.errors import UnsupportedOperatorError

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxruntime")


def network():
    return nn.Sequential(nn.Linear(4, 3), nn.BatchNorm1d(3), nn.Dropout(0.5), nn.ReLU())


# --- names and files ------------------------------------------------------------------------------


def test_the_file_is_read_by_others(tmp_path):
    path = tmp_path / "model.onnx"
    x = mg.randn(2, 4)
    model = network()
    mg.onnx.export(model, x, path, input_names=["x"], output_names=["y"])
    read = onnx.load(path)
    onnx.checker.check_model(read, full_check=True)
    assert [each.name for each in read.graph.input] == ["x"]
    assert [each.name for each in read.graph.output] == ["y"]
    assert {"0.weight", "1.running_mean"} <= {each.name for each in read.graph.initializer}
    assert read.producer_name == "minigrad"
    assert read.opset_import[0].version == 18
    with io.BytesIO() as file:
        mg.onnx.export(model, (x,), file, input_names=["x"], output_names=["y"])
        again = onnx.load_model_from_string(file.getvalue())
    assert [each.output for each in again.graph.node] == [each.output for each in read.graph.node]


def test_names_are_those_of_the_arguments():
    def forward(first, pair, *, named):
        return {"sum": first + pair[0], "rest": (pair[1], named * 2)}

    x = mg.ones(2)
    program = mg.onnx.export(forward, (x, (x, x)), kwargs={"named": x}, verify=True)
    assert [each.name for each in program.graph.inputs] == ["first", "pair_0", "pair_1", "named"]
    assert [each.name for each in program.graph.outputs] == ["sum", "rest_0", "rest_1"]
    program = mg.onnx.export(forward, (x, (x, x)), kwargs={"named": x}, input_names=["a"])
    assert [each.name for each in program.graph.inputs] == ["a", "pair_0", "pair_1", "named"]


def test_one_array_may_be_several_outputs_and_an_input():
    def forward(x):
        y = x * 2
        return y, y, x, y.detach(), mg.ones(2)

    program = mg.onnx.export(forward, (mg.randn(2),), verify=True)
    assert len(program.graph.outputs) == 5


def test_weights_beside_the_file_or_left_out(tmp_path):
    model, x = nn.Linear(30, 40), mg.randn(2, 30)
    path = tmp_path / "model.onnx"
    mg.onnx.export(model, (x,), path, external_data=True)
    assert (tmp_path / "model.onnx.data").stat().st_size >= 30 * 40 * 4
    assert path.stat().st_size < 30 * 40 * 4
    onnx.checker.check_model(str(path))
    program = mg.onnx.export(model, (x,), export_params=False)
    assert [each.name for each in program.model_proto.graph.input] == ["input", "weight", "bias"]
    weights = {name: p.array for name, p in model.named_parameters()}
    np.testing.assert_allclose(program(x, **weights)[0], model(x).detach().numpy(), atol=1e-5)
    program = mg.onnx.export(model, (x,), keep_initializers_as_inputs=True)
    zeros = np.zeros(40, np.float32)
    with mg.no_grad():
        expected = F.linear(x, model.weight).numpy()
    np.testing.assert_allclose(program(x, bias=zeros)[0], expected, atol=1e-5)


def test_what_follows_from_constants_is_folded():
    model = nn.utils.parametrizations.weight_norm(nn.Linear(4, 3))
    x = mg.randn(2, 4)
    program = mg.onnx.export(model, (x,), verify=True)
    assert [node.kind for node in program.graph.nodes] == ["Gemm"]
    program = mg.onnx.export(model, (x,), verify=True, do_constant_folding=False)
    assert len(program.graph.nodes) > 1


def test_nodes_are_printed_with_their_lines(capsys):
    mg.onnx.export(lambda x: x.tanh(), (mg.ones(2),), verbose=True)
    printed = capsys.readouterr().out
    assert "inputs: x float32[2]\noutput = Tanh(x)  # test_export.py:" in printed


# --- modes ----------------------------------------------------------------------------------------


def test_modes():
    model, x = network().train(), mg.randn(4, 4)
    model[1].eval()
    mg.onnx.export(model, (x,), verify=True)
    assert model.training
    assert not model[1].training
    with pytest.raises(UnsupportedOperatorError, match=r"draws random numbers.*eval mode.*\.py:"):
        mg.onnx.export(model, (x,), training=TrainingMode.PRESERVE)
    with pytest.raises(
        OnnxExporterError, match=r"changes '(num_batches_tracked|running_mean)'.*in place"
    ):
        mg.onnx.export(nn.BatchNorm1d(4), (x,), training=TrainingMode.TRAINING)
    frozen = nn.BatchNorm1d(4, track_running_stats=False)
    mg.onnx.export(frozen, (x,), training=TrainingMode.TRAINING, verify=True)


def test_the_model_can_ask():
    seen = []

    def forward(x):
        seen.append(mg.onnx.is_in_onnx_export())
        return x + 1

    mg.onnx.export(forward, (mg.ones(1),))
    assert all(seen)
    assert not mg.onnx.is_in_onnx_export()


# --- dynamic axes ---------------------------------------------------------------------------------


def test_shapes_that_follow_from_two_axes():
    def forward(x):
        n, t, c = x.shape
        y = x.reshape(n * t, c) + mg.arange(c)
        return y.view(n, t, 2, c // 2).transpose(1, 2).reshape(n, 2 * t, -1), y.sum(0) / (n * t)

    axes = {"x": {0: "n", 1: "t"}, "a": {1: "twice"}}
    program = mg.onnx.export(
        forward, (mg.randn(2, 3, 4),), input_names=["x"], output_names=["a", "b"],
        dynamic_axes=axes, verify=True,
    )  # fmt: skip
    assert [each.shape for each in program.graph.outputs] == [["n", "twice", 2], [4]]
    x = mg.randn(5, 2, 4)
    for found, expected in zip(program(x), forward(x), strict=True):
        np.testing.assert_allclose(found, expected.numpy(), atol=1e-5)


def test_torchs_newer_form_of_dynamic_axes():
    x = mg.randn(2, 3)
    for shapes in ({"x": {0: "n"}, "y": {0: "n"}}, ({0: "n"}, {0: "n"})):
        program = mg.onnx.export(lambda x, y: x @ y.t(), (x, x), dynamic_shapes=shapes)
        assert [each.shape for each in program.graph.inputs] == [["n", 3], ["n", 3]]
        assert program.graph.outputs[0].shape == ["n", "n"]
        assert program(mg.ones(4, 3), mg.ones(4, 3))[0].shape == (4, 4)


DECIDING = {
    "other operations": lambda x: x + 1 if x.shape[0] == 2 else x * 2,
    "a number": lambda x: x * (1.0 / (1 + x.shape[0] ** 0.5)),
    "a constant": lambda x: x + mg.tensor(np.random.default_rng(0).random((len(x), 1))).float(),
    "does not run": lambda x: x + mg.ones(2, 3),
    "no formula": lambda x: x.reshape(-1)[: x.shape[0] ** 2 + 1],
}


@pytest.mark.parametrize("name", DECIDING)
def test_what_dynamic_axes_may_not_decide(name):
    with pytest.raises(OnnxExporterError, match=r"test_export\.py|other sizes"):
        mg.onnx.export(DECIDING[name], (mg.randn(2, 3),), dynamic_axes={"x": [0]})


# --- what is refused ------------------------------------------------------------------------------


def hidden(x):
    return x + mg.tensor(x.detach().numpy() * 2)


def view_of_changed(x):
    y = x * 1
    row = y[0]
    row += 1
    return y


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("count", mg.zeros(1))

    def forward(self, x):
        self.count += 1
        return x * self.count


REFUSED = {
    "no translation": (mg.lgamma, r"`lgamma`.*no translation.*test_export\.py:\d+"),
    "a decision": (lambda x: x if x.sum() > 0 else -x, "Python reads numbers"),
    "item": (lambda x: x * x[0, 0].item(), "Python reads numbers"),
    "numpy": (hidden, "by other ways than operations|Python reads"),
    "random": (lambda x: x + mg.randn(2, 2), "random"),
    "dropout": (F.dropout, "draws random numbers"),
    "a view": (view_of_changed, "through a view"),
    "state": (Counting(), "'count' in place"),
    "no tensor": (lambda x: 3, "returns no tensor"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name):
    model, words = REFUSED[name]
    with pytest.raises((OnnxExporterError, AttributeError), match=words):
        mg.onnx.export(model, (mg.randn(2, 2),))


def test_what_is_not_used_needs_no_translation():
    def forward(x):
        mg.lgamma(x)
        return x + 1

    program = mg.onnx.export(forward, (mg.randn(2),), verify=True)
    assert [node.kind for node in program.graph.nodes] == ["Add"]


def test_arguments():
    x = mg.ones(2)
    for wrong, words in (
        ({"opset_version": 17}, "opset_version must be between 18"),
        ({"input_names": ["a", "b"]}, "number of input names"),
        ({"dynamic_axes": {"z": [0]}}, "not a valid input/output name"),
        ({"dynamic_axes": {"x": [1]}}, "no axis 1"),
        ({"dynamic_axes": {"x": [0]}, "dynamic_shapes": {"x": {0: "n"}}}, "one of them"),
    ):
        with pytest.raises(ValueError, match=words):
            mg.onnx.export(lambda x: x + 1, (x,), **wrong)
    for foreign in ("report", "profile", "dump_exported_program"):
        with pytest.raises(NotImplementedError, match=foreign):
            mg.onnx.export(lambda x: x + 1, (x,), **{foreign: True})
    with pytest.raises(OnnxExporterError, match="have the name 'x'"):
        mg.onnx.export(lambda x: x + 1, (x,), output_names=["x"])


def test_without_the_package(monkeypatch):
    monkeypatch.setitem(sys.modules, "onnx", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install minigrad\[onnx\]"):
        mg.onnx.export(lambda x: x + 1, (mg.ones(2),))


# --- operations of users --------------------------------------------------------------------------


@pointwise(vjp=(lambda g, out, x: g * 3,), samples=[sample(arr.of(3))])
def thrice(input):
    return input * 3


def test_translations_of_users():
    def translate(call):
        return call.node("Mul", call.input(0), call.scalar(3))

    x = mg.randn(2)
    with pytest.raises(UnsupportedOperatorError, match="`thrice`"):
        mg.onnx.export(thrice, (x,))
    mg.onnx.export(thrice, (x,), custom_translation_table={thrice: translate}, verify=True)
    domain = {thrice: lambda call: call.node("Thrice", call.input(0), domain="my.domain")}
    program = mg.onnx.export(thrice, (x,), custom_translation_table=domain)
    assert {each.domain for each in program.model_proto.opset_import} == {"", "my.domain"}


def test_a_wrong_translation_is_found():
    wrong = {thrice: lambda call: call.input(0)}
    with pytest.raises(OnnxExporterError, match="differs by"):
        mg.onnx.export(thrice, (mg.ones(2),), custom_translation_table=wrong, verify=True)
