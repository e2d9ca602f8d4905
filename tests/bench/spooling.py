"""ingest while the broker is away and when it is back: what spooling costs, how soon it is over."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from shared.runtime.errors import CheckFailed
from tests.bench.report import cpu_seconds
from tests.bench.served import Served
from tests.support.broker_process import BrokerProcess
from tests.support.ingest import IngestProcess

POLL_S = 0.02


@dataclass
class Spooling:
    """What was measured in each round.

    Attributes:
        per_cpu_second: webhooks made durable in the spool.
        replayed_per_s: records sent from the spool, from the first acknowledgement on; wall clock.
        replayed_per_cpu_second: the same by ingest's CPU time, reconnecting included.
        bytes_each: of the spool's files.
        unasked: webhooks that had been spooled before, in all rounds, because the broker was slow.
    """

    per_cpu_second: list[float] = field(default_factory=list)
    replayed_per_s: list[float] = field(default_factory=list)
    replayed_per_cpu_second: list[float] = field(default_factory=list)
    bytes_each: list[float] = field(default_factory=list)
    unasked: int = 0
    _seen: int = 0

    def round(
        self,
        broker: BrokerProcess,
        process: IngestProcess,
        ingest: Served,
        requests: Sequence[bytes],
        count: int,
        connections: int,
    ) -> None:
        """The broker goes, ``count`` webhooks come, the broker is back, all of them are sent.

        Raises:
            CheckFailed: less was spooled than was answered.
        """
        process.wait_until(lambda: not _spooling(process))
        self.unasked += _spooled(process) - self._seen
        broker.stop()
        process.wait_until(lambda: bool(_spooling(process)))
        refused = ingest.refused
        self.per_cpu_second.append(ingest.saturated(requests, count, connections))
        told = _spooling(process)
        kept = int(str(told["records"]))
        if kept != count - (ingest.refused - refused):
            raise CheckFailed(f"{count} were sent, {kept} are in the spool")
        self.bytes_each.append(float(str(told["bytes"])) / kept)
        before = cpu_seconds(ingest.pid)
        broker.start()
        left, began = kept, time.perf_counter()
        while left:
            time.sleep(POLL_S)
            now = int(str(_spooling(process).get("records", 0)))
            if now == kept:
                began = time.perf_counter()
            left = now
        self._seen = _spooled(process)
        self.replayed_per_s.append(kept / (time.perf_counter() - began))
        self.replayed_per_cpu_second.append(kept / (cpu_seconds(ingest.pid) - before))


def _spooling(process: IngestProcess) -> dict[str, object]:
    found: dict[str, object] = process.get("/readyz").json.get("spooling", {})
    return found


def _spooled(process: IngestProcess) -> int:
    """Records that were made durable since the process started."""
    lines = process.get("/metrics").body.decode().splitlines()
    name = "lakehouse_spool_spooled_total{"
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith(name)))
