"""The ledger: what was accepted against what is there, counted without asking who wrote it.

Three witnesses are compared: the vendors' side (answers to posts), the broker (log ends) and the
tables (SQL over scans pinned to one snapshot each). No counter of any service takes part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog

from deploy.demo.table_cut import TableCut, cut
from deploy.generator.poster import Outcome
from shared.contracts.environment import Environment
from shared.contracts.topics import DEAD_LETTERS
from shared.runtime.log_bounds import LogBounds
from shared.tables.registry import landing_tables

DEAD_LETTER_TABLE = "metadata.dead_letters"

_KEYS = ("_topic", "_partition", "_offset", "_delivery_id", "_received_at")
_RAW_COLUMNS = (*_KEYS, "_event_id", "_event_type", "_payload", "_error", "_replayed", "_loaded_at")
_DEAD_LETTER_COLUMNS = (*_KEYS, "delivery_id", "reason", "value")

_LEDGER = """
select
    (select count(*) from accepted) as accepted,
    (select count(*) from raw) as raw,
    (select count(*) from accepted anti join raw using (_delivery_id)) as lost,
    (select count(*) from
        (select 1 from raw group by _delivery_id having count(*) > 1)) as duplicated,
    (select count(*) from raw anti join accepted using (_delivery_id)) as unasked,
    (select count(*) from accepted join raw using (_delivery_id)
        where raw._topic <> accepted.topic
           or raw._event_id is distinct from accepted.event_id
           or raw._event_type is distinct from accepted.event_type) as misplaced,
    (select count(*) from accepted join raw using (_delivery_id)
        where encode(raw._payload) is distinct from accepted.body) as altered,
    (select count(*) from raw where _error is not null) as errors,
    (select count(*) from
        (select 1 from raw group by _topic, _partition, _offset having count(*) > 1))
        as repeated_offsets
"""

_DEAD_LETTERS = """
select
    (select count(*) from refused) as expected,
    (select count(*) from refused semi join letters
        on letters.delivery_id = refused.delivery_id
        and from_base64(letters."value") = refused.body) as kept,
    (select count(*) from letters anti join refused
        on letters.delivery_id = refused.delivery_id) as unasked
"""

_FRESHNESS = """
with seconds as (
    select (epoch_us(_committed_at) - epoch_us(_received_at)) / 1e6 as s from visible
    where _committed_at is not null and _received_at is not null
)
select quantile_cont(s, 0.5) as p50, quantile_cont(s, 0.99) as p99, max(s) as max
from seconds
"""

_TRACE = """
select raw.table_name as "table", raw._topic as topic, raw._partition as partition,
       raw._offset as offset, raw._event_type as event_type, raw._event_id as event_id,
       raw._delivery_id as delivery_id, raw._received_at::varchar as received_at,
       visible._snapshot_id as snapshot_id, visible._committed_at::varchar as committed_at
from raw join visible using (_topic, _partition, _offset)
where raw._delivery_id = ?
"""


@dataclass(frozen=True, slots=True)
class Ledger:
    """Everything counted after the logs were settled."""

    counts: Mapping[str, int]
    dead_letters: Mapping[str, int]
    tables: Mapping[str, int]
    freshness: Mapping[str, float | None]
    trace: Mapping[str, Any]


def take(
    catalog: RestCatalog,
    environment: Environment,
    outcomes: Sequence[Outcome],
    ends: Mapping[tuple[str, int], LogBounds],
) -> Ledger:
    """Count everything, each table at one snapshot.

    Args:
        catalog: where the tables are.
        environment: their naming.
        outcomes: what the vendors were answered.
        ends: log ends, taken before the tables are read.
    """
    raw_names = [table.name for table in landing_tables() if table.name != DEAD_LETTER_TABLE]
    return count(
        [cut(catalog, environment, name, _RAW_COLUMNS, _KEYS) for name in raw_names],
        cut(catalog, environment, DEAD_LETTER_TABLE, _DEAD_LETTER_COLUMNS, _KEYS),
        outcomes,
        ends,
    )


def count(
    raw: Sequence[TableCut],
    letters: TableCut,
    outcomes: Sequence[Outcome],
    ends: Mapping[tuple[str, int], LogBounds],
) -> Ledger:
    """The ledger of these cuts of the raw tables and of the dead letters. Pure."""
    with duckdb.connect() as sql:
        sql.execute("set TimeZone = 'UTC'")
        sql.register("raw", _named(raw))
        sql.register("visible", pa.concat_tables([each.visible for each in raw]))
        sql.register("letters", letters.rows)
        sql.register("accepted", _accepted(outcomes))
        sql.register("refused", _refused(outcomes))
        counts = _one(sql, _LEDGER) | {
            "offsets": sum(log.held for (topic, _), log in ends.items() if topic != DEAD_LETTERS),
            "answers_unknown": sum(outcome.unknown for outcome in outcomes),
        }
        return Ledger(
            counts=counts,
            dead_letters=_one(sql, _DEAD_LETTERS),
            tables={each.name: each.rows.num_rows for each in [*raw, letters]},
            freshness=_one(sql, _FRESHNESS),
            trace=_trace(sql, outcomes),
        )


def _named(cuts: Sequence[TableCut]) -> pa.Table:
    return pa.concat_tables(
        each.rows.append_column("table_name", pa.array([each.name] * each.rows.num_rows, pa.utf8()))
        for each in cuts
    )


def _accepted(outcomes: Sequence[Outcome]) -> pa.Table:
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    return pa.table(
        {
            "_delivery_id": pa.array([one.delivery_id for one in accepted], pa.utf8()),
            "topic": pa.array([one.delivery.topic for one in accepted], pa.utf8()),
            "event_id": pa.array([one.delivery.event_id for one in accepted], pa.utf8()),
            "event_type": pa.array([one.delivery.event_type for one in accepted], pa.utf8()),
            "body": pa.array([one.delivery.body for one in accepted], pa.binary()),
        }
    )


def _refused(outcomes: Sequence[Outcome]) -> pa.Table:
    refused = [outcome for outcome in outcomes if outcome.delivery.dead_letter]
    return pa.table(
        {
            "delivery_id": pa.array([one.delivery_id for one in refused], pa.utf8()),
            "body": pa.array([one.delivery.body for one in refused], pa.binary()),
        }
    )


def _trace(sql: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The way of the last accepted delivery: webhook → offset → snapshot → row."""
    accepted = [outcome for outcome in outcomes if outcome.accepted]
    if not accepted:
        return {}
    last = accepted[-1]
    found = _one(sql, _TRACE, [last.delivery_id])
    webhook = f"POST {last.delivery.path}"
    return {"webhook": webhook, "answer": last.status, "subject": last.delivery.subject} | found


def _one(
    sql: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> dict[str, Any]:
    """The first row by column name; empty when there is none."""
    cursor = sql.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    row = cursor.fetchone()
    return dict(zip(names, row, strict=True)) if row else {}
