"""From buffered batches to rows that are ready to be committed. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from services.stream_writer.buffer import Work
from services.stream_writer.parsing.rows import BadRecord, parse
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.replays import ReplayMemory
from shared.contracts.identity import uuid7
from shared.tables.spec import TableSpec


@dataclass(slots=True)
class Prepared:
    """Work parsed to rows; retried as it is.

    Attributes:
        rows: all rows, grouped by partition in the order of ``slices``.
        slices: per partition where its rows begin in ``rows`` and how many there are.
        bad: bad records by row.
    """

    work: Work
    commit_id: str
    loaded_at: datetime
    rows: pa.Table
    slices: dict[PartitionKey, tuple[int, int]]
    bad: list[BadRecord]
    drifted: int
    replayed: int

    def records(self, key: PartitionKey) -> list[Any]:
        """All records of one partition, in order."""
        return [record for batch in self.work.batches[key] for record in batch.records]


def prepare(spec: TableSpec, replays: ReplayMemory, work: Work) -> Prepared:
    """Parse the records of a piece of work to rows of ``spec``, once; mark ``replays``."""
    loaded_at = datetime.now(UTC)
    tables: list[pa.Table] = []
    slices: dict[PartitionKey, tuple[int, int]] = {}
    bad: list[BadRecord] = []
    drifted = total = 0
    by_topic: dict[str, list[PartitionKey]] = {}
    for key in sorted(work.batches):
        by_topic.setdefault(key[0], []).append(key)
    for topic, keys in by_topic.items():
        records: list[Any] = []
        for key in keys:
            begin = len(records)
            for batch in work.batches[key]:
                records.extend(batch.records)
            slices[key] = (total + begin, len(records) - begin)
        parsed = parse(spec, topic, records, loaded_at)
        bad.extend(BadRecord(b.index + total, b.reason, b.detail) for b in parsed.bad)
        drifted += parsed.drifted
        total += len(records)
        tables.append(parsed.table)
    rows = pa.concat_tables(tables)
    rows, replayed = _mark_replays(rows, replays)
    return Prepared(work, uuid7(), loaded_at, rows, slices, bad, drifted, replayed)


def _mark_replays(rows: pa.Table, replays: ReplayMemory) -> tuple[pa.Table, int]:
    places = zip(
        rows["_topic"].to_pylist(),
        rows["_partition"].to_pylist(),
        rows["_offset"].to_pylist(),
        strict=True,
    )
    flags = [
        bool(delivery) and replays.replayed(delivery, place)
        for delivery, place in zip(rows["_delivery_id"].to_pylist(), places, strict=True)
    ]
    found = sum(flags)
    if not found:
        return rows, 0
    index = rows.schema.get_field_index("_replayed")
    return rows.set_column(index, rows.schema.field(index), pa.array(flags)), found
