"""What a worker in memory is given in place of Arrow, metrics and topics; no decision is here."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from types import SimpleNamespace
from typing import Any

from services.stream_writer.buffer import Work
from services.stream_writer.dead_letters import DeadLetterSink
from services.stream_writer.landing import Landing
from services.stream_writer.parsing.rows import BadRecord
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.preparing import Prepared
from services.stream_writer.redeliveries import RedeliveryMemory
from services.stream_writer.stream_metrics import StreamMetrics
from services.stream_writer.table_writer import TableWriter
from shared.contracts.tables import TableCommitted
from shared.lake.commit import Outcome
from shared.lake.positions import Positions
from shared.runtime.table_states import TableStates
from tests.explore.memory_table import File
from tests.explore.topic_log import LogRecord

_COMMIT_IDS = count(1)
_NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Rows:
    """Rows as far as the stream looks at them: the records that they are made of."""

    records: list[LogRecord]

    @property
    def num_rows(self) -> int:
        return len(self.records)


class Uncounted(RedeliveryMemory):
    """Deliveries of an event that nobody counts."""

    def count(self, rows: Any) -> int:
        return 0


class MemoryWriter(TableWriter):
    """The writer, its rows never parsed and its files never written."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.redeliveries = Uncounted()

    read: Positions | None = None
    """What it was told last about where the table stands."""

    def positions(self) -> Positions | None:
        self.read = super().positions()
        return self.read

    def warm_up(self) -> None:
        """Replays are only marked."""

    def prepare(self, work: Work) -> Prepared:
        rows: list[LogRecord] = []
        slices: dict[PartitionKey, tuple[int, int]] = {}
        for key in sorted(work.batches):
            records = work.records(key)
            slices[key] = (len(rows), len(records))
            rows.extend(records)
        bad = [BadRecord(index, "bad", "") for index, record in enumerate(rows) if record.bad]
        return Prepared(work, f"commit-{next(_COMMIT_IDS)}", _NOW, Rows(rows), slices, bad, 0, 0)

    def _received(self, prepared: Prepared, landing: Landing) -> None:
        """Nobody says when."""

    def _files(self, prepared: Prepared, landing: Landing) -> list[Any]:
        records = prepared.rows.records
        parts = zip(landing.starts, landing.parts, strict=True)
        rows = {key: tuple(records[begin : begin + n]) for key, (begin, n) in parts if n}
        return [File(rows)] if rows else []


class Letters(DeadLetterSink):
    """Dead letters, published through ``publish``."""

    def __init__(self, publish: Callable[[list[LogRecord]], Awaitable[None]]) -> None:
        self._publish_all = publish

    async def announce(self, prepared: Prepared) -> None:
        if prepared.bad:
            await self._publish_all(
                [prepared.rows.records[record.index] for record in prepared.bad]
            )


class States(TableStates):
    """The compacted topic of tables as far as this worker has read it."""

    def __init__(self) -> None:
        self._last = {}
        reader: Any = SimpleNamespace(caught_up=asyncio.Event())
        self.reader = reader

    def catch_up(self, topic: list[TableCommitted]) -> None:
        """Read the topic to its end."""
        if topic:
            self._last[topic[-1].table] = topic[-1]
        self.reader.caught_up.set()


class Unmeasured(StreamMetrics):
    """Metrics that nobody reads."""

    def __init__(self) -> None:
        """No instruments."""

    def received(self, topic: str, records: int) -> None: ...

    def error(self, error_type: str, stage: str) -> None: ...

    def outcome(self, table: str, outcome: str) -> None: ...

    def committed(
        self, table: str, prepared: Prepared, outcome: Outcome, seconds: float
    ) -> None: ...

    def watch(
        self, table: str, held_bytes: Callable[[], int], announcements: Callable[[], int]
    ) -> None: ...

    def positions(self, table: str, offsets: Mapping[PartitionKey, int]) -> None: ...

    def stopped(self, key: PartitionKey, reason: str) -> None: ...

    def released(self, table: str, key: PartitionKey) -> None: ...

    def not_stopped(self, key: PartitionKey) -> None: ...
