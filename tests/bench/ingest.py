"""How many verified, durable webhooks one core takes, beside a bare aiohttp server.

ingest on the embedded broker and a server that reads the body and answers 202 get the same signed
orders in turns. Each of the two is pinned to the same one core with the same event loop; senders
and broker run on the others. What counts is the CPU time of the server's process alone, which
hardly depends on what else the machine does; the broker's CPU time is a measure of its own. The
times to an answer are wall clock, at a rate far below what either can do.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

from services.ingest.__main__ import loop_factory
from shared.cli.output import progress
from shared.runtime.errors import CheckFailed
from tests.bench.bare_server import bare_server
from tests.bench.http_load import Load, delivery, order, pace, saturate
from tests.bench.report import Measure, cpu_seconds, measure
from tests.support.broker_process import BrokerProcess
from tests.support.ingest import IngestProcess, create_topics

CONNECTIONS = 512
"""What is under way at once, to each server: ingest's deliveries wait for the broker's disk, so it
takes many to keep it at work. The peer waits for nothing, and is slower on many than on few."""

FEW_CONNECTIONS = 64
"""Where ingest does run out of work: the other figure, and the one at a fixed rate."""

ORDERS = 500
"""Different orders, so that they go to all partitions."""

REQUESTS = 20_000
"""To each server in each round, as fast as they are answered."""

FEW_REQUESTS = 8_000
"""To each server in each round, as fast as they are answered on few connections."""

WARM_UP_REQUESTS = 4_000
RATE = 500.0
PACED_REQUESTS = 2_000
"""To each server in each round, at ``RATE`` a second."""

PEER = "bare aiohttp server that reads the body and answers 202"


@dataclass
class Server:
    """One of the two, and what was measured of it in each round.

    Attributes:
        pid, port: of its process.
        status: what it answers to a good delivery.
        per_cpu_second: webhooks, sent as fast as they were answered on many connections.
        few_per_cpu_second: the same on few.
        paced_per_cpu_second: webhooks, sent at a fixed rate: smaller batches, more waking up.
        p50, p99: milliseconds to the answer at that rate.
        refused: answers 503, warm-up included.
    """

    pid: int
    port: int
    status: bytes
    per_cpu_second: list[float] = field(default_factory=list)
    few_per_cpu_second: list[float] = field(default_factory=list)
    paced_per_cpu_second: list[float] = field(default_factory=list)
    p50: list[float] = field(default_factory=list)
    p99: list[float] = field(default_factory=list)
    refused: int = 0

    def warm_up(self, requests: list[bytes]) -> None:
        """What a process does only once is not the cost of a webhook."""
        self._taken(_run(saturate(self.port, requests, WARM_UP_REQUESTS, CONNECTIONS)))

    def saturate(self, requests: list[bytes], count: int) -> None:
        """One round as fast as it answers."""
        before = cpu_seconds(self.pid)
        load = _run(saturate(self.port, requests, count, CONNECTIONS))
        self.per_cpu_second.append(self._taken(load) / (cpu_seconds(self.pid) - before))

    def saturate_few(self, requests: list[bytes], count: int) -> None:
        """One round as fast as it answers, on few connections."""
        before = cpu_seconds(self.pid)
        load = _run(saturate(self.port, requests, count, FEW_CONNECTIONS))
        self.few_per_cpu_second.append(self._taken(load) / (cpu_seconds(self.pid) - before))

    def pace(self, requests: list[bytes], count: int) -> None:
        """One round at a fixed rate."""
        before = cpu_seconds(self.pid)
        load = _run(pace(self.port, requests, count, FEW_CONNECTIONS, RATE))
        self.paced_per_cpu_second.append(self._taken(load) / (cpu_seconds(self.pid) - before))
        cuts = statistics.quantiles(load.seconds, n=100)
        self.p50.append(cuts[49] * 1000)
        self.p99.append(cuts[98] * 1000)

    def _taken(self, load: Load) -> int:
        """How many were taken in. A 503, as on a machine too busy, costs but does not count."""
        if not {self.status} <= set(load.statuses) <= {self.status, b"503"}:
            raise CheckFailed(
                f"port {self.port} answered {dict(load.statuses)}, not {self.status!r}"
            )
        self.refused += load.statuses[b"503"]
        return load.statuses[self.status]


def _run(load: Coroutine[Any, Any, Load]) -> Load:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(load)


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Both servers in turns."""
    requests = [delivery(number) for number in range(ORDERS)]
    broker_cpu: list[float] = []
    scale = 4 if quick else 1
    affinity = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as directory, bare_server() as (pid, port):
        bare = Server(pid, port, b"202")
        broker = BrokerProcess(Path(directory))
        try:
            broker.start()
            create_topics(broker.bootstrap)
            with IngestProcess(Path(directory), broker.bootstrap) as process:
                process.wait_ready()
                assert process.process is not None
                ingest = Server(process.process.pid, process.port, b"200")
                _share_cores(served=[bare.pid, ingest.pid], others=[os.getpid(), broker.pid])
                for server in (bare, ingest):
                    server.warm_up(requests)
                for number in range(rounds):
                    bare.saturate(requests, REQUESTS // scale)
                    before = cpu_seconds(broker.pid)
                    ingest.saturate(requests, REQUESTS // scale)
                    used = cpu_seconds(broker.pid) - before
                    broker_cpu.append(used / (REQUESTS // scale) * 1e6)
                    for server in (bare, ingest):
                        server.saturate_few(requests, FEW_REQUESTS // scale)
                        server.pace(requests, PACED_REQUESTS // scale)
                    progress("round done", number=number + 1, of=rounds)
        finally:
            broker.close()
            os.sched_setaffinity(0, affinity)
    return _measures(ingest, bare, broker_cpu)


def _measures(ingest: Server, bare: Server, broker_cpu: list[float]) -> list[Measure]:
    paced = f"{PEER}, at {RATE:g} a second"
    return [
        measure(
            "webhook", ingest.per_cpu_second, "1/CPU-s", peer=PEER, peer_values=bare.per_cpu_second
        ),
        measure(
            "webhook_few_connections",
            ingest.few_per_cpu_second,
            "1/CPU-s",
            peer=f"{PEER}, {FEW_CONNECTIONS} connections",
            peer_values=bare.few_per_cpu_second,
        ),
        measure("webhook_broker_cpu", broker_cpu, "us"),
        measure(
            "webhook_paced",
            ingest.paced_per_cpu_second,
            "1/CPU-s",
            peer=paced,
            peer_values=bare.paced_per_cpu_second,
        ),
        measure("answer_p50", ingest.p50, "ms", peer=paced, peer_values=bare.p50),
        measure("answer_p99", ingest.p99, "ms", peer=paced, peer_values=bare.p99),
        measure("answer_503", [float(ingest.refused)], "webhooks"),
        measure("body", [float(len(order(0)))], "B"),
    ]


def _share_cores(*, served: list[int], others: list[int]) -> None:
    """One core for the servers, the rest for everything else; nothing on a single core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    for pid in served:
        psutil.Process(pid).cpu_affinity(cores[:1])
    for pid in others:
        psutil.Process(pid).cpu_affinity(cores[1:])
