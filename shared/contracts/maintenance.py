"""Maintenance of tables: asked for, and how it ended.

A job changes no row: it moves rows to better files, removes what no reader needs any more, or only
looks. What it committed is a TableCommitted like any other; these events tell what it was good for.
"""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import AwareDatetime, Field

from shared.contracts.commands import CommandIssued
from shared.contracts.entity_quality import EntityQuality
from shared.contracts.event import Contract, Event, TableName

JobName = Literal["compact", "expire", "orphans", "manifests", "restamp", "unreferenced", "quality"]
"""``compact``: small files and deleted rows become larger files. ``expire``: old snapshots go, and
the files that only they named. ``orphans``: files in the store that no snapshot names go.
``manifests``: many manifests become few. ``restamp``: a snapshot of another engine gets one on top
that says again where the table stands. ``unreferenced``: files go that were named when the table
was looked at, and that nothing names since its history was thinned. ``quality``: the entity index
is checked against the records of its sources, and nothing is changed."""

JobCause = Literal["policy", "timer", "command"]
"""What asked for a job: the table's files; the time since the last one; an operator."""


class MaintenanceRequested(Event):
    """An operator's command, for one of the tables that it means.

    What is asked is in the signed command alone: a request of a command that does not verify, or
    does not mean the table, is passed over. Requests of one table go to the maintainer that owns
    it, which carries the jobs out in order; a job behind one that failed is not begun.
    """

    type: ClassVar[str] = "lakehouse.maintenance.requested.v1"

    table: TableName = Field(description="table to maintain")
    command: CommandIssued = Field(description="the command that asks, with its signature")
    requested_at: AwareDatetime = Field(description="when the command was taken")

    def key(self) -> str:
        """The table: its requests stay in order and have one owner."""
        return self.table

    def event_id(self) -> str:
        """Command and table: a command asks each table once."""
        return f"{self.command.command_id}/{self.table}"

    def event_time(self) -> AwareDatetime:
        """When the command was taken."""
        return self.requested_at


class Figures(Contract):
    """A table's files and history, before or after a job; null where the job does not count it."""

    data_files: int | None = Field(default=None, description="live data files")
    live_bytes: int | None = Field(default=None, description="size of live data and delete files")
    snapshots: int | None = Field(default=None, description="retained snapshots")
    manifests: int | None = Field(default=None, description="manifests of the head")


class MaintenanceSucceeded(Event):
    """A job did what it should, or found that there is nothing to do."""

    type: ClassVar[str] = "lakehouse.maintenance.succeeded.v1"

    job_id: str = Field(description="UUIDv7 of this run of the job")
    job: JobName = Field(
        description="compact, expire, orphans, manifests, restamp, unreferenced or quality"
    )
    table: TableName = Field(description="table that was maintained")
    status: Literal["succeeded", "skipped"] = Field(
        description="skipped: there was nothing to do; the reason says why"
    )
    reason: str = Field(default="", description="why it ran, or why it had nothing to do")
    cause: JobCause = Field(description="what asked: policy, timer or command")
    command_id: str | None = Field(default=None, description="the command, if one asked")
    worker: str = Field(default="", description="worker that ran it: service, pid and place")
    attempt: int = Field(default=1, ge=1, description="1 when it succeeded at once")
    before: Figures = Field(default_factory=Figures, description="the table before")
    after: Figures = Field(default_factory=Figures, description="the table after")
    files_replaced: int = Field(default=0, description="data files that were written anew")
    bytes_replaced: int = Field(default=0, description="their size")
    files_written: int = Field(default=0, description="data files that took their place")
    bytes_written: int = Field(default=0, description="their size")
    rows_moved: int = Field(default=0, description="rows written to other files")
    deletes_dropped: int = Field(default=0, description="delete files that left with the rows")
    deletes_translated: int = Field(
        default=0, description="positions deleted by others meanwhile, moved to the new files"
    )
    files_deleted: int = Field(default=0, description="data and delete files taken off the store")
    metadata_deleted: int = Field(
        default=0, description="manifests and manifest lists taken off the store"
    )
    bytes_freed: int = Field(default=0, description="size of all that was taken off the store")
    errors: int = Field(default=0, ge=0, description="files that could not be deleted; others were")
    attempts_wasted: int = Field(default=0, description="rewrites that did not fit the table again")
    bytes_wasted: int = Field(default=0, description="size of the files that these had written")
    seconds: float = Field(ge=0, description="duration, waiting left out")
    snapshot_id: int | None = Field(
        default=None, description="head after the job, when it committed; null when it did not"
    )
    quality: EntityQuality | None = Field(
        default=None, description="what a check of the entity index found; null of other jobs"
    )
    succeeded_at: AwareDatetime = Field(description="when it ended")

    def key(self) -> str:
        """The table."""
        return self.table

    def event_id(self) -> str:
        """Job and what became of it."""
        return f"{self.job_id}/succeeded"

    def event_time(self) -> AwareDatetime:
        """When it ended."""
        return self.succeeded_at


class MaintenanceFailed(Event):
    """A job ended without its result. What it had committed before stays; no row is changed."""

    type: ClassVar[str] = "lakehouse.maintenance.failed.v1"

    job_id: str = Field(description="UUIDv7 of this run of the job")
    job: JobName = Field(
        description="compact, expire, orphans, manifests, restamp, unreferenced or quality"
    )
    table: TableName = Field(description="table that was to be maintained")
    cause: JobCause = Field(description="what asked: policy, timer or command")
    command_id: str | None = Field(default=None, description="the command, if one asked")
    worker: str = Field(default="", description="worker that ran it: service, pid and place")
    attempt: int = Field(ge=1, description="number of failures in a row, this one included")
    error_type: str = Field(description="class of the error")
    error: str = Field(description="what was wrong, for humans; never a row's values")
    errors: int = Field(
        default=0, ge=0, description="files that could not be deleted, where that is what failed"
    )
    seconds: float = Field(ge=0, description="duration, waiting left out")
    will_retry: bool = Field(
        description="whether it is tried again by itself; never so for a command that is over"
    )
    next_attempt_at: AwareDatetime | None = Field(
        default=None, description="when it is tried again at the earliest"
    )
    failed_at: AwareDatetime = Field(description="when it ended")

    def key(self) -> str:
        """The table."""
        return self.table

    def event_id(self) -> str:
        """Job and what became of it."""
        return f"{self.job_id}/failed"

    def event_time(self) -> AwareDatetime:
        """When it ended."""
        return self.failed_at
