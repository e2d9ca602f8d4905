"""``bergline spool``: what ingest keeps on disk for the broker, and what to do about it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from shared.cli.output import Format, Output, emit, progress, table

app = typer.Typer(add_completion=False, no_args_is_help=True)

Directory = Annotated[
    Path | None,
    typer.Option(
        "--dir",
        metavar="DIR",
        help="Where the spools are; BERGLINE_INGEST_SPOOL_DIR by default, else the data "
        "directory's.",
    ),
]

_DIRECTORY_VARIABLE = "BERGLINE_INGEST_SPOOL_DIR"


@app.callback()
def spool() -> None:
    """What ingest keeps on disk while the broker does not take it."""


@app.command()
def status(directory: Directory = None, output: Output = Format.TEXT) -> None:
    """Show what is in the spools on this machine, whose they are and how old. Changes nothing.

    Reads the directories, so it also tells of instances that do not run. Exit code 4 when there is
    no spool.

    Example: bergline spool status --dir /volumes/retired
    """
    found = _asked(directory, "status")
    records = sum(each["records"] for one in found["instances"] for each in one["streams"])
    taken = sum(each["bytes"] for one in found["instances"] for each in one["streams"])
    emit(output, {**found, "records": records, "bytes": taken}, _page(found, records, taken))


@app.command()
def drain(
    directory: Directory = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Give up after so long.")
    ] = 600.0,
    output: Output = Format.TEXT,
) -> None:
    """Send what the spools of instances that are gone still hold, in order, and wait for it.

    For a volume whose instance will not start again. What a running instance owns it sends itself,
    and is left alone. What cannot be sent stays; exit code 3 then.

    Example: bergline spool drain --dir /volumes/retired
    """
    from shared.cli.words import count
    from shared.runtime.errors import Unavailable

    progress("sending what is in the spools", timeout_s=timeout)
    found = _asked(directory, "drain", str(timeout))
    if found["left"] and output is Format.JSON:
        emit(output, found, "")
        raise typer.Exit(Unavailable.exit_code)
    if found["left"]:
        raise Unavailable(
            f"{count(found['left'])} records are still in the spool, {count(found['sent'])} were "
            f"sent: {found['why']}",
            "run it again once the broker takes records",
        )
    others = "".join(f"\nleft to the running instance: {path}" for path in found["owned"])
    emit(output, found, f"{count(found['sent'])} records sent, none left{others}")


@app.command()
def skip(
    topic: Annotated[str, typer.Argument(metavar="TOPIC", help="Whose records are held up.")],
    directory: Directory = None,
    timeout: Annotated[
        float, typer.Option(metavar="SECONDS", min=1, help="Give up after so long.")
    ] = 60.0,
    output: Output = Format.TEXT,
) -> None:
    """Put aside the record that the broker refuses for ever, as a dead letter, and go on behind it.

    For a stream that `/readyz` calls stuck with an answer that no waiting changes, as that the
    record is too large. Its instance must be stopped: what a running one owns is left alone. The
    records before it are sent, those behind it by `drain` or by the instance when it is back.
    Replay the dead letter once its topic takes it.

    Example: bergline spool skip shopify.orders
    """
    from shared.cli.words import count

    found = _asked(directory, "skip", topic, str(timeout))
    what = "the broker refuses none of those at the stream's begin"
    if found["letter_id"] is not None:
        what = f"put aside as dead letter {found['letter_id']}: {found['detail']}"
    emit(
        output,
        found,
        f"{what}\n{count(found['sent'])} records sent, {count(found['left'])} of {topic} left",
    )


def _page(found: dict[str, Any], records: int, taken: int) -> Any:
    from shared.cli.words import NOTHING, age, cell, count, size, stacked

    def ago(seconds: float | None) -> str:
        return NOTHING if seconds is None else age(timedelta(seconds=seconds))

    rows = [
        (
            cell(Path(one["directory"]).name),
            "running" if one["owned"] else f"gone {ago(one['alive_s'])} ago",
            cell(each["topic"]),
            count(each["records"]),
            size(each["bytes"]),
            ago(each["oldest_s"]),
            cell(", ".join(each["damaged"]) or None),
        )
        for one in found["instances"]
        for each in one["streams"] or [_NOTHING_KEPT]
    ]
    return stacked(
        table(("instance", "owner", "topic", ">records", ">bytes", ">oldest", "damaged"), rows),
        cell(
            f"{count(records)} records, {size(taken)} in {found['root']}; an instance may take "
            f"{size(found['max_bytes'])}, one source {size(found['source_bytes'])} of it; "
            f"{size(found['free_bytes'])} free"
        ),
    )


_NOTHING_KEPT: dict[str, Any] = {
    "topic": None,
    "records": 0,
    "bytes": 0,
    "oldest_s": None,
    "damaged": [],
}


def _asked(directory: Path | None, *arguments: str) -> dict[str, Any]:
    """The answer of ingest's own code, in a process of its own: the command line imports none.

    Raises:
        BerglineError: what it says instead.
    """
    from shared.runtime.errors import (
        BerglineError,
        ConfigurationError,
        NotFound,
        Refused,
        Unavailable,
    )

    chosen = {} if directory is None else {_DIRECTORY_VARIABLE: str(directory.absolute())}
    ended = subprocess.run(
        [sys.executable, "-P", "-m", "services.ingest.spool", *arguments],
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **chosen},
        check=False,
    )
    try:
        found: dict[str, Any] = json.loads(ended.stdout)
    except ValueError:
        raise typer.Exit(ended.returncode or 1) from None
    if ended.returncode:
        kinds = {
            kind.exit_code: kind for kind in (ConfigurationError, NotFound, Refused, Unavailable)
        }
        raise kinds.get(ended.returncode, BerglineError)(found["what"], found["next"])
    return found
