"""Nodes of the graph have torch's names: `grad_fn.name()` and `type(grad_fn).__name__`."""

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad.engine.op import arr
from minigrad.ops import table
from minigrad.testing.operations import draw
from tests.support.torch_functions import TORCH_FUNCTIONS

COMPARED_BY_NAME = {  # no function of the same arguments: compared in test_functions, below
    "nll_loss", "log_sigmoid", "binary_cross_entropy", "cholesky", "qr",
    "eigh", "svd", "lu",
}  # fmt: skip

# torch has no gradient of the first, and a Function in Python for the second.
NO_NODE_IN_TORCH = {"ldl", "extreme_eigenpairs"}

# One node here, several in torch or none there: the name is that of the node that does the work.
ONE_NODE_HERE = {
    "linear": "torch reshapes an input of other than 2 dimensions and multiplies",
    "mm": "torch expands and reshapes batches, and multiplies them with bmm",
    "cross_entropy": "torch has log_softmax and nll_loss, and a sum of both when it smooths labels",
    "ctc_loss": "compared with a sum over all alignments",
    "bessel_i": "torch has no function for an order above 1",
    "hardsigmoid": "compared with a clamp, for torch's float32 constant",
    "elu": "compared with a where, for the scales of selu",
    "recurrence": "torch has no linear recurrence",
    "lstm_layer": "torch has several nodes for a layer, and none of them takes its gates",
    "gru_layer": "as lstm_layer",
    "rnn_layer": "as lstm_layer",
    "attention": "compared with torch's composed one, which has second derivatives",
    "flat_part": "a slice and a view in one",
    "flat_part_backward": "the adjoint of flat_part is no operation of torch",
    "cast": "torch gives the tensor itself if it has the dtype",
    "contiguous": "torch gives the tensor itself if it is contiguous",
    "sum_to_size": "torch sums, and then views",
    "as_strided_view": "torch reads elements by as_strided; compared with an index",
    "as_strided_backward": "the adjoint of as_strided is no operation of torch",
    "as_strided_scatter": "compared with an index put; torch has CopySlices for views",
}
# Derivatives: torch has a node for them in a backward that is recorded, under these names.
DERIVATIVES = {
    "relu_backward": "ThresholdBackwardBackward0",
    "leaky_relu_backward": "LeakyReluBackwardBackward0",
    "sigmoid_backward": "SigmoidBackwardBackward0",
    "tanh_backward": "TanhBackwardBackward0",
    "softmax_backward": "SoftmaxBackwardDataBackward0",
    "log_softmax_backward": "LogSoftmaxBackwardDataBackward0",
    "conv2d_input_grad": "ConvolutionBackwardBackward0",
    "conv2d_weight_grad": "ConvolutionBackwardBackward0",
    "conv3d_input_grad": "ConvolutionBackwardBackward0",
    "conv3d_weight_grad": "ConvolutionBackwardBackward0",
    "scatter_planes": "MaxPool2DWithIndicesBackwardBackward0",
    "gather_planes": "GatherBackward0",
    "nll_loss_backward": "NllLoss2DBackwardBackward0",
    "adaptive_avg_pool2d_backward": "AdaptiveAvgPool2DBackwardBackward0",
}

SAMPLES = [
    pytest.param(name, case, id=f"{name}-{i}")
    for name, operation in table.declared().items()
    if name in TORCH_FUNCTIONS and name not in ONE_NODE_HERE and name not in DERIVATIVES
    for i, case in enumerate(operation.op.samples)
]


def node_names(result):
    """The node's name as its method and as its class give it, without torch's C++ namespace."""
    result = result[0] if isinstance(result, tuple | list) else result
    node = result.grad_fn
    return node and (node.name().split("::")[-1], type(node).__name__)


def apply(module, function, case):
    rng = np.random.default_rng(1)
    args = [draw(a, rng) if isinstance(a, arr) else a for a in case.args]
    given = [module.tensor(a) if isinstance(a, np.ndarray) else a for a in args]
    for tensor in given:
        if isinstance(tensor, module.Tensor) and tensor.is_floating_point():
            tensor.requires_grad_()
    return function(*given, **case.settings)


@pytest.mark.parametrize(("name", "case"), SAMPLES)
def test_operations(name, case):
    ours = apply(mg, table.declared()[name], case)
    theirs = apply(torch, TORCH_FUNCTIONS[name], case)
    assert node_names(ours) == node_names(theirs)


@pytest.mark.parametrize("name", DERIVATIVES)
def test_derivatives(name):
    operation = table.declared()[name]
    for case in operation.op.samples:
        found = apply(mg, operation, case).grad_fn.name()
        assert found == DERIVATIVES[name]


@pytest.mark.parametrize("case", table.declared()["activation_backward"].op.samples)
def test_derivatives_of_activations(case):
    found = apply(mg, table.declared()["activation_backward"], case).grad_fn.name()
    assert found == f"{case.settings['of'].title()}BackwardBackward0"


def test_every_operation_is_compared():
    compared = set(TORCH_FUNCTIONS) | set(DERIVATIVES) | COMPARED_BY_NAME | {"activation_backward"}
    compared |= NO_NODE_IN_TORCH
    differentiable = {n for n, call in table.declared().items() if call.op.vjp_rules is not None}
    assert differentiable <= compared


def operands(module):
    rng = np.random.default_rng(0)

    def leaf(*shape):
        return module.tensor(rng.uniform(0.1, 0.9, shape)).requires_grad_()

    x, v, image = leaf(3, 3), leaf(3), leaf(1, 2, 4, 4)
    labels = module.tensor([0, 2, 1])
    return {
        "m": module, "F": module.nn.functional, "x": x, "y": x.detach() + 0.5, "v": v, "b": x[None],
        "image": image, "i": labels, "mask": x.detach() > 0.5, "spd": x @ x.T + module.eye(3),
        "kernel": module.ones(2, 2, 2, 2, dtype=module.float64), "rows": labels[None],
    }  # fmt: skip


ONE_NODE_IN_BOTH = """
x[0] | x[1:] | x[:, None] | x[..., 0] | x[...] | x[mask] | x[i] | x[[0, 1]] | x[0, 1:] | x[1:, 0]
x @ y | x.mm(y) | m.bmm(b, b) | F.linear(x, y) | F.linear(x, y, v)
x.T | x.mT | x.transpose(0, 1) | x.permute(1, 0) | x.movedim(0, 1) | x.swapaxes(0, 1)
x.view(9) | x.reshape(9) | x.flatten() | x.ravel() | x.unflatten(0, (3, 1)) | x.view_as(x)
x.squeeze() | b.squeeze(0) | b.squeeze((0, 1)) | x.unsqueeze(0) | x.expand(2, 3, 3) | x.diagonal()
x.select(0, 1) | x.narrow(0, 0, 1) | x.unfold(0, 2, 1) | x.as_strided((2,), (1,))
x.flip(0) | x.roll(1) | x.tril() | x.triu() | m.cat([x, x]) | m.hstack([x, x])
x.sum() | x.sum(0) | x.mean() | x.mean(0) | x.prod() | x.prod(0) | x.nansum() | x.logsumexp(0)
x.max() | x.min() | x.amax() | x.amin(0) | m.max(x, y) | x.median() | x.nanmedian()
x.var() | x.std(0) | x.norm() | m.linalg.vector_norm(x) | x.cumsum(0) | x.cumprod(0)
x ** 2 | x ** 0.5 | x ** y | 2 ** x | x.square() | x.sqrt() | x.rsqrt() | x.reciprocal()
x + 1 | 1 + x | x - 1 | x * 2 | x / 2 | x / y | -x | x % 2 | x % y | m.fmod(x, 2) | m.fmod(x, y)
m.div(x, y, rounding_mode="floor") | m.copysign(x, y) | m.copysign(x, 2) | m.xlogy(x, 2)
m.where(mask, x, y) | m.where(mask, x, 0.0) | x.clamp(0) | x.clamp(max=1) | x.clamp(y)
x.round() | x.round(decimals=1) | x.exp() | x.log1p() | m.deg2rad(x) | m.polygamma(1, x)
m.atan2(x, y) | m.hypot(x, y) | m.maximum(x, y) | m.logaddexp(x, y) | m.frexp(x) | m.i0(x)
x.clone() | x.float() | x.to(m.float32) | x.masked_fill(mask, 0) | x.gather(0, rows)
x.scatter(0, rows, y) | x.scatter_add(0, rows, y) | m.take_along_dim(x, rows, 0)
m.inverse(x) | m.linalg.inv(x) | m.linalg.pinv(x) | m.det(x) | m.linalg.solve(x, y)
m.linalg.cholesky(spd) | m.linalg.lu_factor(x)
m.linalg.solve_triangular(x, y, upper=True) | m.linalg.lstsq(x, y)
F.conv2d(image, kernel) | F.max_pool2d(image, 2) | F.avg_pool2d(image, 2)
F.adaptive_avg_pool2d(image, 2) | F.adaptive_avg_pool2d(image, 1)
F.relu(x) | F.relu6(x) | F.elu(x) | F.selu(x) | F.gelu(x) | F.silu(x) | F.mish(x) | F.softplus(x)
F.logsigmoid(x) | F.hardtanh(x) | F.hardsigmoid(x) | F.hardswish(x) | F.leaky_relu(x)
F.hardshrink(x) | F.softshrink(x) | F.threshold(x, 0.1, 0) | F.tanhshrink(x) | F.softsign(x)
F.softmax(x, 1) | F.log_softmax(x, 1) | F.dropout(x, 0.5) | F.pad(x, (1, 1))
F.layer_norm(x, (3,)) | F.group_norm(x, 1) | F.batch_norm(x, None, None, training=True)
F.cross_entropy(x, i) | F.nll_loss(x, i) | F.nll_loss(b, rows)
F.l1_loss(x, y)
x.clone().add_(1) | x.clone().mul_(2) | x.clone().exp_()
x.sort() | x.sort(stable=True) | x.topk(2) | x.kthvalue(1) | x.mode(0) | x.msort() | x.cummax(0)
x.max(0) | x.median(0) | x.nanmedian(0) | x.aminmax() | m.var_mean(x) | m.std_mean(x)
x @ v | v @ v | x.mv(v) | v.dot(v) | m.vdot(v, v) | m.addmm(x, x, y) | m.addmv(v, x, v)
m.baddbmm(b, b, b) | m.addbmm(x, b, b) | m.addr(x, v, v) | x.trace() | m.cross(x, y, dim=0)
x.repeat(2, 2) | x.tile(2) | x.rot90() | m.stack([x, x]) | x.split(2) | x.split([1, 2])
x.chunk(2) | x.unbind() | m.diag_embed(v) | x.select_scatter(v, 0, 0) | x.slice_scatter(b[0], 0)
m.lerp(x, y, 0.5) | m.lerp(x, y, y) | m.addcmul(x, y, y) | m.addcdiv(x, y, y) | m.ldexp(x, y)
x.clamp_min(0) | x.clamp_max(1) | x.clamp_min(y) | m.special.entr(x) | m.renorm(x, 2, 0, 1.0)
x.masked_select(mask) | x.masked_scatter(mask, y) | x.scatter_reduce(0, rows, y, "sum")
x.index_select(0, i) | x.index_add(0, i, y) | x.index_copy(0, i, y) | x.index_fill(0, i, 1.0)
x.take(i) | x.put(i, v.detach()) | x.index_put((i,), y)
m.linalg.qr(x) | m.linalg.eigh(spd) | m.linalg.eigvalsh(spd) | m.linalg.svd(x)
m.linalg.svdvals(x) | m.linalg.matrix_exp(x) | m.cholesky_solve(x, y) | m.cdist(x, y)
m.dist(x, y) | m.pdist(x) | m.kthvalue(x, 1) | m.mvlgamma(x + 5, 1)
F.mse_loss(x, y) | F.smooth_l1_loss(x, y) | F.huber_loss(x, y) | F.soft_margin_loss(x, y)
F.binary_cross_entropy(x, y / 2) | F.binary_cross_entropy_with_logits(x, y)
F.multi_margin_loss(x, i) | F.multilabel_margin_loss(x, m.stack([i, i, i]))
F.celu(x) | F.prelu(x, v[:1]) | F.glu(b[:, :2], 1) | F.embedding(i, x)
F.pixel_shuffle(x.expand(1, 4, 3, 3), 2)
F.unfold(image, 2) | F.fold(v[:1].expand(1, 4, 1), (2, 2), 2)
F.interpolate(image, scale_factor=2) | F.interpolate(image, scale_factor=2, mode="bilinear")
F.interpolate(image, size=(1, 1), mode="bicubic", antialias=True)
F.pad(b, (1, 1), mode="reflect") | F.pad(image, (1, 1, 1, 1), mode="replicate")
F.grid_sample(image, x[None, :, :2, None].expand(1, 3, 2, 2), align_corners=False)
"""


@pytest.mark.parametrize(
    "expression",
    [e.strip() for line in ONE_NODE_IN_BOTH.strip().split("\n") for e in line.split(" | ")],
)
def test_functions(expression):
    theirs = node_names(eval(expression, operands(torch)))
    assert node_names(eval(expression, operands(mg))) == theirs


# A function of several nodes here or in torch, whose last is another: ours, and the reason.
SEVERAL_NODES = {
    "1 - x": ("SubBackward0", "torch has rsub"),
    "2 / x": ("DivBackward0", "torch multiplies the reciprocal"),
    "x.t()": ("TransposeBackward0", "a transpose, as fast as torch's own t"),
    "x.T.reshape(9)": ("ViewBackward0", "torch copies, and then views"),
    "b @ b": ("BmmBackward0", "torch views the product"),
    "v @ x": ("SqueezeBackward1", "torch squeezes too, by a variant for several dimensions"),
    "F.linear(b, y, v)": ("AddmmBackward0", "torch reshapes a batch, multiplies and views"),
    "F.avg_pool2d(b, 2)": ("SqueezeBackward1", "an image without a batch is given one here"),
    "F.cross_entropy(x, y)": ("MeanBackward0", "torch divides a sum"),
    "F.instance_norm(image)": ("NativeGroupNormBackward0", "torch views a batch norm"),
    "F.rrelu(x)": ("LeakyReluBackward0", "outside training torch keeps a name of its own"),
    "x.norm(p=1)": ("SumBackward0", "a sum of absolute values"),
    "x.scatter(0, rows, 1.0)": ("ScatterBackward0", "a number is scattered as a tensor"),
    "x.diag()": ("CloneBackward0", "a copy of the diagonal"),
    "x.sgn()": ("SignBackward0", "the same for real numbers"),
    "x.repeat_interleave(2)": ("IndexBackward0", "torch expands and views"),
}


@pytest.mark.parametrize("expression", SEVERAL_NODES)
def test_functions_of_several_nodes(expression):
    ours, theirs = (node_names(eval(expression, operands(module))) for module in (mg, torch))
    assert ours[0] == SEVERAL_NODES[expression][0]
    assert ours != theirs


def test_user_functions():
    def names(module):
        class MySpecial(module.autograd.Function):
            @staticmethod
            def forward(ctx, x):
                return x * 2

            @staticmethod
            def backward(ctx, grad_output):
                return grad_output * 2

        return node_names(MySpecial.apply(operands(module)["x"]))

    assert names(mg) == names(torch) == ("MySpecialBackward", "MySpecialBackward")


def test_the_name_outlives_what_the_node_kept():
    x = operands(mg)["x"]
    for y in (x**2, x**x, x @ x, x % x, x[0]):
        before = y.grad_fn.name()
        y.sum().backward()
        assert y.grad_fn.name() == before
