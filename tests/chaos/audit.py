"""The audit: is every promise kept? SQL over what witnesses say, none of whom wrote a row. Pure.

Witnesses: the senders (which deliveries were answered 2xx), the broker (where its logs end, what
was announced), the tables (rows of their files, and every snapshot seen during the run). Each rule
is one query for what breaks it; a run is clean when all of them find nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import duckdb
import pyarrow as pa

from shared.contracts.topics import DEAD_LETTERS

_EXAMPLES = 5


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the witnesses say, as Arrow tables.

    Attributes:
        ledger: per delivery ``delivery_id, topic, event_id, event_type, body_md5, accepted,
            attempts, unanswered``.
        rows: per row of a landing table ``table_name, topic, partition, offset, delivery_id,
            event_id, event_type, payload_md5, error, replayed``.
        logs: per partition ``table_name, topic, partition, log_start, log_end``.
        snapshots: ``table_name, sequence, snapshot_id, parent_id, operation, added_rows,
            deleted_rows, total_rows``, each that was seen during the run.
        positions: per snapshot ``table_name, sequence, topic, partition, next``.
        announcements: ``table_name, sequence, snapshot_id, place``; ``place`` is their order.
    """

    ledger: pa.Table
    rows: pa.Table
    logs: pa.Table
    snapshots: pa.Table
    positions: pa.Table
    announcements: pa.Table


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that does not hold, how often, and the first few places."""

    rule: str
    count: int
    examples: tuple[Mapping[str, Any], ...]


_HEADS = """
select positions.* from positions join
    (select table_name, max(sequence) as sequence from snapshots group by all) as heads
    using (table_name, sequence)
"""

_STEPS = """
select table_name, sequence, snapshot_id, parent_id, operation, added_rows, deleted_rows,
       total_rows, lag(sequence) over steps as before,
       lag(snapshot_id) over steps as snapshot_before, lag(total_rows) over steps as rows_before
from snapshots window steps as (partition by table_name order by sequence)
"""

_MOVES = """
select here.table_name, here.sequence, here.operation, here.before, before.topic,
       before.partition, before.next as was, after.next as became
from steps as here
join positions as before
    on before.table_name = here.table_name and before.sequence = here.before
left join positions as after
    on after.table_name = here.table_name and after.sequence = here.sequence
   and after.topic = before.topic and after.partition = before.partition
"""

_ADVANCES = """
select table_name, sequence, sum(next) as total from positions group by all
"""

RULES: Mapping[str, str] = MappingProxyType(
    {
        "every delivery was accepted in the end": """
            select event_id, topic, attempts, unanswered from ledger where not accepted
        """,
        "an acknowledged delivery is a row": """
            select delivery_id, event_id, topic from ledger anti join rows using (delivery_id)
            where accepted
        """,
        "an acknowledged event is there": """
            select distinct event_id, topic from ledger anti join rows using (topic, event_id)
            where accepted
        """,
        "a delivery is one row": """
            select delivery_id, count(*) as rows, count(*) filter (replayed) as replayed
            from rows group by all having count(*) <> count(*) filter (replayed) + 1
        """,
        "an offset is one row": """
            select topic, partition, "offset", count(*) as rows from rows
            group by all having count(*) > 1
        """,
        "a row was sent by somebody": """
            with asked as (
                select topic, event_id, sum(attempts) as attempts from ledger group by all
            )
            select topic, event_id, count(*) as rows, any_value(attempts) as attempts
            from rows left join asked using (topic, event_id)
            where not replayed
            group by all having count(*) > coalesce(any_value(attempts), 0)
        """,
        "a row holds what was sent": """
            select delivery_id, ledger.topic, rows.topic as found_in
            from ledger join rows using (delivery_id)
            where rows.topic <> ledger.topic or rows.event_id is distinct from ledger.event_id
               or rows.event_type is distinct from ledger.event_type
               or rows.payload_md5 is distinct from ledger.body_md5
        """,
        "no row is an error": """
            select topic, partition, "offset", error from rows where error is not null
        """,
        "no dead letter was written": f"""
            select topic, partition, log_end from logs
            where topic = '{DEAD_LETTERS}' and log_end > 0
        """,
        "rows are the offsets of the log": """
            with counted as (
                select table_name, topic, partition, count(*) as rows,
                       min("offset") as first, max("offset") as last
                from rows group by all
            )
            select coalesce(counted.topic, logs.topic) as topic,
                   coalesce(counted.partition, logs.partition) as partition,
                   rows, first, last, log_start, log_end
            from counted full join logs using (table_name, topic, partition)
            where coalesce(rows, 0) is distinct from log_end - log_start
               or (rows > 0 and (first <> log_start or last <> log_end - 1))
        """,
        "a position is where its log ends": """
            select table_name, topic, partition, next, log_end
            from heads full join logs using (table_name, topic, partition)
            where coalesce(next, log_start) is distinct from log_end
        """,
        "a position never goes back": """
            select * from moves where became is null or became < was
        """,
        "a snapshot stands on the one before": """
            select table_name, sequence, parent_id, snapshot_before from steps
            where before = sequence - 1 and parent_id is distinct from snapshot_before
        """,
        "a snapshot adds the rows its positions advance": """
            select here.table_name, here.sequence, here.added_rows,
                   now.total - was.total as advanced
            from steps as here
            join advances as now using (table_name, sequence)
            join advances as was
                on was.table_name = here.table_name and was.sequence = here.before
            where here.before = here.sequence - 1 and here.operation <> 'replace'
              and here.added_rows is distinct from now.total - was.total
        """,
        "a replace moves no position": """
            select * from moves
            where operation = 'replace' and before = sequence - 1 and became is distinct from was
        """,
        "a replace moves rows and brings none": """
            select table_name, sequence, added_rows, deleted_rows, total_rows, rows_before
            from steps
            where operation = 'replace'
              and (added_rows <> deleted_rows
                   or (before = sequence - 1 and total_rows is distinct from rows_before))
        """,
        "a snapshot appends or replaces": """
            select table_name, sequence, operation from snapshots
            where operation not in ('append', 'replace')
        """,
        "a commit is announced": """
            with heads as (select table_name, max(sequence) as last from snapshots group by all),
            made as (select table_name, unnest(range(1, last + 1)) as sequence from heads)
            select made.* from made anti join announcements using (table_name, sequence)
        """,
        "an announcement is about a commit": """
            select announcements.* from announcements left join snapshots
                using (table_name, sequence)
            where snapshots.snapshot_id is distinct from announcements.snapshot_id
              and (snapshots.snapshot_id is not null
                   or sequence > (select max(sequence) from snapshots as all_of
                                  where all_of.table_name = announcements.table_name))
        """,
        "commits are announced in order": """
            with first as (
                select table_name, sequence, min(place) as place from announcements group by all
            ),
            ordered as (
                select *, max(sequence) over (
                    partition by table_name order by place
                    rows between unbounded preceding and 1 preceding
                ) as newest_before
                from first
            )
            select table_name, sequence, newest_before from ordered
            where newest_before > sequence
        """,
    }
)
"""What must hold → the query for what breaks it."""


def audit(evidence: Evidence) -> list[Violation]:
    """Every rule that does not hold."""
    with duckdb.connect() as sql:
        for name in Evidence.__dataclass_fields__:
            sql.register(name, getattr(evidence, name))
        views = {"heads": _HEADS, "steps": _STEPS, "moves": _MOVES, "advances": _ADVANCES}
        for name, query in views.items():
            sql.execute(f"create view {name} as {query}")
        found = [violation(sql, rule, query) for rule, query in RULES.items()]
    return [each for each in found if each is not None]


def violation(sql: duckdb.DuckDBPyConnection, rule: str, query: str) -> Violation | None:
    """What breaks a rule; ``None`` when nothing does."""
    found = sql.execute(query).to_arrow_table()
    if not found.num_rows:
        return None
    return Violation(rule, found.num_rows, tuple(found.slice(0, _EXAMPLES).to_pylist()))
