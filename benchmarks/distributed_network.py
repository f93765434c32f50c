"""Steps of two hosts on shaped networks, beside what the cost model predicts.  Needs root.

    python -m benchmarks.distributed_network

Hosts are network namespaces (`shaped_network`), and MPI speaks TCP between them.  A step of one
process is measured first; `asked` is the prediction for the latency and bandwidth that the network
was given, `fitted` that for those that exchanges of few and of many bytes have.  The hosts share
this machine's cores, as the carriers of packets do: a busy machine makes steps longer.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.distributed_scaling import step_of
from benchmarks.page import add_page, publish
from benchmarks.scaling_script import MODELS
from benchmarks.shaped_network import two_hosts
from minigrad.distributed.launch.estimate import Network
from minigrad.distributed.launch.measure_exchange import measured

NETWORKS = ((1e-3, 1e9), (1e-3, 1e8), (1e-2, 1e8))  # seconds a message, bits a second


def on_two_hosts(latency: float, bits: float) -> dict[str, Any]:
    """What `measure` finds between two hosts."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with two_hosts(latency, bits / 8, folder) as hosts:
            out = folder / "found.json"
            command = [sys.executable, "-m", "benchmarks.distributed_network", "--inside"]
            subprocess.run(
                [*hosts.prefix, *command, str(hosts.file), str(out)], check=True,
                env=os.environ | hosts.variables,
            )  # fmt: skip
            found: dict[str, Any] = json.loads(out.read_text())
            return found


def measure(hosts: Path, out: Path) -> None:
    """On a host: measure the network, and a step of each model."""
    network = measured(out.with_name("exchange.json"), hosts)
    steps = {model: step_of(model, 2, hosts) for model in MODELS}
    seconds = {model: step.seconds + step.waited for model, step in steps.items()}
    waited = {model: step.waited for model, step in steps.items()}
    out.write_text(json.dumps({"network": network, "seconds": seconds, "waited": waited}))


def table(count: int) -> Iterator[str]:
    """The rows of the first networks, as Markdown."""
    alone = {model: step_of(model, 1) for model in MODELS}
    yield "| network | fitted | model | 1 process ms | asked ms | fitted ms | measured ms |"
    yield "|---|---|---|---|---|---|---|"
    for latency, bits in NETWORKS[:count]:
        found = on_two_hosts(latency, bits)
        fitted, asked = Network(*found["network"]), Network(latency, bits / 8)
        for model, step in alone.items():
            yield (
                f"| {latency * 1e3:g} ms, {bits * 1e-6:g} Mbit/s "
                f"| {fitted.latency * 1e3:.2f} ms, {fitted.bandwidth * 8e-6:.0f} Mbit/s "
                f"| {model} | {step.seconds * 1e3:.0f} | {step.on(asked, 2).seconds * 1e3:.0f} "
                f"| {step.on(fitted, 2).seconds * 1e3:.0f} "
                f"| {found['seconds'][model] * 1e3:.0f} |"
            )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--inside", nargs=2, type=Path, metavar=("HOSTS", "OUT"))
    parser.add_argument("--networks", type=int, default=len(NETWORKS), metavar="N")
    add_page(parser)
    options = parser.parse_args()
    if options.inside:
        measure(*options.inside)
        return
    publish(table(options.networks), "distributed_network", options.page)


if __name__ == "__main__":
    main()
