"""`__torch_function__` of classes that are no tensors."""


def message_of(error, call):
    """The message of the error that a call raises."""
    try:
        call()
    except error as raised:
        return str(raised)
    raise AssertionError(f"no {error.__name__}")


def duck(torch, answer=-1):
    """A class that is no tensor, and an object of it; every function gives `answer`."""

    class Duck:
        calls = []  # noqa: RUF012

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            cls.calls.append((func, types, args, kwargs))
            return answer

    return Duck, Duck()


def diagonal(torch):
    """The class of diagonal matrices of PyTorch's documentation, and its table of functions."""
    table = {}

    class Diagonal:
        def __init__(self, n, value):
            self.n, self.value = n, value

        def dense(self):
            return self.value * torch.eye(self.n)

        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            if func not in table or not all(issubclass(t, (torch.Tensor, cls)) for t in types):
                return NotImplemented
            return table[func](*args, **(kwargs or {}))

    def implements(function):
        def decorate(implementation):
            table[function] = implementation
            return implementation

        return decorate

    return Diagonal, implements


def check_a_duck_answers_functions(torch):
    kind, x = duck(torch)
    assert torch.mean(x) == -1
    assert kind.calls[-1][0] is torch.mean
    assert torch.exp(x) == -1
    assert torch.sum(x, dim=0) == -1
    assert torch.cat([x, x]) == -1
    assert torch.nn.functional.mse_loss(x, x) == -1


def check_a_duck_beside_a_tensor_answers(torch):
    kind, x = duck(torch)
    t = torch.ones(2)
    assert torch.add(t, x) == -1
    assert torch.add(x, t) == -1
    assert torch.matmul(t, x) == -1
    assert torch.where(t > 0, t, x) == -1
    assert len(kind.calls) == 4


def check_a_duck_answers_a_tensors_operators(torch):
    kind, x = duck(torch)
    t = torch.ones(2)
    assert t + x == -1
    assert kind.calls[-1][0].__name__ == "add"
    assert t * x == -1
    assert t - x == -1
    assert t.mul(x) == -1


def check_a_duck_in_a_list_answers(torch):
    kind, x = duck(torch)
    assert torch.stack([torch.ones(2), x]) == -1
    assert tuple(kind.calls[-1][1]) == (kind,)


def check_a_duck_that_refuses_is_an_error(torch):
    _, x = duck(torch, NotImplemented)
    message = message_of(TypeError, lambda: torch.exp(x))
    assert "__torch_function__" in message
    assert "NotImplemented" in message


def check_an_object_without_it_is_an_error(torch):
    message = message_of(TypeError, lambda: torch.exp(object()))
    assert "must be Tensor, not object" in message


def check_the_documented_diagonal_matrix(torch):
    kind, implements = diagonal(torch)

    @implements(torch.mean)
    def mean(input):
        return input.value / input.n

    @implements(torch.matmul)
    def matmul(input, other):
        return torch.matmul(input.dense(), other)

    d = kind(5, 2.0)
    assert torch.mean(d) == 0.4
    assert torch.matmul(d, torch.ones(5, 1)).tolist() == [[2.0]] * 5
    message_of(TypeError, lambda: torch.exp(d))


def check_ducks_are_asked_from_left_to_right(torch):
    _, a = duck(torch, "a")
    _, b = duck(torch, "b")
    assert torch.add(a, b) == "a"
    assert torch.add(b, a) == "b"


def check_a_subclass_of_a_duck_comes_first(torch):
    kind, a = duck(torch, "base")

    class Inner(kind):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return "inner"

    assert torch.add(a, Inner()) == "inner"
    assert torch.add(Inner(), a) == "inner"


def check_the_next_is_asked_if_one_refuses(torch):
    _, a = duck(torch, NotImplemented)
    _, b = duck(torch, "b")
    assert torch.add(a, b) == "b"


def check_types_name_each_class_once(torch):
    kind, x = duck(torch)
    torch.add(x, kind())
    assert tuple(kind.calls[-1][1]) == (kind,)
