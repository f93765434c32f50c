"""A step and its compiled twin, called on the same data, whose bits must agree."""

import copy

import minigrad as mg


def tensors_in(given):
    """The tensors of nested sequences and dicts."""
    if isinstance(given, mg.Tensor):
        return [given]
    if isinstance(given, dict):
        return tensors_in(list(given.values()))
    if isinstance(given, list | tuple):
        return [t for each in given for t in tensors_in(each)]
    return []


def bits(tensor):
    """Shape, dtype, flags and elements."""
    if tensor is None:
        return None
    return tensor.shape, tensor.dtype, tensor.requires_grad, tensor.array.tobytes()


class Twins:
    """Two equal models, and a step for each, of which one is compiled."""

    def __init__(self, build, make, **options):
        mg.manual_seed(0)
        self.models = [build()]
        self.models.append(copy.deepcopy(self.models[0]))
        self.eager, step = map(make, self.models)
        self.compiled = mg.compile(step, **options)
        self.afters = [getattr(f, "after", None) for f in (self.eager, step)]
        self._calls = 0

    def step(self, *arrays, **settings):
        """Call both on tensors of copies of the arrays, and compare everything."""
        self._calls += 1
        states = []
        for function, model, after in zip(
            (self.eager, self.compiled), self.models, self.afters, strict=True
        ):
            mg.manual_seed(self._calls)
            given = [mg.tensor(array) for array in arrays]
            returned = function(*given, **settings)
            drawn = mg.rand(1)
            grads = [p.grad for p in model.parameters()]
            held = [*model.parameters(), *model.buffers(), *grads, *given, drawn]
            numbers = [x for x in (returned if isinstance(returned, tuple) else (returned,))
                       if isinstance(x, float | int)]  # fmt: skip
            states.append((list(map(bits, [*tensors_in(returned), *held])), numbers))
            if after is not None:
                after()
        assert states[0] == states[1], f"call {self._calls}"
        return returned
