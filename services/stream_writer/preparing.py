"""From buffered batches to rows that are ready to be committed. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import repeat
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from services.stream_writer.buffer import Work
from services.stream_writer.parsing.rows import BadRecord, parse
from services.stream_writer.partition_batch import PartitionKey
from services.stream_writer.record_batches.bulk import decode
from services.stream_writer.record_batches.record_columns import RecordColumns, record_columns
from services.stream_writer.record_batches.record_set import RecordSet
from services.stream_writer.replays import ReplayMemory
from shared.contracts.envelope import MAY_REPEAT
from shared.contracts.identity import uuid7
from shared.tables.spec import TableSpec

DECODED_BYTES = 8 * 2**20
"""Records that are decoded at a time; a fetch is not divided."""


@dataclass(slots=True)
class Prepared:
    """Work parsed to rows; retried as it is.

    Attributes:
        rows: all rows, grouped by partition in the order of ``slices``.
        slices: per partition where its rows begin in ``rows`` and how many there are.
        bad: bad records by row.
        doubtful: rows whose sender may have sent them before, and of which no other place is
            remembered; ``None`` once the table was asked.
        repeats: rows that were left out when this was committed, as the table knew them.
        redelivered: events that a vendor had delivered before; known once this was committed.
    """

    work: Work
    commit_id: str
    loaded_at: datetime
    rows: pa.Table
    slices: dict[PartitionKey, tuple[int, int]]
    bad: list[BadRecord]
    drifted: int
    replayed: int
    doubtful: list[int] | None = None
    repeats: frozenset[int] = frozenset()
    redelivered: int = 0

    def records(self, key: PartitionKey) -> Sequence[Any]:
        """All records of one partition, in order; made one by one when they are asked for."""
        return self.work.records(key)


def prepare(spec: TableSpec, replays: ReplayMemory, work: Work) -> Prepared:
    """Parse the records of a piece of work to rows of ``spec``, once; mark ``replays``."""
    loaded_at = datetime.now(UTC)
    tables: list[pa.Table] = []
    slices: dict[PartitionKey, tuple[int, int]] = {}
    bad: list[BadRecord] = []
    hinted: list[int] = []
    drifted = total = done = 0
    by_topic: dict[str, list[PartitionKey]] = {}
    for key in sorted(work.batches):
        by_topic.setdefault(key[0], []).append(key)
    for topic, keys in by_topic.items():
        fetches: list[Sequence[Any]] = []
        for key in keys:
            parts = [batch.records for batch in work.batches[key]]
            count = sum(map(len, parts))
            slices[key] = (total, count)
            total += count
            fetches += parts
        for columns in _columns(fetches):
            for alike in columns.alike:
                if MAY_REPEAT in alike.names:
                    hinted += [row + done for row in alike.rows.to_pylist()]
            parsed = parse(spec, topic, columns, loaded_at)
            bad += [replace(one, index=one.index + done) for one in parsed.bad]
            drifted += parsed.drifted
            done += len(columns)
            tables.append(parsed.table)
    rows = pa.concat_tables(tables)
    found = _replayed(rows, slices, replays)
    doubtful = sorted(set(hinted).difference(found)) or None
    return Prepared(
        work,
        uuid7(),
        loaded_at,
        mark_replays(rows, found),
        slices,
        bad,
        drifted,
        len(found),
        doubtful,
    )


def _columns(fetches: Sequence[Sequence[Any]]) -> Iterator[RecordColumns]:
    """Fetches as columns, some megabytes at a time, which bounds what is in memory twice."""
    sets: list[RecordSet] = []
    for fetch in fetches:
        if isinstance(fetch, RecordSet):
            sets.append(fetch)
            if sum(len(each.data) for each in sets) < DECODED_BYTES:
                continue
        if sets:
            yield decode(sets)
            sets = []
        if not isinstance(fetch, RecordSet):
            yield record_columns(fetch)
    if sets:
        yield decode(sets)


def _replayed(
    rows: pa.Table, slices: Mapping[PartitionKey, tuple[int, int]], replays: ReplayMemory
) -> list[int]:
    """Rows whose delivery is remembered from another place."""
    deliveries, offsets = rows["_delivery_id"].to_pylist(), rows["_offset"].to_pylist()
    places = [
        place
        for (topic, partition), (begin, count) in slices.items()
        for place in zip(repeat(topic), repeat(partition), offsets[begin : begin + count])
    ]
    named = [row for row, delivery in enumerate(deliveries) if delivery]
    if len(named) < len(deliveries):
        deliveries = [deliveries[row] for row in named]
        places = [places[row] for row in named]
    return [named[row] for row in replays.replayed(deliveries, places)]


def mark_replays(rows: pa.Table, which: Sequence[int]) -> pa.Table:
    """The same rows, these marked beside those that are."""
    if not which:
        return rows
    here = pc.is_in(pa.array(range(rows.num_rows), pa.int64()), pa.array(which, pa.int64()))
    index = rows.schema.get_field_index("_replayed")
    return rows.set_column(index, rows.schema.field(index), pc.or_(rows["_replayed"], here))
