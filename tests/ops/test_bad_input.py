"""Bad input: torch's kind of error, our own words, and nothing changed before it is raised."""

import numpy as np
import pytest
import torch

import minigrad as mg

ERRORS = (RuntimeError, ValueError, TypeError, IndexError, MemoryError, AttributeError)
HUGE = 10**13


def operands(m):
    """x (2, 3), y (4,), a leaf w (2, 3) that requires grad, integers i (2, 3), a 0-d s."""
    return {
        "x": m.arange(6.0).reshape(2, 3),
        "y": m.arange(4.0),
        "w": m.ones(2, 3, requires_grad=True),
        "i": m.arange(6).reshape(2, 3),
        "s": m.tensor(2.0),
    }


CASES = {
    # shapes that do not meet
    "add": lambda m, x, y, **_: x + y,
    "sub": lambda m, x, y, **_: x - y,
    "mul": lambda m, x, y, **_: m.mul(x, y),
    "maximum": lambda m, x, y, **_: m.maximum(x, y),
    "comparison": lambda m, x, y, **_: x < y,
    "where": lambda m, x, y, **_: m.where(x > 1, x, y),
    "masked_fill": lambda m, x, y, **_: x.masked_fill(y > 1, 0.0),
    "masked_select": lambda m, x, y, **_: x.masked_select(y > 1),
    "masked_scatter": lambda m, x, y, **_: x.masked_scatter(x > 0, y),
    "in place": lambda m, x, y, **_: x.add_(y),
    "in place, growing": lambda m, x, y, **_: x.add_(m.ones(2, 2, 3)),
    "copy_": lambda m, x, y, **_: x.copy_(y),
    "fill_": lambda m, x, y, **_: x.fill_(y),
    "assignment": lambda m, x, y, **_: x.__setitem__(0, y),
    "assignment to a mask": lambda m, x, y, **_: x.__setitem__(x > 3, m.ones(5)),
    "assignment to places": lambda m, x, y, **_: x.__setitem__(m.tensor([0, 1]), y),
    "cat": lambda m, x, y, **_: m.cat([x, y[None]]),
    "cat of 0-d": lambda m, s, **_: m.cat([s, s]),
    "cat of other ndim": lambda m, x, y, **_: m.cat([x, y]),
    "cat of nothing": lambda m, **_: m.cat([]),
    "cat of a tensor": lambda m, x, **_: m.cat(x),
    "cat with a number": lambda m, x, **_: m.cat([x, 3]),
    "stack": lambda m, x, y, **_: m.stack([x, y]),
    "stack of nothing": lambda m, **_: m.stack([]),
    "hstack": lambda m, x, y, **_: m.hstack([x, y]),
    "vstack": lambda m, x, y, **_: m.vstack([x, y]),
    "block_diag": lambda m, x, **_: m.block_diag(x, x[None]),
    "broadcast_tensors": lambda m, x, y, **_: m.broadcast_tensors(x, y),
    "broadcast_shapes": lambda m, **_: m.broadcast_shapes((2, 3), (4,)),
    "expand": lambda m, x, **_: x.expand(4, 3),
    "expand to fewer": lambda m, x, **_: x.expand(3),
    "expand by -1": lambda m, x, **_: x.expand(-1, 2, 3),
    "expand by -2": lambda m, x, **_: x.expand(-2, 3),
    "matmul": lambda m, x, **_: x @ x,
    "mm": lambda m, x, y, **_: m.mm(x, y),
    "meshgrid": lambda m, x, **_: m.meshgrid(x, indexing="ij"),
    "meshgrid dtypes": lambda m, y, **_: m.meshgrid(y, y.long(), indexing="ij"),
    "cartesian_prod": lambda m, x, **_: m.cartesian_prod(x, x),
    "combinations": lambda m, x, **_: m.combinations(x),
    "select_scatter": lambda m, x, y, **_: x.select_scatter(y, 0, 0),
    "slice_scatter": lambda m, x, y, **_: x.slice_scatter(y, 0, 0, 1),
    "diagonal_scatter": lambda m, x, y, **_: x.diagonal_scatter(y),
    # shapes that do not fit
    "reshape": lambda m, x, **_: x.reshape(4),
    "reshape by -2": lambda m, x, **_: x.reshape(-2, 3),
    "reshape by two -1": lambda m, x, **_: x.reshape(-1, -1),
    "reshape of nothing": lambda m, x, **_: x[:0].reshape(0, -1),
    "reshape to nothing": lambda m, x, **_: x.reshape(),
    "reshape by floats": lambda m, x, **_: x.reshape((2.0, 3.0)),
    "view": lambda m, x, **_: x.t().view(6),
    "view to another size": lambda m, x, **_: x.view(7),
    "unflatten": lambda m, x, **_: x.unflatten(1, (2, 2)),
    "unflatten to nothing": lambda m, x, **_: x.unflatten(1, ()),
    "flatten backwards": lambda m, x, **_: x.flatten(1, 0),
    "permute too few": lambda m, x, **_: x.permute(0),
    "permute twice": lambda m, x, **_: x.permute(0, 0),
    "movedim": lambda m, x, **_: x.movedim((0, 1), (1,)),
    "movedim twice": lambda m, x, **_: x.movedim((0, 0), (0, 1)),
    "t": lambda m, x, **_: x[None].t(),
    "mT": lambda m, y, **_: y.mT,
    "H": lambda m, x, **_: x[None].H,
    "adjoint": lambda m, y, **_: y.adjoint(),
    "tril": lambda m, y, **_: y.tril(),
    "triu": lambda m, s, **_: s.triu(),
    "diag": lambda m, x, **_: m.diag(x[None]),
    "diagonal of one dim": lambda m, x, **_: x.diagonal(0, 1, 1),
    "diagonal of a vector": lambda m, y, **_: y.diagonal(),
    "diag_embed": lambda m, y, **_: y.diag_embed(0, 1, 1),
    "fill_diagonal_": lambda m, y, **_: y.fill_diagonal_(1.0),
    "rot90 of a vector": lambda m, y, **_: y.rot90(),
    "rot90 of one dim": lambda m, x, **_: x.rot90(1, (0, 0)),
    "fliplr": lambda m, y, **_: y.fliplr(),
    "flipud": lambda m, s, **_: s.flipud(),
    "repeat": lambda m, x, **_: x.repeat(2),
    "repeat negative": lambda m, x, **_: x.repeat(-1, 2),
    "repeat nothing": lambda m, x, **_: x.repeat(),
    "tile": lambda m, x, **_: x.tile((-1,)),
    "repeat_interleave": lambda m, x, **_: x.repeat_interleave(m.tensor([1, 2, 3]), 0),
    "repeat_interleave negative": lambda m, x, **_: x.repeat_interleave(-1),
    "repeat_interleave size": lambda m, x, **_: x.repeat_interleave(
        m.tensor([1, 2]), 0, output_size=9
    ),
    "roll": lambda m, x, **_: x.roll((1, 2), 0),
    "split": lambda m, x, **_: x.split(0),
    "split negative": lambda m, x, **_: x.split(-1),
    "split sizes": lambda m, x, **_: x.split([1, 2]),
    "split of 0-d": lambda m, s, **_: s.split(1),
    "chunk": lambda m, x, **_: x.chunk(0),
    "tensor_split": lambda m, x, **_: x.tensor_split(0),
    "hsplit": lambda m, x, **_: x.hsplit(2),
    "vsplit": lambda m, y, **_: y.vsplit(1),
    "dsplit": lambda m, x, **_: x.dsplit(1),
    "narrow": lambda m, x, **_: x.narrow(1, 2, 2),
    "narrow negative": lambda m, x, **_: x.narrow(1, 0, -1),
    "narrow from outside": lambda m, x, **_: x.narrow(1, 5, 1),
    "unfold": lambda m, x, **_: x.unfold(1, 5, 1),
    "unfold by 0": lambda m, x, **_: x.unfold(1, 2, 0),
    "as_strided": lambda m, x, **_: x.as_strided((4, 2), (3, 2)),
    "as_strided negative": lambda m, x, **_: x.as_strided((2,), (-1,)),
    "as_strided lengths": lambda m, x, **_: x.as_strided((2, 2), (1,)),
    # dimensions
    "sum": lambda m, x, **_: x.sum(2),
    "sum twice": lambda m, x, **_: x.sum((0, -2)),
    "mean": lambda m, x, **_: x.mean(-3),
    "amax": lambda m, x, **_: x.amax(5),
    "argmax": lambda m, x, **_: x.argmax(2),
    "cumsum": lambda m, x, **_: x.cumsum(2),
    "softmax": lambda m, x, **_: x.softmax(2),
    "transpose": lambda m, x, **_: x.transpose(0, 2),
    "squeeze": lambda m, x, **_: x.squeeze(2),
    "squeeze twice": lambda m, x, **_: x.squeeze((0, 0)),
    "unsqueeze": lambda m, x, **_: x.unsqueeze(4),
    "flip": lambda m, x, **_: x.flip(2),
    "flip twice": lambda m, x, **_: x.flip(0, 0),
    "select": lambda m, x, **_: x.select(2, 0),
    "unbind": lambda m, s, **_: s.unbind(),
    "stack dim": lambda m, x, **_: m.stack([x], 4),
    "cat dim": lambda m, x, **_: m.cat([x, x], 2),
    "size": lambda m, x, **_: x.size(2),
    "stride": lambda m, x, **_: x.stride(2),
    "dim of another kind": lambda m, x, **_: x.sum("a"),
    "dim as float": lambda m, x, **_: x.transpose(0, 1.0),
    # indices
    "index": lambda m, x, **_: x[2],
    "index of index": lambda m, x, **_: x[m.tensor([0, 5])],
    "negative index": lambda m, x, **_: x[m.tensor([-3])],
    "too many": lambda m, x, **_: x[0, 0, 0],
    "float": lambda m, x, **_: x[1.0],
    "float tensor": lambda m, x, **_: x[m.tensor([0.5])],
    "int16 tensor": lambda m, x, **_: x[m.tensor([0], dtype=m.int16)],
    "step": lambda m, x, **_: x[::-1],
    "step 0": lambda m, x, **_: x[::0],
    "mask": lambda m, x, **_: x[m.tensor([True, False, True])],
    "mask of another shape": lambda m, x, y, **_: x[y > 1],
    "index of 0-d": lambda m, s, **_: s[0],
    "assignment at an index": lambda m, x, **_: x.__setitem__(2, 1.0),
    "assignment at places": lambda m, x, **_: x.__setitem__(m.tensor([0, 7]), 1.0),
    "select index": lambda m, x, **_: x.select(1, 3),
    "gather": lambda m, x, **_: x.gather(1, m.tensor([[0], [3]])),
    "gather negative": lambda m, x, **_: x.gather(1, m.tensor([[-1]])),
    "gather dims": lambda m, x, **_: x.gather(1, m.tensor([0])),
    "gather size": lambda m, x, **_: x.gather(1, m.zeros(3, 1, dtype=m.int64)),
    "gather dtype": lambda m, x, **_: x.gather(1, m.tensor([[0.0]])),
    "scatter": lambda m, x, **_: x.scatter(1, m.tensor([[3]]), 1.0),
    "scatter src": lambda m, x, **_: x.scatter(1, m.tensor([[0, 1]]), m.ones(1, 1)),
    "scatter dtype": lambda m, x, **_: x.scatter(1, m.tensor([[0]]), m.ones(1, 1).double()),
    "scatter_": lambda m, x, **_: x.scatter_(1, m.tensor([[0], [9]]), 1.0),
    "scatter_add_": lambda m, x, **_: x.scatter_add_(1, m.tensor([[0], [9]]), m.ones(2, 1)),
    "scatter reduce": lambda m, x, **_: x.scatter(1, m.tensor([[0]]), 1.0, reduce="mean"),
    "scatter_reduce": lambda m, x, **_: x.scatter_reduce(1, m.tensor([[0]]), m.ones(1, 1), "most"),
    "index_select": lambda m, x, **_: x.index_select(0, m.tensor([2])),
    "index_select matrix": lambda m, x, **_: x.index_select(0, m.tensor([[0]])),
    "index_select floats": lambda m, x, **_: x.index_select(0, m.tensor([0.0])),
    "index_add": lambda m, x, **_: x.index_add(0, m.tensor([2]), m.ones(1, 3)),
    "index_add size": lambda m, x, **_: x.index_add(0, m.tensor([0]), m.ones(2, 3)),
    "index_add shape": lambda m, x, **_: x.index_add(0, m.tensor([0]), m.ones(1, 1)),
    "index_add_": lambda m, x, **_: x.index_add_(0, m.tensor([0, 2]), m.ones(2, 3)),
    "index_copy": lambda m, x, **_: x.index_copy(0, m.tensor([2]), m.ones(1, 3)),
    "index_copy size": lambda m, x, **_: x.index_copy(0, m.tensor([0]), m.ones(2, 3)),
    "index_copy_": lambda m, x, **_: x.index_copy_(0, m.tensor([0, 2]), m.ones(2, 3)),
    "index_fill": lambda m, x, **_: x.index_fill(0, m.tensor([2]), 1.0),
    "index_fill value": lambda m, x, y, **_: x.index_fill(0, m.tensor([1]), y),
    "index_put": lambda m, x, **_: x.index_put((m.tensor([2]),), m.tensor(1.0)),
    "index_put dtype": lambda m, x, **_: x.index_put((m.tensor([0]),), m.tensor(1)),
    "index_put None": lambda m, x, **_: x.index_put((None, m.tensor([0])), m.tensor(1.0)),
    "take": lambda m, x, **_: x.take(m.tensor([6])),
    "take floats": lambda m, x, **_: x.take(m.tensor([0.0])),
    "take_along_dim": lambda m, x, **_: x.take_along_dim(m.tensor([0]), 1),
    "put": lambda m, x, **_: x.put(m.tensor([6]), m.tensor([1.0])),
    "put size": lambda m, x, **_: x.put(m.tensor([0, 1]), m.tensor([1.0])),
    "put_": lambda m, x, **_: x.put_(m.tensor([0, 9]), m.ones(2)),
    "mask dtype": lambda m, x, **_: x.masked_fill(x, 1.0),
    "mask value": lambda m, x, y, **_: x.masked_fill(x > 1, y),
    "masked_scatter dtype": lambda m, x, i, **_: x.masked_scatter(x > 1, i),
    "one_hot": lambda m, **_: m.nn.functional.one_hot(m.tensor([3]), 2),
    "one_hot negative": lambda m, **_: m.nn.functional.one_hot(m.tensor([-1])),
    # gradients
    "integers that require grad": lambda m, i, **_: i.requires_grad_(),
    "a tensor of integers": lambda m, **_: m.tensor([1, 2], requires_grad=True),
    "integer zeros": lambda m, **_: m.zeros(2, dtype=m.int64, requires_grad=True),
    "bools": lambda m, **_: m.ones(2, dtype=m.bool).requires_grad_(),
    "backward of many": lambda m, w, **_: (w * 2).backward(),
    "backward without a graph": lambda m, x, **_: x.sum().backward(),
    "gradient of another shape": lambda m, w, y, **_: (w * 2).backward(y),
    "grad of another shape": lambda m, w, y, **_: setattr(w, "grad", y),
    "leaf in place": lambda m, w, **_: w.add_(1),
    "leaf assigned": lambda m, w, **_: w.__setitem__(0, 1.0),
    "leaf zeroed": lambda m, w, **_: w.zero_(),
    "leaf through a view": lambda m, w, **_: w[0].mul_(2),
    "leaf scattered": lambda m, w, **_: w.index_fill_(0, m.tensor([0]), 1.0),
    "leaf transposed": lambda m, w, **_: w.t_(),
    "leaf with operator": lambda m, w, **_: w.__iadd__(1),
    "numpy of a leaf": lambda m, w, **_: w.numpy(),
    "apply_": lambda m, w, **_: w.apply_(lambda v: v + 1),
    "requires_grad of a result": lambda m, w, **_: setattr(w * 2, "requires_grad", False),
    "hook without grad": lambda m, x, **_: x.register_hook(print),
    "expanded in place": lambda m, s, **_: s.expand(3).add_(1),
    "floats into integers": lambda m, i, **_: i.add_(1.5),
    "floats divided into integers": lambda m, i, **_: i.div_(2),
    # more than memory holds
    "zeros": lambda m, **_: m.zeros(HUGE, HUGE // 10**7),
    "ones": lambda m, **_: m.ones(HUGE),
    "empty": lambda m, **_: m.empty(HUGE),
    "full": lambda m, **_: m.full((HUGE,), 1.0),
    "new_zeros": lambda m, x, **_: x.new_zeros(HUGE),
    "new_full": lambda m, x, **_: x.new_full((HUGE,), 1.0),
    "huge repeat": lambda m, x, **_: x.repeat(HUGE, 1),
    "huge sum": lambda m, s, **_: s.expand(HUGE) + 1,
    "huge contiguous": lambda m, s, **_: s.expand(HUGE).contiguous(),
    "negative zeros": lambda m, **_: m.zeros(-1),
    "negative new_empty": lambda m, x, **_: x.new_empty(2, -3),
    # nothing to reduce
    "amax of nothing": lambda m, x, **_: x[:0].amax(0),
    "argmax of nothing": lambda m, x, **_: x[:0].argmax(),
    "argmin along nothing": lambda m, x, **_: x[:0].argmin(0),
    "max of nothing": lambda m, x, **_: x[:0].max(),
    "min along nothing": lambda m, x, **_: x[:, :0].min(1),
    "mean of integers": lambda m, i, **_: i.mean(),
    # numbers out
    "item": lambda m, x, **_: x.item(),
    "truth": lambda m, x, **_: bool(x),
    "truth of nothing": lambda m, x, **_: bool(x[:0]),
    "float of many": lambda m, x, **_: float(x),
    "index of a float": lambda m, s, **_: [1, 2, 3][s],
    "len": lambda m, s, **_: len(s),
    "iteration": lambda m, s, **_: iter(s),
    "contains": lambda m, x, **_: "a" in x,
    "imag": lambda m, x, **_: x.imag,
    "type": lambda m, x, **_: x.type("WordTensor"),
    "data": lambda m, x, **_: setattr(x, "data", 3),
    "item deletion": lambda m, x, **_: (
        x.__class__.__delitem__(x, 0)
        if hasattr(x.__class__, "__delitem__")
        else (_ for _ in ()).throw(TypeError())
    ),
    # arguments
    "add a word": lambda m, x, **_: x + "a",
    "add None": lambda m, x, **_: x + None,
    "unknown name": lambda m, x, **_: m.sum(x, axes=3),
    "missing": lambda m, x, **_: m.mul(x),
    "too many arguments": lambda m, x, **_: m.exp(x, x, x),
    "not a tensor": lambda m, **_: m.exp("a"),
}
# torch fails here in a way of its own, not by the error of its like.
OF_ITS_OWN = {
    "apply_": "torch calls a function of a leaf's elements a TypeError",
    "backward of many": "",
}


@pytest.mark.parametrize("name", CASES)
def test_errors(name):
    given = operands(mg)
    before = {key: value.detach().numpy().copy() for key, value in given.items()}
    versions = {key: value._version for key, value in given.items()}
    with pytest.raises(ERRORS) as ours:
        CASES[name](mg, **given)
    for key, value in given.items():
        np.testing.assert_array_equal(value.detach().numpy(), before[key])
        assert value._version == versions[key]
        assert value.grad is None
        assert value.is_leaf
        assert value.requires_grad == (key == "w")
    with pytest.raises((*ERRORS, AssertionError, NotImplementedError)) as theirs:
        CASES[name](torch, **operands(torch))
    assert issubclass(ours.type, theirs.type), f"{ours.value!r} where torch has {theirs.value!r}"
    assert len(str(ours.value)) > 10 or theirs.type is TypeError


MESSAGES = {
    "add": r"\[2, 3\] and \[4\]",
    "reshape": r"\[4\].* size 6 \(of shape \[2, 3\]\)",
    "sum": r"\[-2, 1\], but got 2",
    "index": r"2.*size 2.*\[2, 3\]",
    "cat": r"\[2, 3\].*\[1, 4\]",
    "gather": "index 3 is out of bounds for dimension 1 with size 3",
    "narrow": r"start \(2\) \+ length \(2\) exceeds dimension size \(3\)",
    "expand": r"\[2, 3\].*\[4, 3\]",
    "ones": rf"\[{HUGE}\].*{4 * HUGE:,} bytes",
    "split sizes": r"exactly to 2 .*\[1, 2\]",
    "assignment": r"\[4\].*\[3\]",
    "unfold": r"is 3 but size is 5.*\[2, 3\]",
    "take": "index 6 .*size 6",
    "index_add size": r"\(1\).*\(2\)",
    "as_strided": r"needs 12 elements.*\[2, 3\] has 6",
}


@pytest.mark.parametrize("name", MESSAGES)
def test_messages_have_the_numbers(name):
    with pytest.raises(ERRORS, match=MESSAGES[name]):
        CASES[name](mg, **operands(mg))
