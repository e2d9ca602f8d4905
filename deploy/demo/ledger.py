"""The ledger: what was accepted against what is there, counted without asking who wrote it.

Three witnesses are compared: the vendors' side (answers to posts), the broker (log ends) and the
tables (SQL over scans pinned to one snapshot each). No counter of any service takes part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import orjson
import pyarrow as pa
from pyiceberg.catalog.rest import RestCatalog

from deploy.demo import promises
from deploy.demo.table_cut import TableCut, cut
from deploy.generator.poster import Outcome
from shared.contracts.environment import Environment
from shared.runtime.log_bounds import LogBounds
from shared.sources.registry import SOURCES
from shared.tables.registry import TABLES

DEAD_LETTER_TABLE = "metadata.dead_letters"
WEBHOOK_TABLES = tuple(
    entity.table.name
    for source in SOURCES.values()
    for entity in source.entities
    if any(entity.topic in endpoint.topics for endpoint in source.endpoints)
)
"""Tables with a row for every event of a webhook."""

_KEYS = ("_topic", "_partition", "_offset", "_delivery_id", "_received_at")
_RAW_COLUMNS = (
    *_KEYS,
    *("_event_id", "_event_type", "_key", "_payload", "_error", "_drift", "_replayed"),
    "_loaded_at",
)
_DEAD_LETTER_COLUMNS = (*_KEYS, "delivery_id", "reason", "topic", "value")

_MATCHING, _COUNTS, _BY_TABLE, _LETTERS = (
    Path(__file__).with_name("ledger.sql").read_text(encoding="utf-8").split("-- then\n")
)

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
    """Everything counted after the logs were settled.

    Attributes:
        counts: over all raw tables together.
        tables: of each raw table: ``events`` that must be there, ``rows``, ``offsets`` of its
            topic, and the events ``lost``, ``doubled`` and ``unasked`` for.
        dead_letters: what must be kept, what is, and what nobody asked for; of webhooks.
        freshness: seconds from receipt to the snapshot with the row.
        trace: the way of one event.
    """

    counts: Mapping[str, int]
    tables: Mapping[str, Mapping[str, int]]
    dead_letters: Mapping[str, int]
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
    return count(
        [cut(catalog, environment, name, _RAW_COLUMNS, _KEYS) for name in WEBHOOK_TABLES],
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
        sql.register("visible", _together(each.visible for each in raw))
        sql.register("letters", letters.rows)
        sql.register("promised", promises.promised(outcomes))
        sql.register("refused", promises.letters(outcomes))
        sql.register("logs", _logs(raw, ends))
        sql.execute(_MATCHING)
        counts = _one(sql, _COUNTS) | {
            "deliveries": sum(outcome.accepted for outcome in outcomes),
            "altered_forms": _altered_forms(sql),
            "answers_unknown": sum(outcome.unknown for outcome in outcomes),
        }
        return Ledger(
            counts=counts,
            tables={row.pop("table"): row for row in _all(sql, _BY_TABLE)},
            dead_letters=_one(sql, _LETTERS),
            freshness=_one(sql, _FRESHNESS),
            trace=_trace(sql, outcomes),
        )


def _named(cuts: Sequence[TableCut]) -> pa.Table:
    return _together(
        each.rows.append_column("table_name", pa.array([each.name] * each.rows.num_rows, pa.utf8()))
        for each in cuts
    )


def _together(tables: Iterable[pa.Table]) -> pa.Table:
    """All rows; the text of a table without a file is of another width."""
    return pa.concat_tables(tables, promote_options="permissive")


def _logs(raw: Sequence[TableCut], ends: Mapping[tuple[str, int], LogBounds]) -> pa.Table:
    """Topic of each table, and how many offsets its log holds."""
    homes = {topic: each.name for each in raw for topic in TABLES[each.name].topics}
    held = dict.fromkeys(homes, 0)
    for (topic, _), log in ends.items():
        if topic in held:
            held[topic] += log.held
    return pa.table(
        {
            "topic": pa.array(list(homes), pa.utf8()),
            "table_name": pa.array(list(homes.values()), pa.utf8()),
            "offsets": pa.array(list(held.values()), pa.int64()),
        }
    )


def _altered_forms(sql: duckdb.DuckDBPyConnection) -> int:
    """Forms whose fields are not all in the row, as they were posted."""
    altered = 0
    for fields, payload in sql.execute(
        "select fields, _payload from matched where fields is not null"
    ).fetchall():
        posted, stored = orjson.loads(fields), orjson.loads(payload or "{}")
        altered += {name: stored.get(name) for name in posted} != posted
    return altered


def _trace(sql: duckdb.DuckDBPyConnection, outcomes: Sequence[Outcome]) -> dict[str, Any]:
    """The way of the last accepted delivery of one event: webhook → offset → snapshot → row."""
    told = [outcome for outcome in outcomes if outcome.accepted and outcome.delivery_id]
    if not told:
        return {}
    last = told[-1]
    found = _one(sql, _TRACE, [last.delivery_id])
    webhook = f"POST {last.delivery.path}"
    return {"webhook": webhook, "answer": last.status, "subject": last.delivery.subject} | found


def _one(
    sql: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> dict[str, Any]:
    """The first row by column name; empty when there is none."""
    return next(iter(_all(sql, query, parameters)), {})


def _all(
    sql: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object] = ()
) -> list[dict[str, Any]]:
    """All rows by column name."""
    cursor = sql.execute(query, list(parameters))
    names = [column[0] for column in cursor.description or ()]
    return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
