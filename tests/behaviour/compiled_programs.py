"""Programs that ask for compilation: torch.compile, torch.jit, torch.compiler."""

import functools
import importlib
import warnings

import pytest


def at(torch, path):
    return importlib.import_module(f"{torch.__name__}.{path}")


def outdated(check):
    """The check without torch's warning that torch.jit is deprecated."""

    @functools.wraps(check)
    def run(torch):
        with warnings.catch_warnings(action="ignore"):
            check(torch)

    return run


@outdated
def check_scripted_functions_compute_the_same(torch):
    jit = at(torch, "jit")

    @jit.script
    def twice(x: torch.Tensor) -> torch.Tensor:
        return x + x

    assert torch.equal(twice(torch.ones(2)), torch.full((2,), 2.0))


@outdated
def check_a_traced_module_computes_the_same(torch):
    layer = torch.nn.Linear(2, 3)
    x = torch.ones(1, 2)
    traced = at(torch, "jit").trace(layer, x)
    assert torch.equal(traced(x), layer(x))
    assert list(traced.state_dict()) == ["weight", "bias"]
    traced = at(torch, "jit").trace(layer, example_inputs=(x,), check_trace=False)
    assert torch.equal(traced(x), layer(x))


@outdated
def check_a_scripted_module_keeps_its_state(torch):
    model = torch.nn.Sequential(torch.nn.Linear(2, 3), torch.nn.ReLU())
    scripted = at(torch, "jit").script(model)
    assert list(scripted.state_dict()) == ["0.weight", "0.bias"]
    assert torch.equal(scripted(torch.ones(1, 2)), model(torch.ones(1, 2)))
    frozen = at(torch, "jit").freeze(at(torch, "jit").script(model.eval()))
    assert torch.allclose(frozen(torch.ones(1, 2)), model(torch.ones(1, 2)))


@outdated
def check_decorators_leave_methods_as_they_are(torch):
    jit = at(torch, "jit")

    class Model(torch.nn.Module):
        @jit.export
        def twice(self, x):
            return 2 * x

        @jit.ignore
        def thrice(self, x):
            return 3 * x

        @jit.unused
        def never(self, x):
            return x

        @jit.ignore()
        def dropped(self, x):
            return x

        def forward(self, x):
            return x if jit.is_scripting() or jit.is_tracing() else self.twice(x)

    model, x = Model(), torch.ones(2)
    assert torch.equal(model(x), 2 * x)
    assert torch.equal(model.thrice(x) + model.never(x) + model.dropped(x), 5 * x)


@outdated
def check_types_are_said_and_asked(torch):
    jit = at(torch, "jit")
    assert jit.annotate(list[int], [1]) == [1]
    assert jit.isinstance([1], list[int])
    assert issubclass(jit.ScriptModule, torch.nn.Module)


def check_compile_without_a_model_is_a_decorator(torch):
    @torch.compile(disable=True)
    def twice(x):
        return 2 * x

    assert torch.equal(twice(torch.ones(2)), torch.full((2,), 2.0))


def check_a_compiled_module_computes_the_same(torch):
    layer = torch.nn.Linear(2, 3)
    compiled = torch.compile(layer, mode="reduce-overhead", disable=True)
    assert torch.equal(compiled(torch.ones(1, 2)), layer(torch.ones(1, 2)))
    assert [p.shape for p in compiled.parameters()] == [p.shape for p in layer.parameters()]


def check_a_module_compiles_in_place(torch):
    layer = torch.nn.Linear(2, 3)
    expected = layer(torch.ones(1, 2))
    assert layer.compile(disable=True) is None
    assert torch.equal(layer(torch.ones(1, 2)), expected)
    assert list(layer.state_dict()) == ["weight", "bias"]


def check_nothing_is_compiling(torch):
    compiler = at(torch, "compiler")
    assert not compiler.is_compiling()
    assert not compiler.is_exporting()
    assert isinstance(compiler.list_backends(), list)
    compiler.reset()


def check_functions_can_be_kept_from_compilation(torch):
    compiler = at(torch, "compiler")

    @compiler.disable
    def once(x):
        return x

    @compiler.disable(recursive=False)
    def again(x):
        return x

    assert once(1) == again(1) == 1


@outdated
def check_what_is_no_file_is_not_loaded(torch):
    with pytest.raises(Exception, match=r"jit\.load|does not exist"):
        at(torch, "jit").load("/nowhere/model.pt")


def check_settings_of_the_compilers_can_be_set_and_read(torch):
    for path, name in (("_dynamo", "suppress_errors"), ("_inductor", "epilogue_fusion")):
        config = at(torch, f"{path}.config")
        assert config is at(torch, path).config
        before = getattr(config, name)
        setattr(config, name, True)
        assert getattr(config, name)
        setattr(config, name, before)
    at(torch, "_dynamo").reset()


def check_a_function_that_is_not_compiled_is_called(torch):
    dynamo = at(torch, "_dynamo")
    assert dynamo.disable(lambda x: x + 1)(2) == 3
    assert not dynamo.is_compiling()


def check_no_model_is_exported(torch):
    assert not at(torch, "onnx").is_in_onnx_export()
    assert not torch.jit.is_tracing()


def check_errors_and_modes_of_exports(torch):
    exporting = at(torch, "onnx")
    assert issubclass(exporting.OnnxExporterError, RuntimeError)
    assert issubclass(exporting.errors.UnsupportedOperatorError, exporting.OnnxExporterError)
    modes = exporting.TrainingMode
    assert [int(mode) for mode in (modes.EVAL, modes.PRESERVE, modes.TRAINING)] == [0, 1, 2]


def check_asserts_as_a_function(torch):
    torch._assert(torch.tensor(True), "true")
    with pytest.raises(AssertionError, match="of four"):
        torch._assert(torch.tensor([1]).sum() == 4, "of four")
