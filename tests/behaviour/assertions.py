"""testing.assert_close and testing.make_tensor."""

import importlib
import re

import pytest


def testing(torch):
    return importlib.import_module(f"{torch.__name__}.testing")


def check_close_values_pass(torch):
    close = testing(torch).assert_close
    t = torch.tensor
    for actual, expected in (
        (t([0.1]) * 3, t([0.3])), (1.0, 1.0 + 1e-9), (2, 2), (True, True), (None, None),
        ([t(1.0), t(2)], (t(1.0), t(2))), ({"a": t(1.0), "b": [1]}, {"b": [1], "a": t(1.0)}),
        (t([]), t([])), (t([float("inf")]), t([float("inf")])), (t([True]), t([True])),
        (torch.nn.Parameter(t([1.0])), t([1.0])),
    ):  # fmt: skip
        close(actual, expected)
    close(t([float("nan")]), t([float("nan")]), equal_nan=True)
    close(t([1.0]), t([1.0], dtype=torch.float64), check_dtype=False)
    close(t([1.0]), t([1.4]), rtol=0, atol=0.5)
    close(1, 1.0, check_dtype=False)


def check_messages_say_what_differs(torch):
    close = testing(torch).assert_close
    t = torch.tensor
    for actual, expected, message in (
        (t([1.0, 2.0]), t([1.0, 3.0]), "Tensor-likes are not close!\n\nMismatched elements: 1 / 2 "
         "(50.0%)\nGreatest absolute difference: 1.0 at index (1,) (up to 1e-05 allowed)\nGreatest "
         "relative difference: 0.3333333432674408 at index (1,) (up to 1.3e-06 allowed)"),
        (t([[1, 2]]), t([[1, 4]]), "Tensor-likes are not equal!\n\nMismatched elements: 1 / 2 "
         "(50.0%)\nGreatest absolute difference: 2 at index (0, 1)\nGreatest relative difference: "
         "0.5 at index (0, 1)"),
        (t(1.0), t(2.0), "Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute "
         "difference: 1.0 (up to 1e-05 allowed)\nRelative difference: 0.5 (up to 1.3e-06 allowed)"),
        (1.0, 2.0, "Scalars are not close!\n\nExpected 2.0 but got 1.0.\nAbsolute "
         "difference: 1.0 (up to 1e-07 allowed)\nRelative difference: 0.5 (up to 1e-07 allowed)"),
        (1, 2, "Scalars are not equal!\n\nExpected 2 but got 1.\nAbsolute difference: 1\nRelative "
         "difference: 0.5"),
        ([1, 2], [1, 3], "The failure occurred for item [1]"),
        ({"a": [t(1.0)]}, {"a": [t(2.0)]}, "The failure occurred for item ['a'][0]"),
        ({"a": 1}, {"b": 1}, "The keys of the mappings do not match:\nMissing keys in the actual "
         "mapping: ['b']\nAdditional keys in the actual mapping: ['a']"),
        ([1], [1, 2], "The length of the sequences mismatch: 1 != 2"),
        (True, False, "Booleans mismatch: True is not False"),
        (t([1.0]), t([1.0, 2.0]), "The values for attribute 'shape' do not match"),
        (t([1.0]), t([1]), "The values for attribute 'dtype' do not match"),
        (t([float("nan")]), t([float("nan")]), "Mismatched elements: 1 / 1 (100.0%)"),
        (t([True, False]), t([True, True]), "Greatest absolute difference: 1 at index (1,)"),
    ):  # fmt: skip
        with pytest.raises(AssertionError, match=re.escape(message)):
            close(actual, expected)


def check_strides_are_compared_on_request(torch):
    close = testing(torch).assert_close
    x = torch.zeros(2, 3)
    close(x, torch.zeros(3, 2).t())
    with pytest.raises(AssertionError, match=r"attribute 'stride\(\)' do not match"):
        close(x, torch.zeros(3, 2).t(), check_stride=True)


def check_a_message_takes_the_place_or_is_made_of_it(torch):
    close = testing(torch).assert_close
    with pytest.raises(AssertionError, match=r"^mine$"):
        close(1, 2, msg="mine")
    with pytest.raises(AssertionError, match=r"^mine: Scalars are not equal"):
        close(1, 2, msg=lambda text: f"mine: {text}")


def check_wrong_arguments_are_refused(torch):
    close = testing(torch).assert_close
    with pytest.raises(ValueError, match="must be either specified or omitted, but got no atol"):
        close(1.0, 1.0, rtol=1)
    for actual, expected in ((torch.tensor(1.0), "a"), ("a", "a"), (torch.tensor(1.0), 1.0)):
        with pytest.raises(TypeError, match="No comparison pair was able to handle inputs of type"):
            close(actual, expected)
    with pytest.raises(TypeError, match="No comparison pair"):
        close(torch.nn.Parameter(torch.ones(1)), torch.ones(1), allow_subclasses=False)


def check_tensors_are_made_in_a_range(torch):
    make = testing(torch).make_tensor
    for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool):
        x = make((40, 5), dtype=dtype, device="cpu")
        assert (x.dtype, tuple(x.shape)) == (dtype, (40, 5))
        assert x.double().min() >= (-9 if dtype not in (torch.uint8, torch.bool) else 0)
        assert x.double().max() <= 9
    x = make(50, 2, dtype=torch.float32, device="cpu", low=1, high=2, requires_grad=True)
    assert x.min() >= 1
    assert x.max() < 2
    assert x.requires_grad
    assert (make(200, dtype=torch.int32, device="cpu", low=0, high=2, exclude_zero=True) == 1).all()
    assert not make(3, 4, dtype=torch.float32, device="cpu", noncontiguous=True).is_contiguous()


def check_tensors_that_cannot_be_are_not_made(torch):
    make = testing(torch).make_tensor
    for options, message in (
        ({"low": 2, "high": 1}, "`low` must be less than `high`"),
        ({"low": float("nan")}, "cannot be NaN"),
        ({"requires_grad": True}, "not supported for boolean and integral dtypes"),
        ({"low": 300, "high": 400}, "only supports"),
    ):
        with pytest.raises(ValueError, match=message):
            make(3, dtype=torch.uint8, device="cpu", **options)
