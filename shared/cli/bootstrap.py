"""``bergline bootstrap``: topics and tables, made by one process, as often as wanted."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import Annotated

import typer

from shared.cli.output import Format, Output, emit, progress, table

app = typer.Typer(add_completion=False)


@app.command()
def bootstrap(
    replication_factor: Annotated[
        int, typer.Option(min=1, help="Replicas of each topic created now.")
    ] = 1,
    output: Output = Format.TEXT,
) -> None:
    """Create topics, namespaces and tables that are missing, and check those that exist.

    Partitions are never reduced; topic configuration that differs is corrected and reported.
    Running it again changes nothing.
    """
    from shared.lake.bootstrap import bootstrap_tables
    from shared.runtime.settings import Settings
    from shared.runtime.topic_bootstrap import TopicChange, bootstrap_topics

    settings = Settings.load()

    async def both() -> tuple[list[TopicChange], list[str]]:
        topics = asyncio.create_task(bootstrap_topics(settings, replication_factor))
        tables = await asyncio.to_thread(bootstrap_tables, settings)
        return await topics, tables

    progress("creating topics and tables")
    changes, created = asyncio.run(both())
    topics = [asdict(change) for change in changes]
    rows = [(change["topic"], change["action"], change["detail"]) for change in topics]
    rows += [(name, "table created", "") for name in created]
    emit(
        output,
        {"topics": topics, "tables_created": created},
        table(("what", "done", "detail"), rows) if rows else "everything is as declared",
    )
