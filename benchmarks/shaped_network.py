"""Two hosts on this machine, between which a network has the latency and bandwidth that is asked.

Each host is a network namespace with one device, a tunnel that ends in a process here: it hands
packets over as late as such a network would.  (Linux's own shaper, netem, is a part of the kernel
that many machines leave out.)  Making namespaces needs root, and iproute2.
"""

import contextlib
import fcntl
import multiprocessing
import os
import select
import struct
import subprocess
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

HOSTS = {"minigrad-a": "10.77.0.1", "minigrad-b": "10.77.0.2"}
DEVICE = "shaped0"
LARGEST_PACKET = 16_000  # bytes: few packets, since Python moves them
_SET_TUNNEL, _TUNNEL, _PLAIN = 0x400454CA, 0x0001, 0x1000  # of <linux/if_tun.h>

# Where MPI's launcher would call ssh, this enters the namespace of the host.
_LAUNCHER = """#!/bin/sh
while [ "${{1#-}}" != "$1" ]; do shift; done
case "$1" in {cases} esac
shift
exec nsenter --net=/run/netns/$name sh -c "$*"
"""


class Hosts(NamedTuple):
    """Two hosts that are up."""

    file: Path  # their addresses, for mpiexec
    prefix: list[str]  # of a command that is to run on the first
    variables: Mapping[str, str]  # of its environment


def _tunnel(namespace: str, address: str) -> int:
    """A device in a namespace; the file that its packets are read from and written to."""
    file = os.open("/dev/net/tun", os.O_RDWR)
    first = f"{namespace}0"
    fcntl.ioctl(file, _SET_TUNNEL, struct.pack("16sH", first.encode(), _TUNNEL | _PLAIN))
    inside = ["ip", "-n", namespace]
    for command in (
        ["ip", "link", "set", first, "netns", namespace, "name", DEVICE],
        [*inside, "link", "set", "lo", "up"],
        [*inside, "address", "add", f"{address}/24", "dev", DEVICE],
        [*inside, "link", "set", DEVICE, "up", "mtu", str(LARGEST_PACKET)],
    ):
        subprocess.run(command, check=True)
    return file


def _carry(source: int, target: int, latency: float, bandwidth: float) -> None:
    """Hand packets over in order: each takes its time on the line, then the latency."""
    with contextlib.suppress(OSError):
        os.nice(-10)  # a network does not wait for a machine that is busy
    under_way: deque[tuple[float, bytes]] = deque()
    free = 0.0  # when the line is
    while True:
        wait = None if not under_way else max(0.0, under_way[0][0] - time.monotonic())
        if select.select([source], [], [], wait)[0]:
            packet = os.read(source, 2 * LARGEST_PACKET)
            free = max(free, time.monotonic()) + len(packet) / bandwidth
            under_way.append((free + latency, packet))
        while under_way and under_way[0][0] <= time.monotonic():
            with contextlib.suppress(OSError):  # the device is down at the end
                os.write(target, under_way[0][1])
            under_way.popleft()


@contextlib.contextmanager
def two_hosts(latency: float, bandwidth: float, folder: Path) -> Iterator[Hosts]:
    """A block in which there are two hosts; seconds a message, bytes a second in each direction.

    Raises CalledProcessError or OSError where namespaces or tunnels are not allowed.
    """
    fork = multiprocessing.get_context("fork")
    carriers: list[Any] = []
    files: list[int] = []
    made: list[str] = []
    try:
        for name, address in HOSTS.items():
            subprocess.run(["ip", "netns", "add", name], check=True)
            made.append(name)
            files.append(_tunnel(name, address))
        for source, target in (files, files[::-1]):
            carried = (source, target, latency, bandwidth)
            carrier = fork.Process(target=_carry, args=carried, daemon=True)
            carrier.start()
            carriers.append(carrier)
        yield _described(folder)
    finally:
        for carrier in carriers:
            carrier.terminate()
            carrier.join()
        for file in files:
            os.close(file)
        for name in made:
            subprocess.run(["ip", "netns", "delete", name], check=True)


def _described(folder: Path) -> Hosts:
    file, launcher = folder / "hosts", folder / "launcher"
    file.write_text("".join(f"{address}:1\n" for address in HOSTS.values()))
    cases = " ".join(f"{address}) name={name};;" for name, address in HOSTS.items())
    launcher.write_text(_LAUNCHER.format(cases=cases))
    launcher.chmod(0o755)
    variables = {
        "HYDRA_LAUNCHER": "ssh",
        "HYDRA_LAUNCHER_EXEC": str(launcher),
        "HYDRA_IFACE": DEVICE,
        "MPIR_CVAR_NOLOCAL": "1",  # the hosts have one memory, which is not to be used
        "MPIR_CVAR_CH4_NETMOD": "ofi",
        "FI_PROVIDER": "tcp",
        "FI_TCP_IFACE": DEVICE,
    }
    return Hosts(file, ["ip", "netns", "exec", next(iter(HOSTS))], variables)
