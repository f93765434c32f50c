"""vision.ops: by hand, by invariants, and against plain loops over the definitions."""

import math

import numpy as np
import pytest
import torch

import minigrad as mg
from minigrad import nn
from minigrad.vision import ops

RNG = np.random.default_rng(0)


def some_boxes(count):
    corner = RNG.uniform(0, 20, (count, 2))
    return mg.from_numpy(np.concatenate([corner, corner + RNG.uniform(1, 10, (count, 2))], 1))


def iou(a, b):
    common = max(min(a[2], b[2]) - max(a[0], b[0]), 0) * max(min(a[3], b[3]) - max(a[1], b[1]), 0)
    area = [(x[2] - x[0]) * (x[3] - x[1]) for x in (a, b)]
    return common / (sum(area) - common)


# --- boxes ---


def test_overlaps_of_known_boxes():
    a = mg.tensor([[0.0, 0.0, 10.0, 10.0]])
    b = mg.tensor([[0.0, 0.0, 10.0, 10.0], [5.0, 5.0, 15.0, 15.0], [20.0, 20.0, 30.0, 30.0]])
    np.testing.assert_allclose(ops.box_iou(a, b).numpy(), [[1, 25 / 175, 0]], rtol=1e-6)
    hulls = np.array([100, 225, 900])
    unions = np.array([100, 175, 200])
    expected = np.array([1, 25 / 175, 0]) - (hulls - unions) / hulls
    np.testing.assert_allclose(ops.generalized_box_iou(a, b).numpy()[0], expected, rtol=1e-6)
    distances = np.array([0, 50 / 450, 800 / 1800])
    np.testing.assert_allclose(
        ops.distance_box_iou(a, b).numpy()[0], [1, 25 / 175, 0] - distances, rtol=1e-6
    )
    assert ops.box_area(b).tolist() == [100, 100, 100]


def test_overlaps_are_those_of_the_definition():
    a, b = some_boxes(7), some_boxes(5)
    expected = [[iou(x, y) for y in b.tolist()] for x in a.tolist()]
    np.testing.assert_allclose(ops.box_iou(a, b).numpy(), expected, rtol=1e-12, atol=1e-15)
    for fmt in ("xywh", "cxcywh"):
        others = [ops.box_convert(x, "xyxy", fmt) for x in (a, b)]
        np.testing.assert_allclose(ops.box_iou(*others, fmt=fmt).numpy(), expected, atol=1e-12)
        np.testing.assert_allclose(ops.box_area(others[0], fmt).numpy(), ops.box_area(a).numpy())


def test_formats_are_converted_and_back():
    box = mg.tensor([[1.0, 2.0, 5.0, 10.0]])
    assert ops.box_convert(box, "xyxy", "xywh").tolist() == [[1, 2, 4, 8]]
    assert ops.box_convert(box, "xyxy", "cxcywh").tolist() == [[3, 6, 4, 8]]
    for one in ("xyxy", "xywh", "cxcywh"):
        for two in ("xyxy", "xywh", "cxcywh"):
            there = ops.box_convert(box, one, two)
            assert there is not box
            assert ops.box_convert(there, two, one).tolist() == box.tolist()
    with pytest.raises(ValueError, match="Unsupported Bounding Box Conversions"):
        ops.box_convert(box, "xyxy", "yxyx")


def test_suppression_keeps_the_best_of_each_heap():
    boxes = some_boxes(60)
    scores = mg.from_numpy(RNG.permutation(60).astype(float))
    kept = ops.nms(boxes, scores, 0.3).tolist()
    rows = boxes.tolist()
    left = sorted(range(60), key=lambda i: -scores[i].item())
    expected = []
    while left:
        best = left.pop(0)
        expected.append(best)
        left = [i for i in left if iou(rows[best], rows[i]) <= 0.3]
    assert kept == expected
    assert 5 < len(kept) < 60
    assert ops.nms(boxes, scores, 1.0).tolist() == sorted(
        range(60), key=lambda i: -scores[i].item()
    )
    assert ops.nms(boxes[:0], scores[:0], 0.5).tolist() == []


def test_suppression_within_classes():
    boxes = mg.tensor([[0.0, 0, 10, 10], [0, 0, 10, 10], [1, 0, 10, 10], [0, 0, 10, 9]])
    scores = mg.tensor([0.4, 0.9, 0.8, 0.7])
    assert ops.nms(boxes, scores, 0.5).tolist() == [1]
    assert ops.batched_nms(boxes, scores, mg.tensor([0, 0, 1, 1]), 0.5).tolist() == [1, 2]
    assert ops.batched_nms(boxes, scores, mg.tensor([0, 1, 2, 3]), 0.5).tolist() == [1, 2, 3, 0]
    with pytest.raises(ValueError, match="4 elements in dimension 1"):
        ops.nms(boxes[:, :3], scores, 0.5)
    with pytest.raises(ValueError, match="same number of elements"):
        ops.nms(boxes, scores[:2], 0.5)


def test_boxes_are_clipped_measured_and_found():
    boxes = mg.tensor([[-5.0, -5, 30, 8], [3, 4, 5, 6]])
    assert ops.clip_boxes_to_image(boxes, (10, 20)).tolist() == [[0, 0, 20, 8], [3, 4, 5, 6]]
    assert ops.remove_small_boxes(boxes, 3).tolist() == [0]
    masks = mg.zeros(2, 5, 6)
    masks[0, 1:3, 2:5] = 1
    assert ops.masks_to_boxes(masks).tolist() == [[2, 1, 4, 2], [0, 0, 0, 0]]


# --- losses ---


def test_focal_loss_is_the_paper_s():
    logits, targets = RNG.normal(size=(4, 3)), RNG.integers(0, 2, (4, 3)).astype(float)
    for alpha, gamma in ((0.25, 2), (-1, 2), (0.5, 0)):
        ours = mg.from_numpy(logits.copy()).requires_grad_()
        theirs = torch.from_numpy(logits.copy()).requires_grad_()
        wanted = torch.from_numpy(targets)
        right = torch.where(wanted == 1, theirs.sigmoid(), 1 - theirs.sigmoid())
        weight = 1 if alpha < 0 else torch.where(wanted == 1, alpha, 1 - alpha)
        expected = (-weight * (1 - right) ** gamma * right.log()).mean()
        found = ops.sigmoid_focal_loss(ours, mg.from_numpy(targets), alpha, gamma, "mean")
        found.backward()
        expected.backward()
        np.testing.assert_allclose(found.item(), expected.item(), rtol=1e-12)
        np.testing.assert_allclose(ours.grad.numpy(), theirs.grad.numpy(), rtol=1e-9)
    with pytest.raises(ValueError, match="Invalid alpha value: 2"):
        ops.sigmoid_focal_loss(mg.zeros(1), mg.zeros(1), 2)
    with pytest.raises(ValueError, match="Supported reduction modes"):
        ops.sigmoid_focal_loss(mg.zeros(1), mg.zeros(1), reduction="max")


@pytest.mark.parametrize(
    ("loss", "overlap"),
    [
        (ops.generalized_box_iou_loss, ops.generalized_box_iou),
        (ops.distance_box_iou_loss, ops.distance_box_iou),
    ],
)
def test_losses_of_boxes_are_one_less_the_overlap(loss, overlap):
    a, b = some_boxes(6), some_boxes(6)
    pairs = overlap(a, b).numpy().diagonal()
    np.testing.assert_allclose(loss(a, b).numpy(), 1 - pairs, atol=1e-7)
    np.testing.assert_allclose(loss(a, b, "sum").item(), (1 - pairs).sum(), atol=1e-6)
    np.testing.assert_allclose(loss(a, a).numpy(), 0, atol=1e-7)
    assert loss(a[:0], b[:0], "mean").item() == 0
    mg.autograd.gradcheck(loss, (a.requires_grad_(), b.requires_grad_()))


def test_the_complete_loss_adds_the_difference_of_shapes():
    a, b = mg.tensor([[0.0, 0, 4, 2]]), mg.tensor([[0.0, 0, 2, 4]])
    plain, shape = 1 - 4 / 12, 4 / math.pi**2 * (math.atan(2) - math.atan(0.5)) ** 2
    plain += 2 / 32
    expected = plain + shape**2 / (1 - 4 / 12 + shape)
    np.testing.assert_allclose(ops.complete_box_iou_loss(a, b).numpy(), [expected], rtol=1e-5)


# --- regions of interest ---


def bilinear(plane, y, x):
    height, width = plane.shape
    if y < -1 or y > height or x < -1 or x > width:
        return 0.0
    y, x = max(y, 0), max(x, 0)
    low, left = min(int(y), height - 1), min(int(x), width - 1)
    high, right = min(low + 1, height - 1), min(left + 1, width - 1)
    down, across = (y - low if low < height - 1 else 0), (x - left if left < width - 1 else 0)
    top = plane[low, left] * (1 - across) + plane[low, right] * across
    return (
        top * (1 - down) + (plane[high, left] * (1 - across) + plane[high, right] * across) * down
    )


@pytest.mark.parametrize("ratio", [-1, 2])
@pytest.mark.parametrize("aligned", [False, True])
def test_aligned_regions_are_means_of_samples(ratio, aligned):
    maps = RNG.normal(size=(2, 3, 8, 9))
    rois = np.array([[0, 1, 1.5, 14, 9], [1, -6, -3, 30, 40], [1, 4, 4, 4.5, 4.5]])
    rows, columns, scale = 3, 2, 0.5
    expected = np.zeros((3, 3, rows, columns))
    for k, (image, *box) in enumerate(rois):
        left, top, right, bottom = (c * scale - 0.5 * aligned for c in box)
        height, width = bottom - top, right - left
        if not aligned:
            height, width = max(height, 1), max(width, 1)
        down, across = height / rows, width / columns
        ny = ratio if ratio > 0 else math.ceil(down)
        nx = ratio if ratio > 0 else math.ceil(across)
        for c, i, j in np.ndindex(3, rows, columns):
            expected[k, c, i, j] = np.mean(
                [
                    bilinear(
                        maps[int(image), c],
                        top + down * (i + (a + 0.5) / ny),
                        left + across * (j + (b + 0.5) / nx),
                    )
                    for a in range(ny)
                    for b in range(nx)
                ]
            )
    module = ops.RoIAlign((rows, columns), scale, ratio, aligned)
    found = module(mg.from_numpy(maps), mg.from_numpy(rois))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-10, atol=1e-12)
    lists = [mg.from_numpy(rois[:1, 1:]), mg.from_numpy(rois[1:, 1:])]
    np.testing.assert_array_equal(module(mg.from_numpy(maps), lists).numpy(), found.numpy())


def test_pooled_regions_are_maxima_of_cells():
    plane = np.arange(36.0).reshape(1, 1, 6, 6)
    maps = mg.from_numpy(plane).requires_grad_()
    found = ops.RoIPool(2, 1.0)(maps, mg.tensor([[0.0, 0, 0, 3, 3], [0, 4, 4, 20, 20]]))
    assert found[0].tolist() == [[[7, 9], [19, 21]]]
    assert found[1].tolist() == [[[35, 0], [0, 0]]]
    found.sum().backward()
    assert maps.grad.nonzero().tolist() == [[0, 0, 1, 1], [0, 0, 1, 3], [0, 0, 3, 1], [0, 0, 3, 3],
                                            [0, 0, 5, 5]]  # fmt: skip


def test_regions_of_other_shapes_are_refused():
    maps = mg.zeros(1, 2, 4, 4)
    for pool in (ops.roi_align, ops.roi_pool):
        assert pool(maps, mg.zeros(0, 5), 2).shape == (0, 2, 2, 2)
        with pytest.raises(ValueError, match=r"Tensor\[K, 5\], got \(1, 4\)"):
            pool(maps, mg.zeros(1, 4), 2)
        with pytest.raises(ValueError, match=r"List\[Tensor\[L, 4\]\], got \(1, 5\)"):
            pool(maps, [mg.zeros(1, 5)], 2)


# --- blocks ---


def test_stochastic_depth_keeps_the_mean():
    mg.manual_seed(0)
    x = mg.ones(4000, 2, 1)
    rows = ops.StochasticDepth(0.25, "row")(x)
    assert set(np.unique(rows.numpy()).round(6)) == {0, np.float32(4 / 3).round(6)}
    assert (rows[:, 0] == rows[:, 1]).all()
    assert abs(rows.mean().item() - 1) < 0.05
    assert len(np.unique(ops.stochastic_depth(x, 0.5, "batch").numpy())) == 1
    assert ops.stochastic_depth(x, 1.0, "row").sum().item() == 0
    assert ops.StochasticDepth(0.5, "row").eval()(x) is x
    with pytest.raises(ValueError, match="between 0 and 1, but got 2"):
        ops.stochastic_depth(x, 2, "row")
    with pytest.raises(ValueError, match="'batch' or 'row', but got column"):
        ops.stochastic_depth(x, 0.5, "column")


def test_a_frozen_norm_is_a_norm_in_evaluation():
    norm = nn.BatchNorm2d(3).double()
    norm(mg.from_numpy(RNG.normal(2, 3, (8, 3, 4, 4))))
    frozen = ops.FrozenBatchNorm2d(3).double()
    frozen.load_state_dict(norm.state_dict())
    x = mg.from_numpy(RNG.normal(size=(2, 3, 4, 4)))
    np.testing.assert_allclose(frozen(x).numpy(), norm.eval()(x).detach().numpy(), rtol=1e-12)
    assert not list(frozen.parameters())
    assert repr(frozen) == "FrozenBatchNorm2d(3, eps=1e-05)"


def test_blocks_are_made_of_the_layers_asked_for():
    kinds = [type(layer).__name__ for layer in ops.Conv2dNormActivation(3, 4)]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"]
    bare = ops.Conv2dNormActivation(
        3, 4, (5, 3), dilation=2, norm_layer=None, activation_layer=None
    )
    assert (len(bare), bare[0].padding, bare[0].bias is None) == (1, (4, 2), False)
    mlp = ops.MLP(4, [5, 6, 2], norm_layer=nn.LayerNorm, dropout=0.1)
    assert [type(layer).__name__ for layer in mlp] == [
        "Linear", "LayerNorm", "ReLU", "Dropout", "Linear", "LayerNorm", "ReLU", "Dropout",
        "Linear", "Dropout",
    ]  # fmt: skip
    with pytest.raises(ValueError, match="at least one number"):
        ops.MLP(4, [])
    assert ops.Permute([0, 2, 1])(mg.zeros(2, 3, 4)).shape == (2, 4, 3)
    x = mg.rand(2, 4, 3, 3)
    scaled = ops.SqueezeExcitation(4, 2)(x) / x
    np.testing.assert_allclose(scaled.std((2, 3)).detach().numpy(), 0, atol=1e-6)
