"""The spool in the metrics: counted in plain Python, in the instruments at a scrape."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping

import prometheus_client

from services.ingest.spool.replayer import Replayer
from services.ingest.spool.spool import Spool
from shared.runtime.metrics import Instruments


class SpoolMeasures:
    """Brings the instruments up to date.

    Args:
        instruments: of the process.
        spool, replayer: what is measured.
    """

    def __init__(self, instruments: Instruments, spool: Spool, replayer: Replayer) -> None:
        self._spool = spool
        self._replayer = replayer
        self._bytes = instruments.gauge("lakehouse_spool_bytes")
        self._records = instruments.gauge("lakehouse_spool_records")
        self._age = instruments.gauge("lakehouse_spool_oldest_age_seconds")
        self._spooled = instruments.counter("lakehouse_spool_spooled_total")
        self._replayed = instruments.counter("lakehouse_spool_replayed_total")
        self._refused = instruments.counter("lakehouse_spool_refused_total")
        self._told: Counter[tuple[str, str]] = Counter()
        self._sources: set[str] = set()
        instruments.before_exposition(self.flush)

    def flush(self) -> None:
        """Count what has been since the last time."""
        spool = self._spool
        records: Counter[str] = Counter()
        for _, backlog in spool.backlogs():
            records[backlog.key.source] += backlog.outstanding
        # Those of a directory that was taken over and left again hold nothing now.
        self._sources.update(records)
        for source in self._sources:
            self._records.labels(source).set(records[source])
            self._bytes.labels(source).set(spool.quota.used(source))
        oldest = spool.oldest_s
        self._age.set(0.0 if oldest is None else max(0.0, time.time() - oldest))
        self._count("spooled", self._spooled, spool.answers.spooled)
        self._count("replayed", self._replayed, self._replayer.replayed)
        self._count("refused", self._refused, spool.answers.refused)

    def _count(
        self, name: str, counter: prometheus_client.Counter, totals: Mapping[str, int]
    ) -> None:
        for label, total in totals.items():
            counter.labels(label).inc(total - self._told[name, label])
            self._told[name, label] = total
