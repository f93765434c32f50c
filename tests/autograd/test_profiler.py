"""The profiler: nothing is left behind, and results are the same while it records."""

import gzip
import json
import threading

import numpy as np
import pytest

import minigrad as mg
from minigrad.engine.grad_mode import thread
from minigrad.profiler import profile, record_function, schedule, tensorboard_trace_handler


def step(x):
    leaf = x.clone().requires_grad_()
    ((leaf @ leaf).relu() * 2 + leaf.softmax(0)).sum().backward()
    return leaf.grad


def test_recording_changes_no_result_and_leaves_nothing_behind():
    x = mg.rand(5, 5)
    before = vars(thread.mode).copy()
    plain = step(x)
    with profile(record_shapes=True, profile_memory=True, with_stack=True, with_flops=True):
        measured = step(x)
    np.testing.assert_array_equal(plain.numpy(), measured.numpy())
    assert vars(thread.mode) == before


def test_an_error_ends_the_recording():
    before = vars(thread.mode).copy()
    with pytest.raises(RuntimeError), profile():
        mg.ones(2, 3) @ mg.ones(2, 3)
    assert vars(thread.mode) == before


def test_times_of_what_is_inside_add_up():
    with profile() as measured, record_function("all"):
        step(mg.rand(20, 20))
    whole = measured.events()[0]
    assert whole.name == "all"
    total = sum(event.self_cpu_time_total for event in measured.events())
    assert whole.cpu_time_total == pytest.approx(total)
    for event in measured.events():
        for child in event.cpu_children:
            assert event.time_range.start <= child.time_range.start
            assert child.time_range.end <= event.time_range.end


def test_second_derivatives_are_recorded():
    x = mg.rand(3, requires_grad=True)
    with profile() as measured:
        (first,) = mg.autograd.grad((x**3).sum(), x, create_graph=True)
        first.sum().backward()
    names = [event.name for event in measured.events()]
    assert names.count("PowBackward0") == 2


def test_two_profilers_do_not_record_at_once():
    refused = profile()
    with profile(), pytest.raises(RuntimeError, match="already enabled"):
        refused.start()
    optimizer = mg.optim.SGD([mg.ones(2, requires_grad=True)], lr=0.1)
    optimizer.step()  # nor is the second one left behind as a hook
    refused.stop()
    assert refused.events() == []


def test_another_thread_is_not_recorded():
    def work():
        with record_function("elsewhere"):
            mg.ones(3).exp()

    with profile() as measured:
        other = threading.Thread(target=work)
        other.start()
        other.join()
        mg.ones(3).sin()
    assert [e.name for e in measured.events()] == ["aten::sin"]


def test_stacks_name_the_program_and_are_written(tmp_path):
    x = mg.rand(200, 200)
    with profile(with_stack=True) as measured:
        x @ x
    (event,) = measured.events()
    assert "test_profiler.py" in event.stack[0]
    measured.export_stacks(tmp_path / "stacks.txt")
    assert "test_profiler.py" in (tmp_path / "stacks.txt").read_text()
    with pytest.raises(ValueError, match="metric"):
        measured.export_stacks(tmp_path / "stacks.txt", "self_cuda_time_total")
    by_line = measured.key_averages(group_by_stack_n=1)
    assert "Source Location" in by_line.table()


def test_metadata_is_in_the_trace(tmp_path):
    with profile() as measured:
        mg.ones(2).exp()
    measured.add_metadata("host", "here")
    measured.add_metadata_json("sizes", "[1, 2]")
    measured.export_chrome_trace(tmp_path / "trace.json")
    text = (tmp_path / "trace.json").read_text()
    assert '"host": "here"' in text
    assert '"sizes": [1, 2]' in text


def test_activities_of_devices_are_warned_of_or_refused():
    activity = mg.profiler.ProfilerActivity
    with pytest.warns(UserWarning, match="CUDA is not available"):
        profile(activities=[activity.CPU, activity.CUDA])
    with pytest.raises(AssertionError, match="No valid profiler activities"):
        profile(activities=[])


# torch's own profiler ends the process with a segmentation fault in the second cycle.
def test_steps_follow_a_schedule():
    ready = []

    def note(measured):
        ready.append((measured.step_num, [event.name for event in measured.events()]))

    with profile(
        schedule=schedule(wait=1, warmup=1, active=2, repeat=2), on_trace_ready=note
    ) as measured:
        for _ in range(10):
            mg.ones(2).exp()
            measured.step()
    assert [step for step, _ in ready] == [4, 8]
    steps = [[name for name in names if name.startswith("ProfilerStep")] for _, names in ready]
    assert steps == [["ProfilerStep#2", "ProfilerStep#3"], ["ProfilerStep#6", "ProfilerStep#7"]]
    assert all(names.count("aten::exp") == 2 for _, names in ready)


def test_events_of_all_cycles_are_kept_if_asked():
    plan = schedule(wait=0, warmup=1, active=1, repeat=2)
    with profile(schedule=plan, acc_events=True) as measured:
        for _ in range(4):
            mg.ones(2).exp()
            measured.step()
    assert [event.name for event in measured.events()].count("aten::exp") == 2


@pytest.mark.parametrize("use_gzip", [False, True])
def test_a_handler_writes_traces_for_chrome(tmp_path, use_gzip):
    handler = tensorboard_trace_handler(tmp_path / "logs", "worker", use_gzip)
    with profile(record_shapes=True, on_trace_ready=handler):
        step(mg.rand(3, 3))
    (written,) = (tmp_path / "logs").glob("worker.*.pt.trace.json*")
    data = gzip.decompress(written.read_bytes()) if use_gzip else written.read_bytes()
    spans = json.loads(data)["traceEvents"]
    assert {"aten::mm", "aten::relu", "MmBackward0"} <= {span["name"] for span in spans}
    assert all(span["ph"] == "X" and span["dur"] >= 0 for span in spans)
    (product,) = [span for span in spans if span["name"] == "aten::mm"][:1]
    assert product["args"]["Input Dims"] == [[3, 3], [3, 3]]
