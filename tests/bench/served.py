"""A server process under load: what it takes in per second of its own CPU time."""

from __future__ import annotations

import asyncio
import statistics
from collections.abc import Coroutine, Sequence
from typing import Any, NamedTuple

from services.ingest.__main__ import loop_factory
from shared.runtime.errors import CheckFailed
from tests.bench.http_load import Load, pace, saturate
from tests.bench.report import cpu_seconds


class Paced(NamedTuple):
    """What was measured at a fixed rate: requests per CPU-second, milliseconds to the answer."""

    per_cpu_second: float
    p50_ms: float
    p99_ms: float


class Served:
    """One server.

    Args:
        pid, port: of its process.
        status: what it answers to a good request.

    Attributes:
        refused: answers 503.
    """

    def __init__(self, pid: int, port: int, status: bytes) -> None:
        self.pid = pid
        self.refused = 0
        self._port = port
        self._status = status

    def warm_up(self, requests: Sequence[bytes], count: int, connections: int) -> None:
        """As many requests, and nothing of what they cost: it may be less than the clock tells."""
        self._taken(_run(saturate(self._port, requests, count, connections)))

    def saturated(self, requests: Sequence[bytes], count: int, connections: int) -> float:
        """Requests per CPU-second, sent as fast as they are answered."""
        before = cpu_seconds(self.pid)
        load = _run(saturate(self._port, requests, count, connections))
        return self._taken(load) / (cpu_seconds(self.pid) - before)

    def paced(self, requests: Sequence[bytes], count: int, connections: int, rate: float) -> Paced:
        """The same at ``rate`` a second, and how long the answers took."""
        before = cpu_seconds(self.pid)
        load = _run(pace(self._port, requests, count, connections, rate))
        each = self._taken(load) / (cpu_seconds(self.pid) - before)
        cuts = statistics.quantiles(load.seconds, n=100)
        return Paced(each, cuts[49] * 1000, cuts[98] * 1000)

    def _taken(self, load: Load) -> int:
        """How many were taken in. A 503, as on a machine too busy, costs but does not count."""
        if not {self._status} <= set(load.statuses) <= {self._status, b"503"}:
            raise CheckFailed(
                f"port {self._port} answered {dict(load.statuses)}, not {self._status!r}"
            )
        self.refused += load.statuses[b"503"]
        return load.statuses[self._status]


def _run(load: Coroutine[Any, Any, Load]) -> Load:
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        return runner.run(load)
