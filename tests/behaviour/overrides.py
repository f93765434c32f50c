"""`__torch_function__`: classes that decide what functions give for their objects."""

import contextlib

import pytest

from tests.behaviour.duck_types import duck, message_of


def logging(torch):
    """A subclass that notes the functions it is asked for, and an object of it."""

    class Logging(torch.Tensor):
        calls = []  # noqa: RUF012

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.calls.append((func, types, args, kwargs))
            return super().__torch_function__(func, types, args, kwargs or {})

    return Logging, torch.ones(2, 2).as_subclass(Logging)


def check_the_function_itself_is_given(torch):
    kind, x = logging(torch)
    torch.exp(x)
    func, types, args, kwargs = kind.calls[-1]
    assert func is torch.exp
    assert tuple(types) == (kind,)
    assert args[0] is x
    assert not kwargs


def check_many_functions_are_given_themselves(torch):
    kind, x = logging(torch)
    for function in (torch.add, torch.mul, torch.sub, torch.div, torch.matmul, torch.maximum):
        function(x, x)
        assert kind.calls[-1][0] is function
    for function in (torch.mean, torch.sum, torch.abs, torch.std, torch.zeros_like, torch.t):
        function(x)
        assert kind.calls[-1][0] is function


def check_functions_of_lists_are_given_themselves(torch):
    kind, x = logging(torch)
    for function in (torch.cat, torch.stack, torch.vstack):
        function([torch.ones(2, 2), x])
        assert kind.calls[-1][0] is function


def check_layers_functions_are_given_themselves(torch):
    kind, x = logging(torch)
    f = torch.nn.functional
    for function, others in (
        (f.linear, (torch.ones(3, 2),)),
        (f.mse_loss, (torch.ones(2, 2),)),
        (f.cross_entropy, (torch.tensor([0, 1]),)),
    ):
        function(x, *others)
        assert kind.calls[-1][0] is function


def check_methods_are_given_by_name(torch):
    kind, x = logging(torch)
    for name in ("exp", "mean", "reshape", "to", "clone", "detach", "size", "item", "unbind"):
        given = {"reshape": (4,), "to": (torch.float64,)}.get(name, ())
        with contextlib.suppress(RuntimeError, ValueError):
            getattr(x, name)(*given)
        assert kind.calls[-1][0].__name__ == name


def check_operators_are_given_as_methods(torch):
    kind, x = logging(torch)
    for name, call in {
        "add": lambda: x + 1, "sub": lambda: x - 1, "mul": lambda: 2 * x, "div": lambda: x / 2,
        "neg": lambda: -x, "lt": lambda: x < 1, "matmul": lambda: x @ x,
    }.items():  # fmt: skip
        call()
        assert kind.calls[-1][0].__name__ == name


def check_a_method_is_the_tensors(torch):
    kind, x = logging(torch)
    x.reshape(4)
    assert kind.calls[-1][0] == torch.Tensor.reshape


def check_a_property_is_given_as_its_get(torch):
    kind, x = logging(torch)
    assert x.shape == (2, 2)
    assert kind.calls[-1][0] == torch.Tensor.shape.__get__


def check_operands_keep_their_order(torch):
    kind, x = logging(torch)
    t = torch.ones(2, 2)
    t - x
    assert kind.calls[-1][2][0] is t
    x - t
    assert kind.calls[-1][2][0] is x


def check_indexing_is_asked(torch):
    kind, x = logging(torch)
    x[0]
    assert kind.calls[-1][0].__name__ == "__getitem__"
    x[0] = 5
    assert kind.calls[-1][0].__name__ == "__setitem__"
    assert x.sum().item() == 12.0


def check_keywords_are_given_as_keywords(torch):
    kind, x = logging(torch)
    torch.std(x, dim=1)
    assert kind.calls[-1][3]["dim"] == 1


def check_a_subclass_in_a_keyword_is_asked(torch):
    kind, x = logging(torch)
    torch.add(torch.ones(2, 2), other=x)
    assert kind.calls[-1][0] is torch.add


def check_an_answer_may_be_anything(torch):
    class Odd(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return None if func is torch.exp else "odd"

    x = torch.ones(2).as_subclass(Odd)
    assert torch.exp(x) is None
    assert torch.sin(x) == "odd"
    assert x + 1 == "odd"


def check_a_table_of_functions_serves_a_subclass(torch):
    table = {torch.mul: lambda a, b: "product"}

    class Tabled(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func in table:
                return table[func](*args, **(kwargs or {}))
            return super().__torch_function__(func, types, args, kwargs or {})

    x = torch.ones(2).as_subclass(Tabled)
    assert torch.mul(x, 2) == "product"
    assert type(torch.exp(x)) is Tabled


def check_metadata_is_carried_along(torch):
    class Tagged(torch.Tensor):
        tag = None

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            result = super().__torch_function__(func, types, args, kwargs or {})
            if isinstance(result, cls):
                result.tag = next((a.tag for a in args if isinstance(a, cls)), None)
            return result

    x = torch.ones(2).as_subclass(Tagged)
    x.tag = "a"
    assert (x + 1).tag == "a"
    assert (1 - x).exp().tag == "a"


def check_super_with_plain_arguments_works(torch):
    class Unwrapping(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            args = [a.as_subclass(torch.Tensor) if isinstance(a, cls) else a for a in args]
            return func(*args, **(kwargs or {}))

    x = torch.ones(2).as_subclass(Unwrapping)
    assert type(x + 1) is torch.Tensor
    assert (x * 3).tolist() == [3.0, 3.0]


def check_a_disabled_class_gives_plain_tensors(torch):
    class Silent(torch.Tensor):
        __torch_function__ = torch._C._disabled_torch_function_impl

    x = torch.ones(2).as_subclass(Silent)
    assert type(x + 1) is torch.Tensor
    assert type(torch.exp(x)) is torch.Tensor


def check_the_error_of_linear_algebra_is_found_where_solvers_look_for_it(torch):
    assert torch._C._LinAlgError is torch.linalg.LinAlgError
    with pytest.raises(torch._C._LinAlgError):
        torch.linalg.solve(torch.zeros(2, 2), torch.ones(2))


def check_a_block_disables_it(torch):
    kind, x = logging(torch)
    with torch._C.DisableTorchFunctionSubclass():
        assert type(x + 1) is torch.Tensor
        assert type(x.exp()) is torch.Tensor
    assert kind.calls == []
    assert type(x + 1) is kind


def check_a_block_that_raises_enables_it_again(torch):
    kind, x = logging(torch)
    with contextlib.suppress(ValueError), torch._C.DisableTorchFunctionSubclass():
        raise ValueError
    assert type(x + 1) is kind


def check_the_default_asks_once(torch):
    kind, x = logging(torch)
    torch.std(x)
    assert len(kind.calls) == 1


def check_the_default_refuses_strangers(torch):
    kind, x = logging(torch)
    stranger = type("Stranger", (), {})
    result = torch.Tensor.__torch_function__(torch.add, (kind, stranger), (x, 1))
    assert result is NotImplemented


def check_has_torch_function(torch):
    overrides = torch.overrides
    _, x = duck(torch)
    _, m = logging(torch)
    t, p = torch.ones(2), torch.nn.Parameter(torch.ones(2))
    assert overrides.has_torch_function((t, x))
    assert overrides.has_torch_function_unary(m)
    assert overrides.has_torch_function_variadic(t, 1, x)
    assert not overrides.has_torch_function((t, p, 1, None))
    assert not overrides.has_torch_function_unary(t)


def check_a_function_of_ones_own_can_be_overridden(torch):
    kind, x = duck(torch, "mine")

    def own(a, b=1):
        if torch.overrides.has_torch_function_unary(a):
            return torch.overrides.handle_torch_function(own, (a,), a, b=b)
        return a + b

    assert own(x, b=3) == "mine"
    assert kind.calls[-1] == (own, (kind,), (x,), {"b": 3}) or kind.calls[-1][0] is own
    assert own(torch.ones(1)).item() == 2.0


def check_handle_refuses_in_torchs_words(torch):
    _, x = duck(torch, NotImplemented)

    def own(a):
        return torch.overrides.handle_torch_function(own, (a,), a)

    message = message_of(TypeError, lambda: own(x))
    assert "no implementation found for" in message
    assert "on types that implement __torch_function__" in message


def check_wrap_torch_function_decorates(torch):
    _, x = duck(torch, "mine")

    @torch.overrides.wrap_torch_function(lambda a: (a,))
    def own(a):
        return a + 0

    assert own(x) == "mine"
    assert own(torch.ones(1)).item() == 1.0


def check_is_tensor_like(torch):
    _, x = duck(torch)
    like = torch.overrides.is_tensor_like
    assert like(torch.ones(2))
    assert like(x)
    assert not like([1.0])
    assert not like(None)


def check_overridable_functions_are_listed(torch):
    found = torch.overrides.get_overridable_functions()
    assert torch.Tensor.add in found[torch.Tensor]
    assert torch.nn.functional.linear in found[torch.nn.functional]


def check_names_are_resolved(torch):
    assert torch.overrides.resolve_name(torch.nn.functional.linear) is not None
    assert torch.overrides.resolve_name(torch.Tensor.shape.__get__) == "torch.Tensor.shape.__get__"


def check_methods_and_functions_are_told_apart(torch):
    assert torch.overrides.is_tensor_method_or_property(torch.Tensor.reshape)
    assert torch.overrides.is_tensor_method_or_property(torch.Tensor.shape.__get__)
    assert not torch.overrides.is_tensor_method_or_property(torch.nn.functional.linear)


def check_backward_does_not_ask_for_its_own_operations(torch):
    kind, x = logging(torch)
    w = torch.ones(2, 2, requires_grad=True)
    loss = (w * x).sum().as_subclass(torch.Tensor)
    count = len(kind.calls)
    loss.backward()
    assert len(kind.calls) == count
    assert type(w.grad) is torch.Tensor


def check_an_error_in_it_is_the_callers(torch):
    class Failing(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            raise ValueError("mine")

    x = torch.ones(2).as_subclass(Failing)
    assert message_of(ValueError, lambda: torch.exp(x)) == "mine"
    assert message_of(ValueError, lambda: x + 1) == "mine"


def check_bool_and_len_are_asked(torch):
    kind, x = logging(torch)
    len(x)
    assert kind.calls[-1][0].__name__ == "__len__"
    bool(x[0, 0])
    assert kind.calls[-1][0].__name__ == "__bool__"
