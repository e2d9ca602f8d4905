"""``bergline ga4``: exports of Google Analytics 4."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table
from shared.cli.words import cell, count, stacked

if TYPE_CHECKING:
    from shared.runtime.named_exports import ExportSettings, Named

app = typer.Typer(add_completion=False, no_args_is_help=True)

POLL_SECONDS = 0.5
_SOURCE, _TOPIC, _TABLE = "ga4", "ga4.exports", "raw.ga4_events"


@app.callback()
def ga4() -> None:
    """Exports of Google Analytics 4: Parquet files with events."""


@app.command()
def load(
    file: Annotated[
        str,
        typer.Argument(metavar="FILE", help="A Parquet file, or its URI: file:///… or s3://…"),
    ],
    wait: Annotated[
        float,
        typer.Option(metavar="SECONDS", min=0, help="Wait so long for its rows; 0: not at all."),
    ] = 120.0,
    output: Output = Format.TEXT,
) -> None:
    """Announce a file and wait until its rows are in raw.ga4_events.

    A file beneath one of the allowed prefixes is read where it is; another one is copied beneath
    the first of them. Rows that the table holds already are not inserted again, so a file may be
    loaded more than once. Exit code 6 when the file was refused as a whole, 3 when its rows were
    not there in time: they will be.

    Example: bergline ga4 load events.parquet
    """
    from shared.runtime.errors import CheckFailed, Unavailable
    from shared.runtime.named_exports import ExportSettings, name_export
    from shared.sources.registry import SOURCES

    settings = ExportSettings.load()
    export = SOURCES[_SOURCE].exports[0]
    named = name_export(settings, export.path, file)
    progress("announced", uri=named.uri, copied=named.copied)
    loaded = _waited(settings, named, wait) if wait else None
    emit(output, _json(named, loaded), _page(named, loaded))
    if loaded is not None and "refused" in loaded:
        if output is Format.JSON:
            raise typer.Exit(CheckFailed.exit_code)
        raise CheckFailed(
            f"{named.uri} was refused: {loaded['refused']}",
            "`bergline dlq list` tells why; correct the file and load it again",
        )
    if loaded is None and wait:
        if output is Format.JSON:
            raise typer.Exit(Unavailable.exit_code)
        raise Unavailable(
            f"{named.uri} is announced, its rows were not in {_TABLE} within {wait:g} s",
            f"`bergline offsets show {_TABLE}` tells whether it is consumed",
        )


def _waited(settings: ExportSettings, named: Named, seconds: float) -> dict[str, Any] | None:
    """What the table says of the file; ``None`` when it says nothing in time."""
    from shared.lake.loaded_export import loaded_export
    from shared.lake.reader import LakeReader, reachable

    progress("waiting until it is loaded", table=_TABLE, timeout_s=seconds)
    handle = LakeReader(settings).handle(_TABLE)
    deadline = time.monotonic() + seconds
    while True:
        with reachable(settings):
            found = loaded_export(handle.reload(), _TOPIC, named.delivery_id)
        if found is not None or time.monotonic() >= deadline:
            return found
        time.sleep(POLL_SECONDS)


def _json(named: Named, loaded: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "uri": named.uri,
        "copied": named.copied,
        "event_id": named.event_id,
        "delivery_id": named.delivery_id,
        "table": _TABLE,
        "loaded": loaded,
    }


def _page(named: Named, loaded: dict[str, Any] | None) -> Any:
    if loaded is None or "refused" in loaded:
        return cell(f"{named.uri} is announced")
    columns = ("file", *(f">{name}" for name in _COUNTED))
    row = (cell(named.uri), *(count(loaded[name]) for name in _COUNTED))
    return stacked(table(columns, [row]), f"{count(loaded['inserted'])} rows inserted")


_COUNTED = ("rows", "inserted", "present", "repeated", "bad", "drifted")
