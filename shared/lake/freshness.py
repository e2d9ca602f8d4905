"""How far every table is behind its topics, offset by offset, and since when.

Three places per partition: the log's end, what the landing table holds, what a derived table is
complete up to. An offset is not always a row (gaps count), so what is behind is told in offsets.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pyiceberg.expressions import And, BooleanExpression, EqualTo, GreaterThanOrEqual, Or, Reference
from pyiceberg.expressions.literals import literal

from shared.lake.positions import PartitionKey
from shared.lake.provenance import Complete, completeness
from shared.lake.query import Pin, query
from shared.lake.reader import LakeReader
from shared.lake.table_state import TableState
from shared.runtime.log_bounds import LogBounds
from shared.tables.lineage import upstream
from shared.tables.spec import TableSpec

_OLDEST = """
select min(_received_at) from {table} where {missing}
"""


@dataclass(frozen=True, slots=True)
class PartitionFreshness:
    """One partition behind one table.

    Attributes:
        complete: offset up to which the table holds everything; 0 when it says nothing.
        landed: next offset of the landing table; ``None`` when its positions are not known.
        log_end: end of the log; ``None`` when the broker was not asked or lacks the partition.
    """

    topic: str
    partition: int
    complete: int
    landed: int | None
    log_end: int | None

    @property
    def behind_landing(self) -> int:
        """Offsets that have landed and are not in the table."""
        return max(0, (self.landed or 0) - self.complete)

    @property
    def behind_log(self) -> int | None:
        """Offsets in the log that are not in the table; ``None`` when the end is not known."""
        return None if self.log_end is None else max(0, self.log_end - self.complete)


@dataclass(frozen=True, slots=True)
class TableFreshness:
    """One table.

    Attributes:
        exists: whether the catalog has it.
        built: whether it says what it holds; not when it was never built or its origin is lost.
        committed_at: of its head.
        partitions: of every topic that it comes from, in order.
        oldest_missing: when the oldest record that has landed and is not in the table was received;
            ``None`` when nothing is missing, or it is not known.
    """

    table: str
    exists: bool
    built: bool
    committed_at: datetime | None
    partitions: tuple[PartitionFreshness, ...]
    oldest_missing: datetime | None = None

    @property
    def behind_landing(self) -> int:
        """Offsets of all partitions that have landed and are not in the table."""
        return sum(each.behind_landing for each in self.partitions)

    @property
    def behind_log(self) -> int | None:
        """Offsets in the logs that are not in the table; ``None`` when one is not known."""
        known = [each.behind_log for each in self.partitions]
        return None if None in known else sum(each or 0 for each in known)


def freshness(
    spec: TableSpec,
    state: TableState | None,
    landed: Mapping[PartitionKey, int],
    logs: Mapping[PartitionKey, LogBounds],
    tables: Mapping[str, TableSpec],
) -> TableFreshness:
    """Compare one table with the topics that it comes from. Pure.

    Args:
        spec: the table.
        state: as the catalog has it; loaded no later than those of the landing tables, or it could
            be ahead of them.
        landed: next offsets of the landing tables.
        logs: what the broker holds; may be empty.
        tables: declarations.
    """
    topics = topics_of(spec, tables)
    head = None if state is None else state.current_snapshot()
    committed = None if head is None else datetime.fromtimestamp(head.timestamp_ms / 1000, UTC)
    complete: Complete = {}
    if state is not None and head is not None:
        complete = completeness(state, head.snapshot_id)
    keys = sorted(key for key in {*landed, *logs, *complete} if key[0] in topics)
    return TableFreshness(
        table=spec.name,
        exists=state is not None,
        built=bool(complete),
        committed_at=committed,
        partitions=tuple(
            PartitionFreshness(
                topic=key[0],
                partition=key[1],
                complete=complete.get(key, 0),
                landed=landed.get(key),
                log_end=logs[key].end if key in logs else None,
            )
            for key in keys
        ),
    )


def topics_of(spec: TableSpec, tables: Mapping[str, TableSpec]) -> frozenset[str]:
    """The topics that a table comes from, directly or through others."""
    every = (spec, *(tables[name] for name in upstream(spec.name, tables) if name in tables))
    return frozenset(topic for each in every for topic in each.topics)


def oldest_missing(
    lake: LakeReader, found: TableFreshness, landing: Iterable[TableSpec]
) -> datetime | None:
    """When the oldest record was received that has landed and is not in the table.

    ``None`` when nothing is missing, or the rows that are carry no such time.

    Raises:
        NotFound, Unavailable, Refused: as :func:`shared.lake.query.query`.
    """
    moments: list[datetime] = []
    for spec in landing:
        missing = [
            each for each in found.partitions if each.topic in spec.topics and each.behind_landing
        ]
        if not missing:
            continue
        condition = " or ".join("(_topic = ? and _partition = ? and _offset >= ?)" for _ in missing)
        sql = _OLDEST.format(table=spec.name, missing=condition)
        parameters = [v for each in missing for v in (each.topic, each.partition, each.complete)]
        snapshot_id = lake.table(spec.name).metadata.current_snapshot_id
        pins = {spec.name: Pin(snapshot_id=snapshot_id)}
        with query(
            lake, sql, pins=pins, parameters=parameters, row_filter=_pruning(missing)
        ) as result:
            moments += [at.astimezone(UTC) for (at,) in result.rows() if at is not None]
    return min(moments, default=None)


def _pruning(missing: Iterable[PartitionFreshness]) -> BooleanExpression:
    """Files that hold none of the missing rows are not read: offsets rise with time."""
    first, *others = (
        And(
            EqualTo(term=Reference("_partition"), value=literal(each.partition)),
            GreaterThanOrEqual(term=Reference("_offset"), value=literal(each.complete)),
        )
        for each in missing
    )
    found: BooleanExpression = first
    for other in others:
        found = Or(found, other)
    return found
