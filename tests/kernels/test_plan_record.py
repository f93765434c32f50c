"""Plan records: fields are filled and read by name, and what does not fit is an error at once."""

from typing import Any, NamedTuple

import numpy as np
import pytest

from minigrad.kernels.compiler.plan_record import address_dtype, constructor, flatten, record_dtype
from minigrad.kernels.compiler.pointers import pointer_at, record_at
from minigrad.kernels.compiler.task_queue import task_kernel


class Strides(NamedTuple):
    row: int
    column: int


class Plan(NamedTuple):
    length: int
    strides: Strides
    is_negated: bool


class Arrays(NamedTuple):
    out: np.ndarray
    source: np.ndarray


class OtherArrays(NamedTuple):
    source: np.ndarray
    out: np.ndarray


@task_kernel(Arrays, Plan)
def gather_tasks(phase, task, workspace, records):
    """out[task, j] = source[task * row stride + j * column stride], or its negative."""
    record = record_at(records)
    arrays, plan = record.arrays, record.plan
    out, source = pointer_at(workspace, arrays.out), pointer_at(workspace, arrays.source)
    for j in range(plan.length):
        element = source[task * plan.strides.row + j * plan.strides.column]
        out[task * plan.length + j] = -element if plan.is_negated else element


def test_fields_are_read_by_name_whatever_their_order_in_the_call() -> None:
    source = np.arange(24.0)
    out = np.zeros((3, 4))
    plan = Plan(is_negated=True, strides=Strides(column=2, row=8), length=4)
    gather_tasks.prepare(out.dtype, plan, (3,), work=0).run(Arrays(source=source, out=out))
    np.testing.assert_array_equal(out, -source.reshape(3, 8)[:, ::2])


def test_the_dtype_follows_from_the_declaration() -> None:
    integer = np.dtype(np.int64)
    strides = np.dtype([("row", integer), ("column", integer)])
    expected = np.dtype([("length", integer), ("strides", strides), ("is_negated", integer)])
    assert record_dtype(Plan) == expected
    assert address_dtype(Arrays) == np.dtype([("out", integer), ("source", integer)])
    record = gather_tasks.record
    assert record.names == ("arrays", "plan")  # addresses are written over the first fields
    assert flatten(Plan(4, Strides(8, 2), False)) == [4, 8, 2, 0]


def test_a_constructor_makes_what_the_class_makes() -> None:
    make = constructor(Strides)
    strides = make(column=2, row=8)
    assert strides == Strides(8, 2)
    assert type(strides) is Strides
    with pytest.raises(TypeError):
        make(row=8)
    with pytest.raises(TypeError):
        make(row=8, columns=2)


@pytest.mark.parametrize(
    "fields",
    [
        {"length": 4, "strides": Strides(8, 2)},
        {"length": 4, "strides": Strides(8, 2), "is_negated": False, "more": 1},
        {"length": 4, "strides": Strides(8, 2), "negated": False},
    ],
    ids=["missing", "unknown", "misspelt"],
)
def test_a_field_that_is_not_declared_or_not_given_is_an_error(fields: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        Plan(**fields)


def test_a_record_of_another_declaration_is_an_error() -> None:
    plan = Plan(length=4, strides=Strides(row=8, column=2), is_negated=False)
    with pytest.raises(TypeError, match="gather_tasks reads a Plan"):
        gather_tasks.prepare(np.dtype(float), (4, 8, 2, 0), (3,), work=0)
    tasks = gather_tasks.prepare(np.dtype(float), plan, (3,), work=0)
    out, source = np.zeros((3, 4)), np.arange(24.0)
    with pytest.raises(TypeError, match="gather_tasks takes Arrays"):
        tasks.run(OtherArrays(source=source, out=out))
