"""GA4's export in the demonstration: a file that is dropped twice, and what must be rows of it.

What identifies an event is said here once more: SHA-256 of client, microseconds and name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import aiohttp
import duckdb
import pyarrow as pa
from pydantic import SecretStr
from pyiceberg.catalog.rest import RestCatalog

from deploy.generator.ga4.events import COLUMNS, Row
from deploy.generator.ga4.export import write
from deploy.generator.ga4.property import rows
from deploy.generator.plan import NOW
from deploy.generator.rates import Rates
from deploy.generator.run import Run
from shared.contracts.environment import Environment
from shared.lake.catalog import load
from shared.runtime.errors import CheckFailed
from shared.runtime.log_bounds import LogBounds
from shared.tables.registry import TABLES

TABLE = "raw.ga4_events"
PATH = "/ingest/ga4/exports"
VISITORS = 60
ANNOUNCED = 2
"""How often the file is named: the second time nothing may come of it."""

_ANSWER = aiohttp.ClientTimeout(total=30.0)

_COUNTS = """
select
    (select count(*) from wanted) as events,
    (select count(*) from stored) as "rows",
    (select count(*) from wanted anti join stored using (id)) as lost,
    (select count(*) - count(distinct id) from stored) as doubled,
    (select count(*) from stored anti join wanted using (id)) as unasked,
    (select count(*) from (select {columns} from wanted except all select {columns} from stored))
        as altered,
    (select count(*) from stored where (_error is not null) <> (client_id is null)) as errors
"""


@dataclass(frozen=True, slots=True)
class ExportLedger:
    """What became of an export.

    Attributes:
        counts: as those of a raw table of webhooks; ``offsets`` are announcements.
        altered: rows that do not hold what the file held.
        errors: rows with an error that is none, or without one.
    """

    counts: Mapping[str, int]
    altered: int
    errors: int


def drop(directory: Path, seed: int) -> tuple[str, Sequence[Row]]:
    """Write the file; its URI, and the rows that must be there once each.

    Some events are in it twice, and some lack their client: each of the latter is kept, too.
    """
    made: list[Row] = []

    def kept() -> Iterator[Row]:
        for row in rows(Run.of(seed), NOW, Rates(), visitors=VISITORS, known=VISITORS):
            made.append(row)
            yield row

    directory.mkdir(parents=True, exist_ok=True)
    path = directory / "events.parquet"
    write(path, kept())
    once = {identity(row): row for row in reversed(made)}
    return f"file://{path}", list(once.values())


def identity(row: Mapping[str, Any]) -> str:
    """What tells an event from others; one without a client is told by all that it holds."""
    if row["client_id"] is None:
        return repr(sorted(row.items()))
    text = f"{row['client_id']}|{row['event_timestamp']}|{row['event_name']}"
    return hashlib.sha256(text.encode()).hexdigest()


async def announce(url: str, token: SecretStr, uri: str) -> None:
    """Name the file to ingest, as often as it is dropped.

    Raises:
        CheckFailed: it was not accepted.
    """
    headers = {"Authorization": f"Bearer {token.get_secret_value().partition(',')[0].strip()}"}
    async with aiohttp.ClientSession(timeout=_ANSWER, headers=headers) as session:
        for _ in range(ANNOUNCED):
            async with session.post(url + PATH, json={"uri": uri}) as answer:
                if answer.status != 202:
                    raise CheckFailed(
                        f"{PATH} answered {answer.status}, not 202: {await answer.text()}",
                        "`bergline logs ingest` tells why",
                    )


def take(
    catalog: RestCatalog,
    environment: Environment,
    wanted: Sequence[Row],
    ends: Mapping[tuple[str, int], LogBounds],
) -> ExportLedger:
    """Count the rows of the table against those of the file."""
    table = load(catalog, environment, TABLE)
    names = ("_raw_id", "_error", *COLUMNS)
    [topic] = TABLES[TABLE].topics
    held = sum(log.held for (name, _), log in ends.items() if name == topic)
    return count(table.scan(selected_fields=names).to_arrow(), wanted, held)


def count(stored: pa.Table, wanted: Sequence[Row], announcements: int) -> ExportLedger:
    """The ledger of these rows. Pure.

    Args:
        stored: ``_raw_id``, ``_error`` and the columns of the file.
        wanted: rows that must be there, once each.
        announcements: offsets of the topic.
    """
    names = list(COLUMNS)
    ids = [
        row["_raw_id"] if row["client_id"] is not None else identity({n: row[n] for n in names})
        for row in stored.select(["_raw_id", *names]).to_pylist()
    ]
    held = stored.append_column("id", pa.array(ids, pa.utf8()))
    asked = pa.Table.from_pylist(
        [{**row, "id": identity(row)} for row in wanted],
        pa.schema([held.schema.field(name) for name in (*names, "id")]),
    )
    with duckdb.connect() as sql:
        sql.register("stored", held)
        sql.register("wanted", asked)
        cursor = sql.execute(_COUNTS.format(columns=", ".join(f'"{name}"' for name in names)))
        found = dict(
            zip(
                [column[0] for column in cursor.description or ()],
                cursor.fetchall()[0],
                strict=True,
            )
        )
    altered, errors = found.pop("altered"), found.pop("errors")
    return ExportLedger({**found, "offsets": announcements}, altered, errors)
