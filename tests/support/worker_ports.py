"""Ports for the processes that tests start: of a parallel run, each worker has some of its own.

A port is picked a while before its process listens, and stays picked while the process is killed
and started again. What another worker picks meanwhile must be another one, and looking whether it
is free cannot tell. So the workers of a run divide the ports into lots; which lot is the first
differs from run to run, as runs beside each other know nothing of each other. A run that is not
parallel picks from all of them.
"""

from __future__ import annotations

import os
import random
import zlib
from collections.abc import Mapping

from deploy.embedded import ports
from deploy.embedded.ports import FIRST_PORTS, PortSettings

LOTS = 7
_LOT = 1_400
_PLATFORM = 320
"""From a platform's first port to behind its last one, that of a third replica."""

SINGLE_PORTS = range(20_000, 20_000 + LOTS * _LOT)
"""Beside these only the storage has one, its first port and some 10 000: it is in the same lot."""


def lot() -> int | None:
    """Which lot is this process's; ``None``: all, as nobody else picks.

    Child processes of a worker have the lot of the worker.
    """
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        return None
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "")
    return (int(worker.removeprefix("gw")) + zlib.crc32(run.encode())) % LOTS


def platform_ports(replicas: Mapping[str, int]) -> PortSettings:
    """Free ports for a platform with so many processes by service."""
    number = lot()
    if number is None:
        return ports.pick_free(replicas)
    first = FIRST_PORTS.start + number * _LOT
    return ports.pick_free(replicas, range(first, first + _LOT - _PLATFORM))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that is free, and below the range of outgoing connections."""
    number = lot()
    among = SINGLE_PORTS
    if number is not None:
        among = among[number * _LOT : (number + 1) * _LOT]
    while not ports.free(port := random.choice(among)):
        pass
    return port
