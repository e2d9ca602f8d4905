"""What the maintainers told of their work on the soaked tables."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

from shared.contracts.event import Event
from shared.contracts.maintenance import MaintenanceFailed, MaintenanceSucceeded
from shared.contracts.topics import MAINTENANCE
from shared.runtime.event_log import read_events
from shared.runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class Maintenance:
    """Totals of all jobs.

    Attributes:
        jobs: how many ended well and had something to do, by job.
        failures: what failed, in words; of any table.
        attempts_wasted, bytes_wasted: rewrites that were given up.
        files_replaced, files_written, rows_moved, deletes_translated: of compactions.
        files_deleted, metadata_deleted, bytes_freed: of what was removed.
        undeleted: files that could not be deleted.
    """

    jobs: Counter[str]
    failures: tuple[str, ...] = ()
    attempts_wasted: int = 0
    bytes_wasted: int = 0
    files_replaced: int = 0
    files_written: int = 0
    rows_moved: int = 0
    deletes_translated: int = 0
    files_deleted: int = 0
    metadata_deleted: int = 0
    bytes_freed: int = 0
    undeleted: int = 0


def told(settings: Settings, since: datetime, tables: Collection[str]) -> Maintenance:
    """Read all outcomes since the soak began."""
    return totals(asyncio.run(read_events(settings, [MAINTENANCE], since)), tables)


def totals(events: Iterable[Event], tables: Collection[str]) -> Maintenance:
    """Outcomes added up: of these tables, but failures of any. Pure."""
    every = list(events)
    ended = [e for e in every if isinstance(e, MaintenanceSucceeded) and e.table in tables]
    failed = [e for e in every if isinstance(e, MaintenanceFailed)]
    return Maintenance(
        jobs=Counter(each.job for each in ended if each.status == "succeeded"),
        failures=tuple(f"{e.job} of {e.table}: {e.error_type}: {e.error}" for e in failed),
        attempts_wasted=sum(each.attempts_wasted for each in ended),
        bytes_wasted=sum(each.bytes_wasted for each in ended),
        files_replaced=sum(each.files_replaced for each in ended),
        files_written=sum(each.files_written for each in ended),
        rows_moved=sum(each.rows_moved for each in ended),
        deletes_translated=sum(each.deletes_translated for each in ended),
        files_deleted=sum(each.files_deleted for each in ended),
        metadata_deleted=sum(each.metadata_deleted for each in ended),
        bytes_freed=sum(each.bytes_freed for each in ended),
        undeleted=sum(each.errors for each in ended),
    )
