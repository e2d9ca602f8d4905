"""``bergline tables``: what is in the lake, what a table is, what happened to it, its files."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from shared.cli.completing import any_table
from shared.cli.output import Format, Output, emit, table
from shared.cli.table_rows import (
    figures_json,
    figures_row,
    file_row,
    skew_in_words,
    version_json,
    version_row,
)
from shared.cli.words import count, size, stacked

app = typer.Typer(add_completion=False, no_args_is_help=True)

TableArgument = Annotated[
    str,
    typer.Argument(metavar="TABLE", help="For example core.orders.", autocompletion=any_table),
]
Limit = Annotated[int, typer.Option(min=1, max=100_000, help="Show at most so many.")]


@app.command("list")
def list_tables(output: Output = Format.TEXT) -> None:
    """Show every table: rows, files, size, snapshots, last commit, whether it says what it holds.

    A landing table says how much of its topics, a derived one what it is built from. Without that
    nothing is consumed, and a derived table is built anew.
    """
    from shared.lake.inventory import figures
    from shared.lake.reader import LakeReader
    from shared.runtime.settings import Settings
    from shared.tables.registry import TABLES

    loaded = LakeReader(Settings.load()).tables(TABLES)
    found = [figures(spec, loaded[spec.name]) for spec in TABLES.values()]
    columns = (
        *("table", "kind", ">rows", ">files", ">size", ">snapshots"),
        *("last commit", "writer", "says what it holds", ""),
    )
    emit(
        output,
        {"tables": [figures_json(each) for each in found]},
        table(columns, [figures_row(each) for each in found]),
    )


@app.command()
def show(name: TableArgument, output: Output = Format.TEXT) -> None:
    """Show one table: what it is, what it is built from, how far it is, and its columns."""
    from shared.cli.table_page import as_json, as_text
    from shared.lake.inventory import figures
    from shared.lake.origin import origin
    from shared.lake.reader import LakeReader, table_spec
    from shared.lake.table_state import TableState
    from shared.runtime.settings import Settings
    from shared.tables.lineage import reads

    spec = table_spec(name)
    lake = LakeReader(Settings.load())
    loaded = lake.table(name)
    inputs = {
        source: None if found is None else TableState.of(found.metadata)
        for source, found in lake.tables(reads(spec)).items()
    }
    numbers = figures(spec, loaded)
    known = origin(spec, TableState.of(loaded.metadata), inputs)
    emit(output, as_json(spec, numbers, known), as_text(spec, numbers, known))


@app.command()
def history(name: TableArgument, limit: Limit = 20, output: Output = Format.TEXT) -> None:
    """Show the retained snapshots, newest first: who wrote them and which offsets they moved.

    standing: head, ancestor (reached from the head by parents), earlier (older than the thinned
    stretch), aside (rolled back, or of another branch: not part of the present history).
    """
    from shared.lake.history import versions
    from shared.lake.reader import LakeReader
    from shared.lake.table_state import TableState
    from shared.runtime.settings import Settings

    state = TableState.of(LakeReader(Settings.load()).table(name).metadata)
    found = versions(state)[::-1]
    shown = found[:limit]
    result = {
        "table": name,
        "uuid": state.table_uuid,
        "snapshot_id": state.current_snapshot_id,
        "retained": len(found),
        "snapshots": [version_json(version) for version in shown],
    }
    columns = (
        *("snapshot", ">seq", "committed", "standing", "operation", "writer"),
        *(">rows +", ">rows", "offsets moved", "refs"),
    )
    text = stacked(
        table(columns, [version_row(version) for version in shown]),
        f"{len(shown)} of {len(found)} retained snapshots",
    )
    emit(output, result, text)


@app.command()
def files(name: TableArgument, limit: Limit = 50, output: Output = Format.TEXT) -> None:
    """Show the data files of the head with rows, size and partition, classes of size, and skew.

    Files are listed as the table's manifests do; totals, classes and skew are of all of them,
    however few are shown. Many small ones are put together by `bergline compact`; `bergline
    maintain plan` tells when that happens by itself. With JSON, paths are whole.

    Example: bergline tables files core.orders --limit 10
    """
    from shared.lake.inventory import data_files, size_classes
    from shared.lake.reader import LakeReader, reachable
    from shared.lake.skew import skew
    from shared.runtime.errors import CheckFailed
    from shared.runtime.settings import Settings

    settings = Settings.load()
    loaded = LakeReader(settings).table(name)
    with reachable(settings):
        try:
            found = list(data_files(loaded))
        except FileNotFoundError as error:
            raise CheckFailed(
                f"{name} names a file that is not in the store: {error}",
                f"`bergline verify {name}` tells which are missing",
            ) from error
    classes = size_classes(each.bytes for each in found)
    rows, total = sum(each.rows for each in found), sum(each.bytes for each in found)
    uneven = skew(found)
    result = {
        "table": name,
        "snapshot_id": loaded.metadata.current_snapshot_id,
        "summary": {
            "files": len(found),
            "rows": rows,
            "bytes": total,
            "files_with_deletes": sum(each.delete_files > 0 for each in found),
            "size_classes": classes,
            "skew": None if uneven is None else {**asdict(uneven), "ratio": round(uneven.ratio, 2)},
        },
        "files": [asdict(each) for each in found[:limit]],
    }
    summary = ", ".join(f"{number} × {name}" for name, number in classes.items() if number)
    text = stacked(
        table(
            ("file", "partition", ">rows", ">size", ">deletes"),
            [file_row(each) for each in found[:limit]],
        ),
        f"{min(limit, len(found))} of {len(found)} files; "
        f"{count(rows)} rows, {size(total)}{': ' if summary else ''}{summary}",
        *([] if uneven is None or uneven.partitions < 2 else [skew_in_words(uneven)]),
    )
    emit(output, result, text)
