"""``bergline bootstrap``: topics and tables, made by one process, as often as wanted."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from shared.cli.output import Format, Output, emit, progress, table

if TYPE_CHECKING:
    from shared.runtime.settings import Settings
    from shared.runtime.topic_bootstrap import TopicChange

app = typer.Typer(add_completion=False)

RETRY_SECONDS = 0.1

Result = TypeVar("Result")


@app.command()
def bootstrap(
    replication_factor: Annotated[
        int, typer.Option(min=1, help="Replicas of each topic created now.")
    ] = 1,
    wait: Annotated[
        float,
        typer.Option(min=0, metavar="SECONDS", help="How long broker and catalog may be away."),
    ] = 0,
    output: Output = Format.TEXT,
) -> None:
    """Create topics, namespaces and tables that are missing, and check those that exist.

    Partitions are never reduced; topic configuration that differs is corrected and reported.
    Running it again changes nothing.
    """
    from shared.runtime.settings import Settings

    settings = Settings.load()
    progress("creating topics and tables", brokers=settings.brokers, catalog=settings.catalog_uri)
    changes, created = asyncio.run(_both(settings, replication_factor, wait))
    topics = [asdict(change) for change in changes]
    rows = [(change["topic"], change["action"], change["detail"]) for change in topics]
    rows += [(name, "table created", "") for name in created]
    emit(
        output,
        {"topics": topics, "tables_created": created},
        table(("what", "done", "detail"), rows) if rows else "everything is as declared",
    )


async def _both(
    settings: Settings, replication_factor: int, wait: float
) -> tuple[list[TopicChange], list[str]]:
    """Topics and tables at the same time; the first failure is raised once both have ended."""
    from shared.runtime.topic_bootstrap import bootstrap_topics

    deadline = time.monotonic() + wait
    topics, tables = await asyncio.gather(
        _answered(lambda: bootstrap_topics(settings, replication_factor), deadline),
        _answered(lambda: asyncio.to_thread(_tables, settings), deadline),
        return_exceptions=True,
    )
    if isinstance(topics, BaseException):
        raise topics
    if isinstance(tables, BaseException):
        raise tables
    return topics, tables


async def _answered(ask: Callable[[], Awaitable[Result]], deadline: float) -> Result:
    """What ``ask`` returns; asked again while the other side is away and the deadline ahead."""
    from shared.runtime.errors import Unavailable

    while True:
        try:
            return await ask()
        except Unavailable:
            if time.monotonic() >= deadline:
                raise
            await asyncio.sleep(RETRY_SECONDS)


def _tables(settings: Settings) -> list[str]:
    from shared.lake.bootstrap import bootstrap_tables
    from shared.lake.reader import reachable

    with reachable(settings):
        return bootstrap_tables(settings)
