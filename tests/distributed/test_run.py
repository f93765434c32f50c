"""`minigrad run`: what processes find, and how the job ends when one of them fails."""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from benchmarks.distributed_faults import run_fault
from minigrad.cli import main
from minigrad.distributed.launch import command
from minigrad.distributed.launch.command import Launch, environment, mpiexec_command
from minigrad.distributed.launch.watchdog import RankState, process_state, verdict
from tests.support.ranks import needs_mpi

# One of each kind that the watchdog finds out in another way; `benchmarks` has all.
SAMPLE = [
    ("raise", "backward", 1, r"rank 1 .* failed.*ValueError: a fault in phase backward"),
    ("exit without a status", "forward", 0, "rank 0 has ended, and rank 1 waits for"),
    ("os._exit", "start", 0, "was killed or ended without a word"),
    ("kill", "exchange", 1, "was killed or ended without a word"),
    ("stop", "forward", 1, "is stopped"),
]


@needs_mpi
@pytest.mark.parametrize(("fault", "phase", "rank", "words"), SAMPLE)
def test_a_rank_that_fails_ends_the_job(fault, phase, rank, words):
    end = run_fault(fault, phase, rank, ranks=2)
    assert end.status not in (0, None), end
    assert end.seconds < 10, end
    assert re.search(words, end.printed), end


@needs_mpi
def test_one_that_ends_just_after_others_waited_for_it_has_not_failed(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, time, minigrad.distributed as dist\n"
        "dist.init_process_group()\n"
        "time.sleep(3.3 * (os.environ['RANK'] == '0'))  # longer than a wait that is judged\n"
        "dist.barrier()\n"
        "time.sleep(1.0 * (os.environ['RANK'] == '1'))\n"
    )
    started = [sys.executable, "-m", "minigrad", "run", "-n", "2", str(script)]
    done = subprocess.run(started, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


# A script that the first Ctrl-C does not end.
STUBBORN = """
import os, signal, sys, time
signal.signal(signal.SIGINT, lambda *_: sys.stdout.write("asked\\n") and sys.stdout.flush())
sys.stdout.write("begun\\n")
sys.stdout.flush()
for _ in range(600):
    time.sleep(0.1)
"""
ENDS = {
    "SIGTERM": (STUBBORN, ["SIGTERM"], 143, "SIGTERM came"),
    "Ctrl-C twice": (STUBBORN, ["SIGINT", "SIGINT"], 130, "Ctrl-C came twice"),
}


@needs_mpi
@pytest.mark.parametrize(("program", "names", "status", "words"), ENDS.values(), ids=ENDS)
def test_signals_reach_scripts(program, names, status, words, tmp_path):
    script = tmp_path / "script.py"
    script.write_text(program)
    job = subprocess.Popen(
        [sys.executable, "-m", "minigrad", "run", "-n", "2", str(script)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    said = ""
    for name, word in zip(names, ("begun", "asked"), strict=False):
        while said.count(word) < 2:  # both processes may say it in one line
            line = job.stdout.readline()
            assert line, job.stderr.read()
            said += line
        job.send_signal(getattr(signal, name))
    began = time.monotonic()
    err = job.communicate(timeout=50)[1]
    assert job.returncode == status, err
    assert re.search(f"minigrad run: {words}; ended after .* with status {status}", err)
    assert "failed" not in err
    assert time.monotonic() - began < 10


@needs_mpi
def test_processes_find_their_numbers(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(
        "import os, sys\n"
        "names = 'RANK', 'WORLD_SIZE', 'LOCAL_RANK', 'NUMBA_NUM_THREADS'\n"
        "words = [os.environ[name] for name in names] + sys.argv[1:]\n"
        "sys.stdout.write(' '.join(words) + '\\n')\n"
    )
    started = [sys.executable, "-m", "minigrad", "run", "-n", "2", "--threads", "3"]
    done = subprocess.run(
        [*started, str(script), "-x", "a b"], capture_output=True, text=True, check=True
    )
    assert sorted(done.stdout.splitlines()) == ["0 2 0 3 -x a b", "1 2 1 3 -x a b"]


@needs_mpi
def test_the_example_goes_on_with_another_number_of_processes(tmp_path):
    script = Path(__file__).parents[2] / "examples" / "distributed" / "train.py"
    for count, epochs in ((2, 1), (1, 2)):
        arguments = ["--epochs", epochs, "--batch-size", 256, "--out", tmp_path / "saved"]
        started = [sys.executable, "-m", "minigrad", "run", "-n", count, script, *arguments]
        done = subprocess.run([*map(str, started)], capture_output=True, text=True, check=True)
        assert re.fullmatch(
            rf"epoch {epochs - 1}: loss \d\.\d+\ntest accuracy .* on {count} processes\n",
            done.stdout,
        )


def test_what_cannot_be_run_is_a_usage_error(capsys, tmp_path):
    for arguments, words in (
        (["no.py"], "no file no.py"),
        (["-n", "0", __file__], "n must be positive"),
        (["--timeout", "-1", __file__], "timeout must be positive"),
        (["--hosts", str(tmp_path / "hosts"), __file__], "no file .*hosts"),
    ):
        assert main(["run", *arguments]) == 2
        assert re.search(words, capsys.readouterr().err)


@pytest.mark.parametrize("is_open_mpi", [False, True])
def test_the_command_of_each_mpi(monkeypatch, is_open_mpi, tmp_path):
    monkeypatch.setattr(command, "_is_open_mpi", lambda _: is_open_mpi)
    monkeypatch.setattr(command.shutil, "which", lambda _: "/usr/bin/mpiexec")
    launch = Launch(4, "train.py", ["--lr", "1"], tmp_path / "hosts", threads=2, timeout=7)
    words = mpiexec_command(launch, ["RUN"])
    assert words[1:3] == ["-n", "4"]
    assert words[-3:] == ["train.py", "--lr", "1"]
    assert ("--hostfile" in words and "RUN" in words) == is_open_mpi
    assert ("-f" in words) != is_open_mpi
    found = environment(launch, "host:1", "key")
    assert (found["NUMBA_NUM_THREADS"], found["MINIGRAD_DISTRIBUTED_TIMEOUT"]) == ("2", "7")


@pytest.mark.parametrize(
    ("hosts", "address"),
    [
        ("here:2\n# far away\nfar:2  # the second\n", "10.0.0.7"),
        ("down slots=4\nfar slots=4\n", "10.0.0.7"),
        ("10.0.0.7\n", "this.machine"),  # itself alone
        ("here\n", "this.machine"),
    ],
)
def test_hosts_report_to_the_address_where_the_way_to_them_begins(
    hosts, address, monkeypatch, tmp_path
):
    begins = {"here": "127.0.0.1", "far": "10.0.0.7", "10.0.0.7": "10.0.0.7"}

    class Way:
        def __enter__(self):
            return self

        def __exit__(self, *_):
            pass

        def connect(self, place):
            if place[0] not in begins:
                raise OSError("no way")
            self.found = begins[place[0]]

        def getsockname(self):
            return self.found, 1

    monkeypatch.setattr(command.socket, "socket", lambda *_: Way())
    monkeypatch.setattr(command.socket, "getfqdn", lambda: "this.machine")
    (tmp_path / "hosts").write_text(hosts)
    assert command.address_for(tmp_path / "hosts") == address


# --- verdicts -------------------------------------------------------------------------------------


def waiting(key, number, ranks, signature="all_reduce", seconds=9.0):
    place = {"key": key, "number": number, "ranks": ranks, "signature": signature}
    return {"name": f"{signature} #{number}", "seconds": seconds, "place": place}


def state(begun=(), waits=None, left=False, signatures=()):
    return RankState(1, "host", 0.0, dict(begun), waits, dict(signatures), left)


PROGRAMS = int(os.environ.get("MINIGRAD_TEST_PROGRAMS", "100"))  # that are never accused
ALL = [0, 1, 2]
IMPOSSIBLE = {
    "another has ended": (
        "rank 2 has ended, and rank 0 waits",
        {
            0: state({"g": 4}, waiting("g", 4, ALL)),
            1: state({"g": 3}),
            2: state({"g": 3}, left=True),
        },
    ),
    "two call different collectives": (
        "rank 0 has called all_reduce.SUM. f, but rank 2 has called barrier, as exchange 4",
        {
            0: state({"g": 5}, signatures={"g": [(3, "barrier"), (4, "all_reduce(SUM) f")]}),
            1: state({"g": 3}, signatures={"g": [(3, "barrier")]}),
            2: state({"g": 4}, signatures={"g": [(4, "barrier")]}),
        },
    ),
    "all wait, after one had another shape": (
        r"all_reduce\(SUM\) \[3\], but rank 1 has called all_reduce\(SUM\) \[4\]",
        {
            rank: state(
                {"g": 5}, waiting("g", 5, [0, 1]), signatures={"g": [(4, f"all_reduce(SUM) [{n}]")]}
            )
            for rank, n in ((0, 3), (1, 4))
        },
    ),
    "two groups in another order": (
        "wait for each other: rank 0 .*; rank 1 ",
        {
            0: state({"g": 1}, waiting("g", 1, [0, 1])),
            1: state({"h": 1}, waiting("h", 1, [0, 1])),
        },
    ),
    "each receives from the next": (
        "wait for each other",
        {
            i: state(waits=waiting(f"sends {(i + 1) % 3}>{i}", 1, [(i + 1) % 3], ""))
            for i in range(3)
        },
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", IMPOSSIBLE)
def test_what_can_never_end_is_found(name):
    words, ranks = IMPOSSIBLE[name]
    assert re.search(words, verdict(ranks))


def test_waits_of_a_moment_are_not_judged():
    ranks = IMPOSSIBLE["another has ended"][1]
    ranks = {**ranks, 0: state({"g": 4}, waiting("g", 4, ALL, seconds=1.0))}
    assert verdict(ranks) is None


def test_other_shapes_may_be_right_while_somebody_computes():
    ranks = dict(IMPOSSIBLE["all wait, after one had another shape"][1])
    ranks[1] = state({"g": 5}, None, signatures=ranks[1].signatures)
    assert verdict(ranks) is None


def test_programs_that_can_end_are_never_accused():
    """Random programs: collectives of groups in one order, and messages, at random speeds."""
    for seed in range(PROGRAMS):
        draw = random.Random(seed)
        count = draw.randrange(2, 6)
        groups = [sorted(draw.sample(range(count), draw.randrange(2, count + 1))) for _ in range(3)]
        program = [groups[draw.randrange(3)] for _ in range(30)]
        at = [0] * count  # how far each rank is
        ranks = {r: state() for r in range(count)}
        while any(a < len(program) for a in at):
            rank = draw.choice([r for r in range(count) if at[r] < len(program)])
            members, own = program[at[rank]], ranks[rank]
            key = str(members)
            if rank in members:
                number = 1 + sum(str(m) == key for m in program[: at[rank]])
                own.begun = {**own.begun, key: number}
                own.waits = waiting(key, number, members)
                if any(ranks[m].begun.get(key, 0) < number for m in members):
                    assert verdict(ranks) is None, seed
                    continue  # it has to wait for others
            own.waits = None
            at[rank] += 1
            own.left = at[rank] == len(program)
            assert verdict(ranks) is None, seed


def test_states_of_processes():
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    try:
        child.send_signal(19)  # SIGSTOP
        while process_state(child.pid)[0] not in "T":
            pass
    finally:
        child.kill()
    while process_state(child.pid)[0] not in "ZX":
        pass
    child.communicate()
    assert process_state(child.pid)[0] == "X"
