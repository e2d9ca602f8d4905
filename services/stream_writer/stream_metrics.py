"""What the streams measure, in the catalogue's names."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.letter_metrics import LetterMetrics
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.preparing import Prepared
from shared.lake.commit import Outcome, Result
from shared.runtime.metrics import Instruments, observe_all

SERVICE = "stream_writer"


class StreamMetrics:
    """Metrics of all streams of one worker."""

    def __init__(self, instruments: Instruments) -> None:
        self._received = instruments.counter("lakehouse_events_received_total")
        self._sent = instruments.counter("lakehouse_events_sent_total")
        self._errors = instruments.counter("lakehouse_errors_total")
        self._seconds = instruments.histogram("lakehouse_commit_duration_seconds")
        self._commits = instruments.counter("lakehouse_commits_total")
        self._freshness = instruments.histogram("lakehouse_table_freshness_seconds")
        self._buffered = instruments.gauge("lakehouse_buffered_bytes")
        self._stopped = instruments.gauge("lakehouse_partition_stopped")
        self._position = instruments.gauge("lakehouse_table_position")
        self._drifted = instruments.counter("lakehouse_drifted_rows_total")
        self._replayed = instruments.counter("lakehouse_replayed_rows_total")
        self._redelivered = instruments.counter("lakehouse_redelivered_rows_total")
        self._letters = LetterMetrics(instruments)
        self._snapshots = instruments.gauge("lakehouse_snapshots_retained")
        self._pending = instruments.gauge("lakehouse_announcements_pending")
        self._stop_reasons: dict[PartitionKey, str] = {}
        self._positions_told: set[PartitionKey] = set()

    def received(self, topic: str, records: int) -> None:
        """Records taken from a topic."""
        self._received.labels(SERVICE, topic).inc(records)

    def error(self, error_type: str, stage: str) -> None:
        """Something failed and is tried again."""
        self._errors.labels(SERVICE, error_type, stage).inc()

    def outcome(self, table: str, outcome: str) -> None:
        """A commit or attempt ended so."""
        self._commits.labels(SERVICE, table, outcome).inc()

    def committed(self, table: str, prepared: Prepared, outcome: Outcome, seconds: float) -> None:
        """A commit came to its end."""
        self._seconds.labels(SERVICE, table).observe(seconds)
        for _ in range(outcome.conflicts):
            self.outcome(table, "conflict")
        for _ in range(outcome.unknowns):
            self.outcome(table, "unknown")
        if outcome.result is Result.NOTHING or outcome.snapshot is None:
            self.outcome(table, "covered")
            return
        self.outcome(table, "committed")
        self._snapshots.labels(table).set(len(outcome.state.snapshots))
        self._drifted.labels(table).inc(prepared.drifted)
        self._replayed.labels(table).inc(prepared.replayed)
        self._redelivered.labels(table).inc(prepared.redelivered)
        for topic, partition in prepared.work.batches:
            begin, rows = prepared.slices[topic, partition]
            left_out = sum(begin <= row < begin + rows for row in prepared.repeats)
            self._sent.labels(SERVICE, topic).inc(rows - left_out)
        self._letters.committed(table, prepared)
        ages = _ages(prepared.rows["_received_at"], outcome.snapshot.timestamp_ms)
        observe_all(
            self._freshness.labels(table),
            lambda bound: int(pc.sum(pc.less_equal(ages, bound)).as_py() or 0),
            float(pc.sum(ages).as_py() or 0.0),
        )

    def watch(
        self, table: str, held_bytes: Callable[[], int], announcements: Callable[[], int]
    ) -> None:
        """Ask these at every scrape: memory of what is not committed, commits not announced."""
        self._buffered.labels(table).set_function(held_bytes)
        self._pending.labels(table).set_function(announcements)

    def positions(self, table: str, offsets: Mapping[PartitionKey, int]) -> None:
        """Next offsets recorded in the table."""
        for (topic, partition), offset in offsets.items():
            self._position.labels(table, topic, str(partition)).set(offset)
            self._positions_told.add((topic, partition))

    def stopped(self, key: PartitionKey, reason: str) -> None:
        """A partition is not consumed."""
        self.not_stopped(key)
        self._stop_reasons[key] = reason
        self._stopped.labels(key[0], str(key[1]), reason).set(1)

    def released(self, table: str, key: PartitionKey) -> None:
        """A partition is no longer ours: its next owner tells of it."""
        self.not_stopped(key)
        if key in self._positions_told:
            self._positions_told.discard(key)
            self._position.remove(table, key[0], str(key[1]))

    def not_stopped(self, key: PartitionKey) -> None:
        """A partition is consumed."""
        reason = self._stop_reasons.pop(key, None)
        if reason is not None:
            self._stopped.remove(key[0], str(key[1]), reason)


def _ages(received_at: pa.ChunkedArray, visible_ms: int) -> pa.ChunkedArray:
    """Seconds from each receipt to the moment its row became readable."""
    received = pc.cast(received_at.drop_null(), "int64")
    ages = pc.divide(pc.subtract(visible_ms * 1000, received), 1_000_000.0)
    return pc.max_element_wise(ages, 0.0)
