"""Training steps replayed by `minigrad.compile`, beside eager steps, torch and JAX.

    python -m benchmarks.compiled_steps [--only NAME] [--rounds N] [--threads N] [--seconds S]

Each engine runs in a process of its own, in turns; a step's time is the best of all.  JAX needs
`pip install jax optax`, torch.compile a C++ compiler, which takes minutes for a large network, and
so runs in the first round alone.  A cell of an engine that is not there, has no such step or takes
too long has a dash, and the reason stands below the table.

`--start` gives, in place of the table, what begins cost: the first eager step, the recorded ones,
the first replay, and the time from the start of the process to it.
Tables go to standard output; `python -m benchmarks --only compiled_steps` keeps the results.
"""

import argparse
import importlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np


class Case(NamedTuple):
    """A network of linear layers and ReLU, its batch, and its optimizer."""

    widths: tuple[int, ...]
    batch: int
    optimizer: str


CASES = {
    "32-32-32-2 b16 Adam": Case((32, 32, 32, 2), 16, "Adam"),
    "784-100-10 b10 Adam": Case((784, 100, 10), 10, "Adam"),
    "784-100-10 b100 Adam": Case((784, 100, 10), 100, "Adam"),
    "784-100-10 b100 SGD": Case((784, 100, 10), 100, "SGD"),
    "784-30-2 b256 SGD": Case((784, 30, 2), 256, "SGD"),
}
CHAIN = "chain of 40 on 32"
ENGINES = ("eager", "compiled", "torch", "torch fused", "torch compile", "jax")
# So many seconds a process may take; that of an engine that compiles a network first, so many.
TIMEOUT, COMPILING = 120.0, 420.0
REASONS = "reasons"  # among the times of a step: why an engine has none
COMPARED = ("eager", "torch", "jax")  # their times are divided by those of compiled steps


class Network(NamedTuple):
    """A network of `bench.cases.networks`, what it is given, and how many classes there are."""

    make: Callable[[Any], Any]
    shape: tuple[int, ...]
    classes: int
    takes_tokens: bool = False


NETWORKS = {
    "LSTM 32-64 b8": Network(lambda library: lstm(library, 32, 64), (8, 20, 32), 64),
    "GPT 4x128 b12": Network(
        lambda library: published().gpt(library, 65, 64, 4, 4, 128), (12, 64), 65, True
    ),
    "lecture CNN b64": Network(
        lambda library: published().lecture_cnn(library), (64, 1, 28, 28), 10
    ),
    "ResNet-18 b64": Network(lambda library: published().resnet18(library), (64, 3, 224, 224), 10),
}
NAMES = (*CASES, CHAIN, *NETWORKS)


def published() -> Any:
    """The networks of minigrad's benchmarks: of few cases, so that others begin without them."""
    return importlib.import_module("minigrad.bench.cases.networks")


def lstm(library: Any, features: int, hidden: int) -> Any:
    """The outputs of an LSTM, (N, L, features) -> (N, L, hidden)."""
    nn = library.nn

    class Outputs(nn.Module):  # type: ignore[name-defined,misc]  # known at run time
        def __init__(self) -> None:
            super().__init__()
            self.lstm = nn.LSTM(features, hidden, batch_first=True)

        def forward(self, x: Any) -> Any:
            return self.lstm(x)[0]

    return Outputs()


def network_step(library: Any, network: Network, compiled: bool, fused: bool) -> Callable[[], Any]:
    """A step of Adam of a network."""
    nn, rng = library.nn, np.random.default_rng(0)
    model = network.make(library)
    settings = {"fused": True} if fused else {}
    optimizer = library.optim.Adam(model.parameters(), lr=1e-3, **settings)
    if network.takes_tokens:
        given = library.from_numpy(rng.integers(0, network.classes, network.shape))
    else:
        given = library.from_numpy(rng.standard_normal(network.shape).astype(np.float32))
    count = network.shape[0] if len(network.shape) == 4 else network.shape[0] * network.shape[1]
    labels = library.from_numpy(rng.integers(0, network.classes, count))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        scores = model(x)
        loss = nn.functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), y)
        loss.backward()
        optimizer.step()
        return loss

    function = library.compile(step) if compiled else step
    return lambda: function(given, labels)


def data(case: Case) -> tuple[Any, Any]:
    """Images and labels."""
    rng = np.random.default_rng(0)
    images = rng.standard_normal((case.batch, case.widths[0])).astype(np.float32)
    return images, rng.integers(0, case.widths[-1], case.batch)


def torch_step(library: Any, case: Case, compiled: bool, fused: bool) -> Callable[[], Any]:
    """A step in torch's words, of minigrad or torch."""
    nn, optim = library.nn, library.optim
    layers: list[Any] = []
    for width, following in zip(case.widths, case.widths[1:], strict=False):
        layers += [nn.Linear(width, following), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    settings = {"fused": True} if fused else {}
    make = optim.Adam if case.optimizer == "Adam" else optim.SGD
    optimizer = make(model.parameters(), lr=1e-3, **settings)
    images, labels = map(library.from_numpy, data(case))

    def step(x: Any, y: Any) -> Any:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        return loss

    function = library.compile(step) if compiled else step
    return lambda: function(images, labels)


def torch_chain(library: Any, compiled: bool) -> Callable[[], Any]:
    """Forty operations on 32 elements, and the gradient."""
    x = library.from_numpy(np.linspace(0.1, 1, 32, dtype=np.float32)).requires_grad_()

    def chain(x: Any) -> Any:
        x.grad = None
        y = x
        for _ in range(10):
            y = (y * 0.5 + x).sigmoid() - 0.1
        y.sum().backward()
        return x.grad

    function = library.compile(chain) if compiled else chain
    return lambda: function(x)


def jax_step(case: Case) -> Callable[[], Any]:
    """The same step, compiled by JAX with donated parameters."""
    import jax  # noqa: PLC0415  not everywhere installed
    import optax  # noqa: PLC0415

    rng = np.random.default_rng(0)
    params = [
        (rng.standard_normal((a, b)).astype(np.float32) * a**-0.5, np.zeros(b, np.float32))
        for a, b in zip(case.widths, case.widths[1:], strict=False)
    ]
    optimizer = optax.adam(1e-3) if case.optimizer == "Adam" else optax.sgd(1e-3)

    def loss_of(params: Any, x: Any, y: Any) -> Any:
        for w, b in params[:-1]:
            x = jax.nn.relu(x @ w + b)
        w, b = params[-1]
        return optax.softmax_cross_entropy_with_integer_labels(x @ w + b, y).mean()

    def step(params: Any, state: Any, x: Any, y: Any) -> Any:
        loss, gradient = jax.value_and_grad(loss_of)(params, x, y)
        updates, state = optimizer.update(gradient, state)
        return optax.apply_updates(params, updates), state, loss

    compiled = jax.jit(step, donate_argnums=(0, 1))
    held = [jax.device_put(params), optimizer.init(params)]
    images, labels = map(jax.device_put, data(case))

    def run() -> None:
        held[0], held[1], loss = compiled(*held, images, labels)
        loss.block_until_ready()

    return run


def jax_chain() -> Callable[[], Any]:
    """Forty operations and their gradient, compiled by JAX."""
    import jax  # noqa: PLC0415
    import jax.numpy as jnp  # noqa: PLC0415

    def chain(x: Any) -> Any:
        y = x
        for _ in range(10):
            y = jax.nn.sigmoid(y * 0.5 + x) - 0.1
        return y.sum()

    compiled = jax.jit(jax.grad(chain))
    x = jnp.linspace(0.1, 1, 32, dtype=jnp.float32)
    return lambda: compiled(x).block_until_ready()


def step_of(engine: str, name: str, threads: int) -> Callable[[], Any]:
    """The step that an engine takes."""
    if engine == "jax":
        if name in NETWORKS:
            raise NotImplementedError("the network is not written for it")
        return jax_chain() if name == CHAIN else jax_step(CASES[name])
    library = __import__("torch" if engine.startswith("torch") else "minigrad")
    library.set_num_threads(threads)
    compiled, fused = "compile" in engine, engine.endswith("fused")
    if name == CHAIN:
        return torch_chain(library, compiled)
    if name in NETWORKS:
        return network_step(library, NETWORKS[name], compiled, fused)
    return torch_step(library, CASES[name], compiled, fused)


def worker(engine: str, name: str, threads: int, seconds: float) -> None:
    """Print the best time of a step in this process, in microseconds."""
    step = step_of(engine, name, threads)
    for _ in range(10 if seconds > 1 else 4):
        step()
    best, until = float("inf"), time.perf_counter() + seconds
    while best == float("inf") or time.perf_counter() < until:
        began = time.perf_counter()
        step()
        best = min(best, time.perf_counter() - began)
    print(json.dumps(best * 1e6))


def started(began: float, name: str, threads: int) -> None:
    """Print the times of the first steps in this process, in microseconds."""
    eager, compiled = (step_of(engine, name, threads) for engine in ("eager", "compiled"))
    eager()
    times = []
    for step in (eager, *[compiled] * 4):
        before = time.perf_counter()
        step()
        times.append((time.perf_counter() - before) * 1e6)
    print(json.dumps([*times, (time.time() - began) * 1e6]))


def run_in_process(engine: str, name: str, threads: int, call: str) -> tuple[Any, str]:
    """What a call prints in a process of its own; None if it fails, and why."""
    many = str(threads > 1).lower()
    flags = f"--xla_cpu_multi_thread_eigen={many} intra_op_parallelism_threads={threads}"
    environment = os.environ | {
        "OMP_NUM_THREADS": str(threads),
        "OPENBLAS_NUM_THREADS": str(threads),
        "XLA_FLAGS": flags,
        "JAX_PLATFORMS": "cpu",
    }
    command = [sys.executable, "-c", f"from benchmarks.compiled_steps import *; {call}"]
    if engine == "jax" and threads == 1 and hasattr(os, "sched_getaffinity"):
        core = str(min(os.sched_getaffinity(0)))
        command = ["taskset", "-c", core, *command]  # XLA takes all cores that it sees
    limit = COMPILING if engine == "torch compile" else TIMEOUT
    # In a session of its own, so that the compilers that it has started end with it.
    with subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True,
    ) as process:  # fmt: skip
        try:
            out, errors = process.communicate(timeout=limit)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            return None, f"no result in {limit:.0f} s"
    if process.returncode == 0:
        return json.loads(out.splitlines()[-1]), ""
    return None, (errors.strip().splitlines() or [f"exit status {process.returncode}"])[-1]


def print_starts(names: Sequence[str], threads: int) -> None:
    """Print the table of first steps."""
    heads = ("eager", "recorded", "recorded again", "third call", "fourth call", "since start, ms")
    print(f"| first calls, us, {threads} threads | {' | '.join(heads)} |")
    print("|---" * (1 + len(heads)) + "|")
    for name in names:
        call = f"started({time.time()}, {name!r}, {threads})"
        found, reason = run_in_process("compiled", name, threads, call)
        if found is None:
            print(f"| {name} | {reason} |")
            continue
        *steps, since = found
        print(f"| {name} | " + " | ".join(f"{t:.0f}" for t in (*steps, since / 1e3)) + " |")


def summary(
    threads: int, rounds: int, seconds: float, names: Sequence[str] = NAMES
) -> dict[str, dict[str, Any]]:
    """The best times of all engines, in microseconds, by the step's name; and `REASONS`."""
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        best: dict[str, Any] = {}
        reasons: dict[str, str] = {}
        for number in range(rounds):
            for engine in ENGINES:
                if engine in reasons or (number and engine == "torch compile"):
                    continue
                call = f"worker({engine!r}, {name!r}, {threads}, {seconds})"
                time_of_step, reason = run_in_process(engine, name, threads, call)
                if time_of_step is not None:
                    best[engine] = min(best.get(engine, time_of_step), time_of_step)
                elif engine not in best:
                    reasons[engine] = reason
        found[name] = best | ({REASONS: reasons} if reasons else {})
    return found


def row(name: str, times: dict[str, Any]) -> str:
    """A line of the table: times, and how many times as long others take as a compiled step."""
    cells = [f"{times[e]:.0f}" if e in times else "—" for e in ENGINES]
    ours = times.get("compiled", float("nan"))
    cells += [f"**{times[e] / ours:.1f}**" if e in times else "—" for e in COMPARED]
    return f"| {name} | {' | '.join(cells)} |"


def notes(found: dict[str, dict[str, Any]]) -> str:
    """Why cells have dashes: a line for each reason, with its engine and steps."""
    steps: dict[tuple[str, str], list[str]] = {}
    for name, times in found.items():
        for engine, reason in times.get(REASONS, {}).items():
            steps.setdefault((engine, reason), []).append(name)
    return "\n".join(
        f"— {engine}, {', '.join(names)}: {reason}." for (engine, reason), names in steps.items()
    )


def table(threads: int, lines: Sequence[str] = ()) -> str:
    """The head of the table, and its lines."""
    heads = [f"us a step, {threads} thread(s)", *ENGINES, *(f"{e} / compiled" for e in COMPARED)]
    return "\n".join([f"| {' | '.join(heads)} |", "|---" * len(heads) + "|", *lines])


def main() -> None:
    """Measure all engines in turns, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1.5, help="of each measurement")
    parser.add_argument("--start", action="store_true", help="measure what begins cost")
    options = parser.parse_args()
    names = [name for name in NAMES if options.only in name]
    if options.start:
        print_starts(names, options.threads)
        return
    print(table(options.threads), flush=True)
    found: dict[str, dict[str, Any]] = {}
    for name in names:
        found |= summary(options.threads, options.rounds, options.seconds, [name])
        print(row(name, found[name]), flush=True)
    print(f"\n{notes(found)}")


if __name__ == "__main__":
    main()
