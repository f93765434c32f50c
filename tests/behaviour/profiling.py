"""`profiler` and `autograd.profiler`: what is recorded, averaged, printed and written."""

import importlib

import pytest


def profiler(torch):
    return importlib.import_module(f"{torch.__name__}.profiler")


def legacy(torch):
    return importlib.import_module(f"{torch.__name__}.autograd.profiler")


def training_step(torch):
    model = torch.nn.Linear(4, 2)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    loss = model(torch.rand(8, 4)).relu().sum()
    loss.backward()
    optimizer.step()


def names(measured):
    return {event.key for event in measured.key_averages()}


def check_forward_backward_and_steps_are_recorded(torch):
    p = profiler(torch)
    with p.profile(activities=[p.ProfilerActivity.CPU]) as measured:
        training_step(torch)
    assert {"aten::relu", "aten::linear", "aten::sum"} <= names(measured)
    assert any("ReluBackward0" in name for name in names(measured))
    assert any("AddmmBackward0" in name for name in names(measured))
    assert "Optimizer.step#SGD.step" in names(measured)


def check_averages_count_and_sum(torch):
    x = torch.rand(30, 30)
    with profiler(torch).profile() as measured:
        for _ in range(3):
            x.exp()
    (exp,) = [event for event in measured.key_averages() if event.key == "aten::exp"]
    assert exp.count == 3
    assert exp.cpu_time_total > 0
    assert exp.cpu_time == pytest.approx(exp.cpu_time_total / 3)
    assert exp.self_cpu_time_total <= exp.cpu_time_total
    events = [event for event in measured.events() if event.name == "aten::exp"]
    assert sum(event.cpu_time_total for event in events) == pytest.approx(exp.cpu_time_total)


def check_named_blocks_hold_what_is_in_them(torch):
    p = profiler(torch)

    @p.record_function("decorated")
    def doubled(x):
        return x * 2

    with p.profile() as measured, p.record_function("outer"):
        doubled(torch.ones(3))
    events = {event.name: event for event in measured.events()}
    assert events["decorated"].cpu_parent.name == "outer"
    assert events["aten::mul"].cpu_parent.name == "decorated"
    assert events["outer"].cpu_time_total >= events["aten::mul"].cpu_time_total
    assert events["outer"].cpu_parent is None


def check_named_blocks_do_nothing_outside(torch):
    with profiler(torch).record_function("alone"), legacy(torch).record_function("alone"):
        assert torch.ones(2).sum().item() == 2


def check_an_event_ends_where_an_error_leaves_it(torch):
    p = profiler(torch)
    with p.profile() as measured:
        with pytest.raises(ValueError, match="mine"), p.record_function("failing"):
            raise ValueError("mine")
        torch.ones(2).exp()
    events = {event.name: event for event in measured.events()}
    assert events["aten::exp"].cpu_parent is None
    assert "failing" in events


def check_tables_have_torch_s_columns(torch):
    with profiler(torch).profile() as measured:
        training_step(torch)
    table = measured.key_averages().table(sort_by="self_cpu_time_total", row_limit=2)
    lines = table.splitlines()
    for title in ("Name", "Self CPU %", "Self CPU", "CPU total", "CPU time avg", "# of Calls"):
        assert title in lines[1]
    assert len([line for line in lines if line.startswith("--")]) == 3
    assert "Self CPU time total:" in table
    assert len(lines) == 7 if lines[-1] else len(lines) in (6, 7)


def check_tables_are_sorted(torch):
    with profiler(torch).profile() as measured:
        torch.rand(100, 100).mm(torch.rand(100, 100))
        for _ in range(5):
            torch.ones(1).exp()
    averages = measured.key_averages()
    rows = averages.table(sort_by="count", row_limit=1).splitlines()
    assert rows[3].split()[-1] == str(max(event.count for event in averages))
    with pytest.raises(AttributeError):
        averages.table(sort_by="beauty")


def check_shapes_are_recorded_and_grouped(torch):
    with profiler(torch).profile(record_shapes=True) as measured:
        for size in (2, 3, 3):
            torch.ones(size, 4).mm(torch.ones(4, size))
    grouped = measured.key_averages(group_by_input_shape=True)
    found = {str(e.input_shapes): e.count for e in grouped if e.key == "aten::mm"}
    assert found == {"[[2, 4], [4, 2]]": 1, "[[3, 4], [4, 3]]": 2}
    assert "Input Shapes" in grouped.table()


def check_memory_is_recorded(torch):
    x = torch.ones(10, 10)
    with profiler(torch).profile(profile_memory=True) as measured:
        y = x.exp()
    (exp,) = [event for event in measured.key_averages() if event.key == "aten::exp"]
    assert exp.cpu_memory_usage == y.numel() * 4
    assert "CPU Mem" in measured.key_averages().table()


def check_arithmetic_is_counted(torch):
    with profiler(torch).profile(with_flops=True) as measured:
        torch.ones(3, 4).mm(torch.ones(4, 5))
    (mm,) = [event for event in measured.key_averages() if event.key == "aten::mm"]
    assert mm.flops == 2 * 3 * 4 * 5


def check_schedules_are_functions_of_the_step(torch):
    p = profiler(torch)
    plan = p.schedule(wait=1, warmup=1, active=2, repeat=1, skip_first=2)
    action = p.ProfilerAction
    assert [plan(step) for step in range(7)] == [
        action.NONE, action.NONE, action.NONE, action.WARMUP, action.RECORD,
        action.RECORD_AND_SAVE, action.NONE,
    ]  # fmt: skip
    with pytest.raises(AssertionError):
        p.schedule(wait=-1, warmup=1, active=1)


def check_the_older_profiler_records(torch):
    with legacy(torch).profile() as measured:
        training_step(torch)
    assert "aten::relu" in names(measured)
    assert measured.self_cpu_time_total > 0
    assert measured.total_average().count >= len(measured.function_events)
    assert "Self CPU" in measured.table(sort_by="cpu_time_total")
    assert "Self CPU" in str(measured)


def check_the_older_profiler_can_be_off(torch):
    with legacy(torch).profile(enabled=False):
        assert torch.ones(2).exp().shape == (2,)


def check_profilers_do_not_nest_in_themselves(torch):
    measured = legacy(torch).profile()
    with measured, pytest.raises(RuntimeError, match="not reentrant"):
        measured.__enter__()


def check_activities_are_asked_for(torch):
    p = profiler(torch)
    assert p.ProfilerActivity.CPU in p.supported_activities()
    assert p.ProfilerActivity.CUDA not in p.supported_activities()
    assert isinstance(p.kineto_available(), bool)
