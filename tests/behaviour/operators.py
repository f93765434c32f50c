"""Tensors in Python: operators, conversions, iteration, protocols."""

import math
import operator

import pytest


class Foreign:
    """A class whose reflected operators take anything."""

    def __radd__(self, other):
        return "reflected"

    __rsub__ = __rmul__ = __rtruediv__ = __rfloordiv__ = __rmod__ = __rpow__ = __radd__
    __rmatmul__ = __rlshift__ = __rrshift__ = __rand__ = __ror__ = __rxor__ = __radd__

    def __eq__(self, other):
        return "reflected"

    __lt__ = __le__ = __gt__ = __ge__ = __ne__ = __eq__
    __hash__ = None


BINARY = [
    *(operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv, operator.mod),
    *(operator.pow, operator.matmul, operator.and_, operator.or_, operator.xor),
    *(operator.lshift, operator.rshift),
]
COMPARISONS = [operator.eq, operator.ne, operator.lt, operator.le, operator.gt, operator.ge]
IN_PLACE = [
    *(operator.iadd, operator.isub, operator.imul, operator.itruediv, operator.ifloordiv),
    *(operator.imod, operator.iand, operator.ior, operator.ixor),
    *(operator.ilshift, operator.irshift),
]


def check_reflected_operators_of_other_classes_are_tried(torch):
    for op in BINARY:
        assert op(torch.tensor([1, 2]), Foreign()) == "reflected", op


def check_reflected_comparisons_of_other_classes_are_tried(torch):
    for op in COMPARISONS:
        assert op(torch.tensor([1, 2]), Foreign()) == "reflected", op


def check_in_place_operators_try_reflected_ones_too(torch):
    for op in IN_PLACE:
        assert op(torch.tensor([1, 2]), Foreign()) == "reflected", op


def check_operators_of_other_types_raise_typeerror(torch):
    for other in ("a", None, [1.0], {}):
        for op in (operator.add, operator.sub, operator.truediv, operator.lt, operator.matmul):
            with pytest.raises(TypeError):
                op(torch.ones(1, 1), other)
            with pytest.raises(TypeError):
                op(other, torch.ones(1, 1))


def check_special_methods_return_notimplemented(torch):
    x = torch.ones(2)
    for name in ("add", "radd", "sub", "mul", "truediv", "pow", "matmul", "lt", "ge"):
        assert getattr(x, f"__{name}__")("a") is NotImplemented


def check_equality_with_none_is_false(torch):
    x = torch.ones(2)
    assert (x == None) is False  # noqa: E711
    assert (x != None) is True  # noqa: E711


def check_shifts_of_integers(torch):
    x = torch.tensor([1, 2, -8])
    assert (x << 1).tolist() == [2, 4, -16]
    assert (x >> 1).tolist() == [0, 1, -4]
    assert (1 << torch.tensor([0, 3])).tolist() == [1, 8]
    assert (16 >> torch.tensor([1, 4])).tolist() == [8, 1]


def check_shifts_by_tensors(torch):
    x = torch.tensor([1, 2, 3])
    assert (x << x).tolist() == [2, 8, 24]
    assert (x << 64).tolist() == [0, 0, 0]


def check_shifts_in_place(torch):
    x = torch.tensor([1, 2])
    same = x
    x <<= 2
    x >>= 1
    assert x is same
    assert x.tolist() == [2, 4]


def check_shifts_wrap_in_small_dtypes(torch):
    assert (torch.tensor([200], dtype=torch.uint8) << 1).tolist() == [144]
    assert (torch.tensor([64], dtype=torch.int8) << 1).tolist() == [-128]


def check_bitwise_operators_refuse_floats(torch):
    with pytest.raises(NotImplementedError, match="not implemented for"):
        torch.ones(1) & torch.ones(1)


def check_invert_refuses_floats(torch):
    with pytest.raises(TypeError, match="only implemented on integer and Boolean-type"):
        ~torch.ones(1)


def check_plus_of_a_bool_tensor_is_refused(torch):
    with pytest.raises(RuntimeError, match="on a bool tensor is not supported"):
        +torch.tensor([True])


def check_minus_of_a_bool_tensor_is_refused(torch):
    with pytest.raises(RuntimeError, match="bool tensor is not supported"):
        -torch.tensor([True])


def check_integers_beyond_uint8_wrap_around(torch):
    x = torch.tensor([200], dtype=torch.uint8)
    assert (x + 300).tolist() == [244]
    assert (x + -2).tolist() == [198]
    assert (x - -2).tolist() == [202]
    assert (x * -2).tolist() == [112]
    assert (x & -2).tolist() == [200]


def check_reflected_arithmetic_of_numbers(torch):
    x = torch.tensor([2, 3])
    assert (7 // x).tolist() == [3, 2]
    assert (7 % x).tolist() == [1, 1]
    assert (2**x).tolist() == [4, 8]
    assert (1 - x).tolist() == [-1, -2]
    assert (6 / x).tolist() == [3.0, 2.0]
    assert (5 ^ x).tolist() == [7, 6]


def check_a_list_grows_by_a_tensor(torch):
    items = [0]
    items += torch.tensor([1, 2])
    assert [int(item) for item in items] == [0, 1, 2]


def check_sequences_are_repeated_by_a_tensor(torch):
    assert [1, 2] * torch.tensor(2) == [1, 2, 1, 2]
    assert "ab" * torch.tensor(3) == "ababab"


def check_float_and_int(torch):
    assert float(torch.tensor(2.5)) == 2.5
    assert int(torch.tensor([3.7])) == 3
    assert complex(torch.tensor(2.0)) == 2 + 0j
    assert math.sqrt(torch.tensor(16)) == 4.0


def check_conversions_of_several_elements_are_refused(torch):
    for convert in (float, int, complex):
        with pytest.raises((ValueError, RuntimeError), match=r"(?i)a? ?tensors? with|one element"):
            convert(torch.ones(2))


def check_bool_of_several_elements_is_ambiguous(torch):
    with pytest.raises(RuntimeError, match="more than one value is ambiguous"):
        bool(torch.ones(2))


def check_bool_of_no_elements(torch):
    with pytest.raises(RuntimeError, match="no values is ambiguous"):
        bool(torch.ones(0))


def check_bool_of_one_element(torch):
    assert bool(torch.tensor([[0.5]]))
    assert not torch.tensor(0)


def check_tensors_are_indices(torch):
    assert "abc"[torch.tensor(1)] == "b"
    assert list(range(torch.tensor(3))) == [0, 1, 2]
    assert operator.index(torch.tensor([4])) == 4


def check_floating_tensors_are_no_indices(torch):
    with pytest.raises(TypeError, match="only integer tensors of a single element"):
        operator.index(torch.tensor(1.0))
    with pytest.raises(TypeError, match="only integer tensors of a single element"):
        operator.index(torch.tensor([1, 2]))


def check_format_of_0d_tensors(torch):
    assert f"{torch.tensor(1.5):.3f}" == "1.500"
    assert f"{torch.tensor(7):04d}" == "0007"
    assert f"{torch.tensor(1.5, requires_grad=True):.1f}" == "1.5"
    assert f"{torch.tensor(2.5)}" == "2.5"


def check_format_specifications_of_others_are_refused(torch):
    with pytest.raises(TypeError, match="unsupported format string"):
        f"{torch.ones(2):.2f}"


def check_percent_formatting(torch):
    assert "%.2f %d" % (torch.tensor(1.5), torch.tensor(3)) == "1.50 3"  # noqa: UP031


def check_len(torch):
    assert len(torch.ones(3, 2)) == 3
    with pytest.raises(TypeError, match=r"len\(\) of a 0-d tensor"):
        len(torch.tensor(1))


def check_iteration_gives_views(torch):
    x = torch.zeros(2, 2)
    for row in x:
        row.add_(1)
    assert x.sum().item() == 4.0


def check_iteration_over_0d_is_refused(torch):
    with pytest.raises(TypeError, match="iteration over a 0-d tensor"):
        iter(torch.tensor(1))


def check_unpacking(torch):
    a, *rest = torch.tensor([1, 2, 3])
    assert a.item() == 1
    assert [x.item() for x in rest] == [2, 3]


def check_reversed(torch):
    assert reversed(torch.tensor([[1, 2], [3, 4]])).tolist() == [[3, 4], [1, 2]]
    assert reversed(torch.tensor(5)).item() == 5


def check_in_compares_elements(torch):
    x = torch.tensor([1.0, 2.0])
    assert 2 in x
    assert 3 not in x
    assert torch.tensor(1.0) in x
    assert 2j not in x


def check_in_refuses_others(torch):
    for other in ("a", None, [1.0]):
        with pytest.raises(RuntimeError, match="only supports Tensor or scalar"):
            other in torch.ones(2)  # noqa: B015


def check_python_functions_over_elements(torch):
    x = torch.tensor([3, 1, 2])
    assert sum(x).item() == 6
    assert max(x).item() == 3
    assert [v.item() for v in sorted(x)] == [1, 2, 3]


def check_tensors_are_keys_by_identity(torch):
    x, y = torch.ones(1), torch.ones(1)
    assert len({x, y, x}) == 2
    assert {x: "x", y: "y"}[y] == "y"


def check_chained_comparisons_of_one_element(torch):
    assert 1 < torch.tensor(2) < 3


def check_elements_are_not_deleted(torch):
    with pytest.raises(TypeError, match="does not support deleting"):
        del torch.ones(2)[0]


def check_pow_with_modulus_is_refused(torch):
    with pytest.raises(TypeError):
        pow(torch.tensor([2]), 2, 3)


def check_divmod_of_a_number_is_refused(torch):
    with pytest.raises(TypeError, match="unsupported operand"):
        divmod(torch.ones(1), 2)


def check_attributes_can_be_set(torch):
    x = torch.ones(1)
    x.note = "kept"
    assert x.note == "kept"
    with pytest.raises(AttributeError, match="no attribute 'missing'"):
        x.missing  # noqa: B018


def check_comparisons_of_0d_tensors_with_numbers(torch):
    x = torch.tensor(2.0)
    assert x == 2
    assert x < 3
    assert not x < 1
