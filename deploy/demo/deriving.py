"""Waiting until every derived table holds what came in by its topics."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping

from pyiceberg.catalog.rest import RestCatalog

from shared.lake.handle import TableHandle
from shared.lake.provenance import completeness
from shared.lake.table_state import TableState
from shared.runtime.errors import CheckFailed
from shared.runtime.log_bounds import LogBounds
from shared.runtime.settings import Settings
from shared.tables.lineage import in_order, upstream
from shared.tables.registry import TABLES, derived_tables
from shared.tables.spec import TableSpec

POLL_SECONDS = 0.2
DEADLINE_SECONDS = 120.0

Behind = Mapping[str, int]
"""Table → offsets of its topics that it does not hold yet."""


async def derived(
    settings: Settings,
    catalog: RestCatalog,
    ends: Mapping[tuple[str, int], LogBounds],
    observe: Callable[[Behind], None] = lambda _: None,
    *,
    deadline_s: float = DEADLINE_SECONDS,
) -> None:
    """Return once every derived table is complete up to the ends of its topics.

    Args:
        settings: where the catalog is.
        catalog: used by one thread at a time.
        ends: where the logs end, as :func:`deploy.demo.settling.settled` found them.
        observe: told what is missing, again and again.
        deadline_s: longest wait.

    Raises:
        CheckFailed: the deadline passed; the message names each table and how far it is behind.
    """
    give_up = time.monotonic() + deadline_s
    names = {spec.name for spec in derived_tables()}
    waiting = [
        TableHandle(catalog, settings.environment, name)
        for name in in_order(TABLES)
        if name in names
    ]
    behind = await asyncio.to_thread(_behind, waiting, ends, {})
    while True:
        observe(behind)
        if not behind:
            return
        waiting = [table for table in waiting if table.name in behind]
        if time.monotonic() > give_up:
            places = ", ".join(f"{name}: {count}" for name, count in behind.items())
            raise CheckFailed(
                f"after {deadline_s:g} s offsets are not in these tables yet: {places}",
                "`bergline runs list` and `bergline logs transformer` show what holds them up",
            )
        await asyncio.sleep(POLL_SECONDS)
        behind = await asyncio.to_thread(_behind, waiting, ends, behind)


def topics_of(spec: TableSpec) -> frozenset[str]:
    """The topics that a table comes from, through however many others."""
    above = (TABLES[name] for name in upstream(spec.name, TABLES))
    return frozenset(topic for each in above for topic in each.topics)


def _behind(
    tables: Iterable[TableHandle], ends: Mapping[tuple[str, int], LogBounds], before: Behind
) -> dict[str, int]:
    """What is missing. A table that was behind before is not loaded again as long as one that it is
    built from is: it cannot hold more.

    Args:
        tables: each behind those that it is built from.
        ends: where the logs end.
        before: what was missing when they were looked at before.
    """
    behind: dict[str, int] = {}
    for table in tables:
        if table.name in before and behind.keys() & upstream(table.name, TABLES):
            behind[table.name] = before[table.name]
            continue
        missing = missing_from(TABLES[table.name], table.reload(), ends)
        if missing:
            behind[table.name] = missing
    return behind


def missing_from(
    spec: TableSpec, state: TableState, ends: Mapping[tuple[str, int], LogBounds]
) -> int:
    """Offsets of a derived table's topics that its head does not hold. Pure."""
    head = state.current_snapshot_id
    complete = {} if head is None else completeness(state, head)
    topics = topics_of(spec)
    return sum(
        max(0, log.end - complete.get(key, log.start))
        for key, log in ends.items()
        if key[0] in topics
    )
