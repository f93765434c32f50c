"""Reading and writing at positions."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from minigrad.onnx.call import Call
from minigrad.onnx.errors import OnnxExporterError
from minigrad.onnx.sizes import varies
from minigrad.onnx.translations.shape import sliced
from minigrad.onnx.translations.table import translates
from minigrad.onnx.views import END
from minigrad.ops.indexing import embedding, gather_scatter, getitem, masks
from minigrad.ops.reduction import sorting
from minigrad.ops.table import declared_in
from minigrad.tensor.methods import inplace

# --- x[...] ---------------------------------------------------------------------------------------


@translates(getitem.getitem)
def _getitem(c: Call) -> str:
    """First what is basic in the index, then the arrays, as in `ops.indexing.getitem`."""
    parts = _without_ellipsis(c.settings["index"], c.ndim())
    x = _basic(c, c.input(0), parts)
    left = [part for part in parts if not isinstance(part, int) or isinstance(part, bool)]
    arrays = [part for part in left if isinstance(part, np.ndarray)]
    if not arrays:
        return x
    if any(part.dtype == bool for part in arrays):
        return _masked(c, x, left)
    places = [k for k, part in enumerate(left) if isinstance(part, np.ndarray)]
    if len(arrays) == 1:
        return c.node("Gather", x, c.of(arrays[0]), axis=places[0])
    return _gathered(c, x, places, len(left), arrays)


@translates(embedding.embedding)
def _embedding(c: Call) -> str:
    return c.node("Gather", c.input(0), c.of(c.settings["index"]), axis=0)


def _without_ellipsis(index: Sequence[Any], ndim: int) -> list[Any]:
    """The parts of an index, one for each dimension, and None where there is a new one."""
    parts = list(index)
    used = sum(_dimensions(part) for part in parts)
    full = [slice(None)] * (ndim - used)
    for k, part in enumerate(parts):
        if part is Ellipsis:
            return [*parts[:k], *full, *parts[k + 1 :]]
    return [*parts, *full]


def _dimensions(part: Any) -> int:
    if part is None or part is Ellipsis:
        return 0
    is_mask = isinstance(part, np.ndarray) and part.dtype == bool
    return part.ndim if is_mask else 1


def _basic(c: Call, x: str, parts: Sequence[Any]) -> str:
    """Slices, then numbers, then new dimensions."""
    starts: list[Any] = []
    ends: list[Any] = []
    axes, steps, dropped, added = [], [], [], []
    axis = place = 0
    for part in parts:
        if part is None:
            added.append(place)
            place += 1
            continue
        if isinstance(part, slice):
            if part != slice(None):
                axes.append(axis)
                starts.append(0 if part.start is None else part.start)
                ends.append(END if part.stop is None else part.stop)
                steps.append(1 if part.step is None else part.step)
        elif not isinstance(part, np.ndarray):
            axes.append(axis)
            dropped.append(axis)
            starts.append(part)
            ends.append(END if part == -1 else part + 1)
            steps.append(1)
        axis += _dimensions(part)
        place += 0 if dropped[-1:] == [axis - 1] else _dimensions(part)
    if axes:
        x = sliced(c, x, starts, ends, axes, steps if set(steps) != {1} else None)
    if dropped:
        x = c.node("Squeeze", x, np.array(dropped, np.int64))
    return c.node("Unsqueeze", x, np.array(added, np.int64)) if added else x


def _masked(c: Call, x: str, parts: Sequence[Any]) -> str:
    """The elements where a mask of the first dimensions is True."""
    mask, *others = parts
    if not isinstance(mask, np.ndarray) or any(isinstance(p, np.ndarray) for p in others):
        raise OnnxExporterError("it indexes with a mask that is not the first part of the index")
    return c.node("GatherND", x, c.node("Transpose", c.node("NonZero", c.of(mask)), perm=[1, 0]))


def _gathered(c: Call, x: str, places: Sequence[int], ndim: int, arrays: Sequence[Any]) -> str:
    """The elements at positions that several arrays give, which broadcast."""
    order = [*places, *(k for k in range(ndim) if k not in places)]
    if order != list(range(ndim)):
        x = c.node("Transpose", x, perm=order)
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    if any(varies(c.values.shape(a)) for a in arrays):
        raise OnnxExporterError("it indexes with several arrays whose size is dynamic")
    columns = []
    for array in arrays:
        name = c.of(array)
        if array.dtype != np.int64:
            name = c.cast(name, np.int64)
        if array.shape != shape:
            name = c.node("Expand", name, c.ints(shape))
        columns.append(c.node("Unsqueeze", name, np.array([-1], np.int64)))
    found = c.node("GatherND", x, c.node("Concat", *columns, axis=-1))
    first = places[0]
    if list(places) != list(range(first, first + len(places))) or not first:
        return found  # arrays that are apart put their dimensions in front, as in NumPy
    count, rest = len(shape), ndim - len(places)
    perm = [*range(count, count + first), *range(count), *range(count + first, count + rest)]
    return c.node("Transpose", found, perm=perm)


# --- x[...] = v -----------------------------------------------------------------------------------


# What indexing gives of an array.
_INDEXED = getitem.getitem.op.forward


def _put(c: Call, index: Any, value: Any, reduction: str = "none") -> str:
    """A copy with values at an index, by the positions of its elements in the flattened array."""
    array = c.args[0]
    x = c.input(0)
    mask = index[0] if len(index) == 1 else None
    if isinstance(mask, np.ndarray) and mask.dtype == bool and not _is_array(value):
        more = [1] * (array.ndim - mask.ndim)
        wide = c.reshape(c.of(mask), [*mask.shape, *more]) if more else c.of(mask)
        return c.node("Where", wide, _filling(c, value), x)
    if len(index) == 1 and index[0] is Ellipsis:
        values = c.of(value) if _is_array(value) else _filling(c, value)
        return c.node("Expand", values, c.ints(c.shape(0)))
    if varies(c.shape(0)) or varies(index):
        raise OnnxExporterError("it writes at an index into an array whose size is dynamic")
    if not all(c.values.is_constant(p) for p in index if isinstance(p, np.ndarray)):
        raise OnnxExporterError("it writes at positions that follow from the inputs")
    numbers = np.arange(array.size).reshape(array.shape)
    places = _INDEXED(numbers, index=getitem.Index(index))
    values = c.of(value) if _is_array(value) else _filling(c, value)
    if _is_array(value) and value.ndim > places.ndim:
        values = c.reshape(values, value.shape[value.ndim - places.ndim :])
    values = c.node("Expand", values, c.ints(places.shape))
    flat = c.node(
        "ScatterElements", c.reshape(x, [-1]), places.reshape(-1), c.reshape(values, [-1]),
        axis=0, reduction=reduction,
    )  # fmt: skip
    return c.reshape(flat, array.shape)


def _is_array(value: Any) -> bool:
    return isinstance(value, np.ndarray)


def _filling(c: Call, value: Any) -> str:
    return c.graph.constant(np.asarray(value).astype(c.args[0].dtype))


@translates(getitem.index_put)
def _index_put(c: Call) -> str:
    return _put(c, c.settings["index"], c.args[1])


@translates(getitem.index_put_scalar)
def _index_put_scalar(c: Call) -> str:
    return _put(c, c.settings["index"], c.settings["value"])


@translates(getitem.index_put_accumulate)
def _index_put_accumulate(c: Call) -> str:
    return _put(c, c.settings["index"], c.args[1], reduction="add")


@translates(getitem.assign, inplace.assign_number, writes=0)
def _assign(c: Call) -> str:
    return _put(c, c.args[1], c.args[2])


@translates(np.copyto, writes=0)
def _copyto(c: Call) -> str:
    same = c.args[0].dtype == c.args[1].dtype
    return c.input(1) if same else c.cast(c.input(1), c.args[0].dtype)


def _written_over(kind: str) -> Any:
    def translate(c: Call) -> str:
        return c.node(kind, c.input(0), c.input(1))

    return translate


for _kind, _ufunc in (
    ("Add", np.add), ("Sub", np.subtract), ("Mul", np.multiply), ("Div", np.divide)
):  # fmt: skip
    translates(_ufunc, writes=2)(_written_over(_kind))


# --- masks, gather and scatter --------------------------------------------------------------------


@translates(declared_in(masks)["masked_fill"])
def _masked_fill(c: Call) -> str:
    return c.node("Where", c.of(c.settings["mask"]), _filling(c, c.settings["value"]), c.input(0))


@translates(masks.spread)
def _spread(c: Call) -> str:
    return c.node("Expand", c.input(0), c.ints(c.args[1]))


@translates(masks.argwhere)
def _argwhere(c: Call) -> str:
    return c.node("Transpose", c.node("NonZero", c.input(0)), perm=[1, 0])


@translates(masks.one_hot)
def _one_hot(c: Call) -> str:
    classes = c.settings["num_classes"]
    if classes < 0:
        raise OnnxExporterError("it counts the classes in its input; give it num_classes")
    return c.node("OneHot", c.input(0), np.int64(classes), np.array([0, 1], np.int64))


@translates(gather_scatter.gather, sorting.take_along)
def _gather(c: Call) -> str:
    if not c.ndim():
        return c.input(0)
    return c.node(
        "GatherElements", c.input(0), c.of(c.settings["index"]), axis=c.axis(c.settings["dim"])
    )


def _scatters(reduction: str) -> Any:
    def translate(c: Call) -> str:
        index, source = c.settings["index"], c.args[1]
        name = c.of(source)
        if source.shape != index.shape:
            axes = list(range(index.ndim))
            name = sliced(c, name, [0] * index.ndim, c.values.shape(index), axes)
        kind = reduction or ("max" if c.settings["largest"] else "min")
        return c.node(
            "ScatterElements", c.input(0), c.of(index), name, axis=c.axis(c.settings["dim"]),
            reduction=kind,
        )  # fmt: skip

    return translate


translates(gather_scatter.scatter)(_scatters("none"))
translates(gather_scatter.scatter_add)(_scatters("add"))
translates(gather_scatter.scatter_prod)(_scatters("mul"))
translates(gather_scatter.scatter_extreme)(_scatters(""))


# --- order ----------------------------------------------------------------------------------------


def _top(c: Call, axis: int, count: Any, largest: bool) -> str:
    size = c.ints([count])
    return c.graph.nodes_of(2, "TopK", c.input(0), size, axis=axis, largest=int(largest))[1]


@translates(sorting.top)
def _topk(c: Call) -> str:
    _, count, axis, largest = c.args
    return _top(c, axis, count, largest)


@translates(sorting.ascending)
def _ascending(c: Call) -> str:
    return _top(c, c.args[1], c.shape(0)[c.args[1]], False)


@translates(sorting.descending_order)
def _descending(c: Call) -> str:
    return _top(c, c.args[1], c.shape(0)[c.args[1]], True)
