"""``bergline query``: SQL over the tables, every table pinned to one snapshot."""

from __future__ import annotations

import base64
import csv
import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import cell, stacked

if TYPE_CHECKING:
    from shared.lake.query import Pin, Result

app = typer.Typer(add_completion=False)

DEFAULT_ROWS = 1000


@app.command()
def query(
    sql: Annotated[str, typer.Argument(metavar="SQL", help="One SELECT; tables by logical name.")],
    snapshot: Annotated[
        list[str] | None,
        typer.Option(metavar="TABLE=ID", help="Read this version of a table; may be repeated."),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Read all tables as of this time (ISO 8601, UTC)."),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(min=0, help="Most rows printed; 0 for all. Default 1000, and all with --csv."),
    ] = None,
    as_csv: Annotated[
        bool, typer.Option("--csv", help="Print CSV with a header line, streamed.")
    ] = False,
    output: Output = Format.TEXT,
) -> None:
    """Run one read-only query with DuckDB.

    bergline query "select _event_type, count(*) from raw.shopify_orders group by 1"

    The whole query sees one snapshot of each table. --as-of takes the newest retained version
    that is not younger; how far apart versions are kept, `bergline tables history` shows.
    """
    from shared.lake.query import Pin
    from shared.lake.query import query as run
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings

    everywhere = None if as_of is None else Pin(as_of=parse_time(as_of))
    lake = LakeReader(Settings.load())
    with run(lake, sql, pins=parse_pins(snapshot or []), everywhere=everywhere) as result:
        if as_csv:
            _print_csv(result, limit or None)
        else:
            _print(output, result, DEFAULT_ROWS if limit is None else limit or None)


def parse_time(text: str) -> datetime:
    """An ISO 8601 time, UTC when it names no zone.

    Raises:
        ConfigurationError: it is not one.
    """
    from shared.runtime.errors import ConfigurationError

    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise ConfigurationError(
            f"--as-of {text!r} is not a time", "for example 2026-01-31T12:00:00Z"
        ) from None
    return at if at.tzinfo else at.replace(tzinfo=UTC)


def parse_pins(options: list[str]) -> dict[str, Pin]:
    """``["raw.orders=123"]`` → the pin of each table.

    Raises:
        ConfigurationError: not of the form TABLE=ID.
    """
    from shared.lake.query import Pin
    from shared.runtime.errors import ConfigurationError

    pins = {}
    for option in options:
        name, _, number = option.partition("=")
        if not number.isdecimal():
            raise ConfigurationError(f"--snapshot {option!r} is not of the form TABLE=ID")
        pins[name] = Pin(snapshot_id=int(number))
    return pins


def _print(output: Format, result: Result, limit: int | None) -> None:
    rows, more = _first(result.rows(), limit)
    if output is Format.JSON:
        body = {
            "columns": list(result.columns),
            "rows": [[_plain(value) for value in row] for row in rows],
            "truncated": more,
            "snapshots": dict(result.snapshots),
        }
        emit(output, body, "")
        return
    drawn = table(result.columns, [[cell(_readable(value)) for value in row] for row in rows])
    note = f"{len(rows)} rows{', more were cut: --limit 0 shows all' if more else ''}"
    emit(output, {}, stacked(drawn, note))
    if result.snapshots:
        progress("snapshots", **result.snapshots)


def _print_csv(result: Result, limit: int | None) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.columns)
    for row in islice(result.rows(), limit):
        writer.writerow(["" if value is None else _readable(value) for value in row])


def _first(
    rows: Iterator[tuple[Any, ...]], limit: int | None
) -> tuple[list[tuple[Any, ...]], bool]:
    """At most ``limit`` rows, and whether there were more."""
    kept = list(islice(rows, limit))
    return kept, limit is not None and next(rows, None) is not None


def _plain(value: Any) -> Any:
    """A value as JSON has it; decimals stay exact as text, bytes are base64."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return str(value)


def _readable(value: Any) -> Any:
    if isinstance(value, bytes | list | tuple | Mapping):
        plain = _plain(value)
        return plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False)
    return value.isoformat() if isinstance(value, date | datetime) else value
