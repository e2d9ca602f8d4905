"""``bergline bootstrap``: topics and tables, made by one process, as often as wanted."""

from __future__ import annotations

import asyncio
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from shared.cli.output import Format, Output, emit, progress, table

if TYPE_CHECKING:
    from shared.runtime.settings import Settings
    from shared.runtime.topic_bootstrap import TopicChange

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
    from shared.runtime.settings import Settings

    settings = Settings.load()
    progress("creating topics and tables", brokers=settings.brokers, catalog=settings.catalog_uri)
    changes, created = asyncio.run(_both(settings, replication_factor))
    topics = [asdict(change) for change in changes]
    rows = [(change["topic"], change["action"], change["detail"]) for change in topics]
    rows += [(name, "table created", "") for name in created]
    emit(
        output,
        {"topics": topics, "tables_created": created},
        table(("what", "done", "detail"), rows) if rows else "everything is as declared",
    )


async def _both(settings: Settings, replication_factor: int) -> tuple[list[TopicChange], list[str]]:
    """Topics and tables at the same time; the first failure is raised once both have ended."""
    from shared.runtime.topic_bootstrap import bootstrap_topics

    topics, tables = await asyncio.gather(
        bootstrap_topics(settings, replication_factor),
        asyncio.to_thread(_tables, settings),
        return_exceptions=True,
    )
    if isinstance(topics, BaseException):
        raise topics
    if isinstance(tables, BaseException):
        raise tables
    return topics, tables


def _tables(settings: Settings) -> list[str]:
    import requests
    from pyiceberg.exceptions import RESTError

    from shared.lake.bootstrap import bootstrap_tables
    from shared.runtime.errors import Unavailable

    try:
        return bootstrap_tables(settings)
    except (requests.RequestException, RESTError) as error:
        raise Unavailable(
            f"the catalog at {settings.catalog_uri} does not do it: {error}",
            "check that it runs (`bergline status`), BERGLINE_CATALOG_URI and its credential",
        ) from error
