"""How many verified, durable webhooks one core takes, beside a bare aiohttp server.

ingest on the embedded broker and a server that reads the body and answers 202 get the same signed
orders in turns, and the same arrays of a hundred HubSpot events. Each of the two is pinned to the
same one core with the same event loop; senders and broker run on the others. What counts is the CPU
time of the server's process alone, which hardly depends on what else the machine does; the broker's
CPU time is a measure of its own. The times to an answer are wall clock, at a rate far below what
either can do. In each round the broker is away for a while, too: what is spooled then costs an
fsync that many share, and is sent when the broker is back.
"""

from __future__ import annotations

import os
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from shared.cli.output import progress
from tests.bench import event_arrays
from tests.bench.bare_server import bare_server
from tests.bench.event_arrays import EVENTS, arrays
from tests.bench.http_load import delivery, order
from tests.bench.report import Measure, cpu_seconds, measure
from tests.bench.served import Paced, Served
from tests.bench.spooling import Spooling
from tests.support.arrivals import create_topics
from tests.support.broker_process import BrokerProcess
from tests.support.ingest import IngestProcess

CONNECTIONS = 512
"""What is under way at once, to each server: ingest's deliveries wait for the broker's disk, so it
takes many to keep it at work. The peer waits for nothing, and is slower on many than on few."""

FEW_CONNECTIONS = 64
"""Where ingest does run out of work: the other figure, and the one at a fixed rate."""

ARRAY_CONNECTIONS = 32
"""Of requests of a hundred events each."""

ORDERS = 500
"""Different orders, so that they go to all partitions."""

REQUESTS = 20_000
"""To each server in each round, as fast as they are answered; as many are spooled."""

FEW_REQUESTS = 8_000
"""To each server in each round, as fast as they are answered on few connections."""

ARRAY_REQUESTS = 600
WARM_UP_REQUESTS = 4_000
RATE = 500.0
PACED_REQUESTS = 2_000
"""To each server in each round, at ``RATE`` a second."""

QUICK_SCALE = 16
"""A quick run sends this part of everything."""

PEER = "bare aiohttp server that reads the body and answers 202"


@dataclass
class Contestant:
    """One of the two, and what was measured of it in each round.

    Attributes:
        served: its process.
        many, few: webhooks per CPU-second, as fast as they were answered on so many connections.
        events: HubSpot events per CPU-second, a hundred in a request.
        paced: webhooks at a fixed rate: smaller batches, more waking up.
    """

    served: Served
    many: list[float] = field(default_factory=list)
    few: list[float] = field(default_factory=list)
    events: list[float] = field(default_factory=list)
    paced: list[Paced] = field(default_factory=list)

    def go_on(self, requests: list[bytes], scale: int) -> None:
        """Everything of a round but :attr:`many`."""
        served = self.served
        self.few.append(served.saturated(requests, FEW_REQUESTS // scale, FEW_CONNECTIONS))
        self.paced.append(served.paced(requests, PACED_REQUESTS // scale, FEW_CONNECTIONS, RATE))
        each = served.saturated(arrays(), ARRAY_REQUESTS // scale, ARRAY_CONNECTIONS)
        self.events.append(each * EVENTS)


def run(rounds: int, *, quick: bool = False) -> list[Measure]:
    """Both servers in turns."""
    requests = [delivery(number) for number in range(ORDERS)]
    broker_cpu: list[float] = []
    spooling = Spooling()
    scale = QUICK_SCALE if quick else 1
    affinity = os.sched_getaffinity(0)
    with tempfile.TemporaryDirectory() as directory, bare_server() as (pid, port):
        bare = Contestant(Served(pid, port, b"202"))
        broker = BrokerProcess(Path(directory))
        try:
            broker.start()
            create_topics(broker.bootstrap)
            with IngestProcess(
                Path(directory),
                broker.bootstrap,
                BERGLINE_INGEST_PUBLIC_URLS=event_arrays.PUBLIC_URL,
            ) as process:
                process.wait_ready()
                assert process.process is not None
                ingest = Contestant(Served(process.process.pid, process.port, b"200"))
                served = [bare.served.pid, ingest.served.pid]
                _share_cores(served=served, others=[os.getpid(), broker.pid])
                for each in (bare, ingest):
                    # What a process does only once is not the cost of a webhook.
                    warm_up = WARM_UP_REQUESTS // scale
                    each.served.warm_up(requests, warm_up, CONNECTIONS)
                    each.served.warm_up(arrays(), warm_up // EVENTS, ARRAY_CONNECTIONS)
                for number in range(rounds):
                    count = REQUESTS // scale
                    bare.many.append(bare.served.saturated(requests, count, CONNECTIONS))
                    before = cpu_seconds(broker.pid)
                    ingest.many.append(ingest.served.saturated(requests, count, CONNECTIONS))
                    broker_cpu.append((cpu_seconds(broker.pid) - before) / count * 1e6)
                    for each in (bare, ingest):
                        each.go_on(requests, scale)
                    spooling.round(broker, process, ingest.served, requests, count, CONNECTIONS)
                    progress("round done", number=number + 1, of=rounds)
        finally:
            broker.close()
            os.sched_setaffinity(0, affinity)
    return [
        *_measures(ingest, bare),
        measure("webhook_broker_cpu", broker_cpu, "us"),
        measure(
            "webhook_spooled",
            spooling.per_cpu_second,
            "1/CPU-s",
            peer=PEER,
            peer_values=bare.many,
        ),
        measure("spool_replay", spooling.replayed_per_s, "1/s"),
        measure("spool_replay_cpu", spooling.replayed_per_cpu_second, "1/CPU-s"),
        measure("spool_bytes", spooling.bytes_each, "B"),
        measure("spooled_unasked", [float(spooling.unasked)], "webhooks"),
        measure("answer_503", [float(ingest.served.refused)], "webhooks"),
        measure("body", [float(len(order(0)))], "B"),
        measure("array_body", [float(len(event_arrays.body(0)))], "B"),
    ]


def _measures(ingest: Contestant, bare: Contestant) -> list[Measure]:
    """What both did."""
    few, paced = f"{PEER}, {FEW_CONNECTIONS} connections", f"{PEER}, at {RATE:g} a second"
    per_cpu_second = [
        ("webhook", ingest.many, PEER, bare.many),
        ("webhook_few_connections", ingest.few, few, bare.few),
        (
            "webhook_paced",
            [each.per_cpu_second for each in ingest.paced],
            paced,
            [each.per_cpu_second for each in bare.paced],
        ),
        ("hubspot_event", ingest.events, f"{PEER}, {EVENTS} events in a body", bare.events),
    ]
    times = [
        (
            "answer_p50",
            [each.p50_ms for each in ingest.paced],
            [each.p50_ms for each in bare.paced],
        ),
        (
            "answer_p99",
            [each.p99_ms for each in ingest.paced],
            [each.p99_ms for each in bare.paced],
        ),
    ]
    return [
        *(
            measure(name, values, "1/CPU-s", peer=peer, peer_values=others)
            for name, values, peer, others in per_cpu_second
        ),
        *(
            measure(name, values, "ms", peer=paced, peer_values=others)
            for name, values, others in times
        ),
    ]


def _share_cores(*, served: list[int], others: list[int]) -> None:
    """One core for the servers, the rest for everything else and for the brokers that are started
    later; nothing on a single core."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        return
    for pid in served:
        psutil.Process(pid).cpu_affinity(cores[:1])
    for pid in others:
        psutil.Process(pid).cpu_affinity(cores[1:])
