"""Builds of derived tables: asked for, started, ended.

**Waves.** A wave is one commit of a landing table on its way through everything that is derived
from it; its id is ``<landing table>/<sequence number>``. It is open until every descendant holds
it, that is, until their ``complete`` covers the ``offsets`` of that commit. Both stand in
TableCommitted, so which waves are open, since when, and where they wait follows from
``lakehouse.commits`` alone. A build belongs to the oldest wave that its target does not hold yet;
later ones that it takes along end with it. A build that no landing commit waits for (a refresh, the
turn of the business date, changed code) belongs to ``<cause>/<which>``, for example
``refresh/<command id>``.
"""

from __future__ import annotations

from datetime import date
from typing import ClassVar, Literal, Self

from pydantic import AwareDatetime, Field, model_validator

from shared.contracts.days import Days
from shared.contracts.event import Contract, Event, TableName

Cause = Literal["commit", "reconcile", "refresh", "tick"]
"""What asked for a build: a commit of a table that it reads; a comparison of recorded and present
heads; an operator; the turn of the business date."""

Mode = Literal["incremental", "full", "nothing"]
"""How a target was built. ``nothing``: it held everything already."""


_FIRST_DAY = (
    "first day whose rows are computed anew, changed or not; null with a last day: from the "
    "beginning; null without one: of no day"
)
_LAST_DAY = "last day of these, itself included; null with a first day: to the end"


class Trigger(Contract):
    """The commit that asked for a build."""

    table: TableName = Field(description="table that was committed to")
    snapshot_id: int = Field(description="the snapshot committed")
    sequence_number: int = Field(ge=0, description="its sequence number")


class BuildRequested(Event):
    """A derived table is to be built.

    May be lost, repeated or late: what is to be built follows from the tables themselves, which
    the owner of a target compares regularly. Requests only make it fast.
    """

    type: ClassVar[str] = "lakehouse.build.requested.v1"

    request_id: str = Field(description="UUIDv7")
    target: TableName = Field(description="table to build")
    cause: Cause = Field(description="what asked: commit, reconcile, refresh or tick")
    reason: str = Field(default="", description="why, in words")
    trigger: Trigger | None = Field(default=None, description="the commit that asked, if one did")
    wave: str = Field(description="wave that the build belongs to")
    begun_at: AwareDatetime | None = Field(
        default=None, description="when the oldest wave began that the build brings on"
    )
    full: bool = Field(default=False, description="build from all input instead of what changed")
    first_day: date | None = Field(default=None, description=_FIRST_DAY)
    last_day: date | None = Field(default=None, description=_LAST_DAY)
    actor: str | None = Field(default=None, description="the operator who asked, if one did")
    requested_at: AwareDatetime = Field(description="when it was asked")

    @model_validator(mode="after")
    def _some_day(self) -> Self:
        _ = self.days
        return self

    @property
    def days(self) -> Days | None:
        """The days whose rows are to be computed anew; ``None``: of no day."""
        return Days.between(self.first_day, self.last_day)

    def key(self) -> str:
        """The target: requests of one target stay in order and have one owner."""
        return self.target

    def event_id(self) -> str:
        """The request's own id."""
        return self.request_id

    def event_time(self) -> AwareDatetime:
        """When it was asked."""
        return self.requested_at


class BuildStarted(Event):
    """A build of a table began. A worker that dies leaves it without an end."""

    type: ClassVar[str] = "lakehouse.build.started.v1"

    build_id: str = Field(description="UUIDv7, the same in the event that ends the build")
    target: TableName = Field(description="table that is built")
    wave: str = Field(description="wave that the build belongs to")
    cause: Cause = Field(description="what asked: commit, reconcile, refresh or tick")
    reason: str = Field(default="", description="why, in words")
    full: bool = Field(default=False, description="whether everything was asked to be built anew")
    first_day: date | None = Field(default=None, description=_FIRST_DAY)
    last_day: date | None = Field(default=None, description=_LAST_DAY)
    attempt: int = Field(ge=1, description="1 for the first, higher after failures")
    worker: str = Field(default="", description="worker that runs it: service, pid and place")
    started_at: AwareDatetime = Field(description="when it began")

    def key(self) -> str:
        """The target."""
        return self.target

    def event_id(self) -> str:
        """Build and what became of it."""
        return f"{self.build_id}/started"

    def event_time(self) -> AwareDatetime:
        """When it began."""
        return self.started_at


class BuildSucceeded(Event):
    """A table holds what its inputs hold, as far as the build read them."""

    type: ClassVar[str] = "lakehouse.build.succeeded.v1"

    build_id: str = Field(description="UUIDv7 of the build")
    target: TableName = Field(description="table that was built")
    wave: str = Field(description="wave that the build belongs to")
    cause: Cause = Field(description="what asked: commit, reconcile, refresh or tick")
    mode: Mode = Field(description="incremental, full or nothing")
    reason: str = Field(default="", description="why in this mode, in words")
    to_be_rebuilt: bool = Field(
        default=False,
        description="whether nothing was built, because only a full build can; one follows",
    )
    attempt: int = Field(ge=1, description="1 when it succeeded at once")
    rows_read: int = Field(default=0, description="rows read of all inputs and of the target")
    bytes_read: int = Field(default=0, description="bytes of the files read")
    rows_added: int = Field(default=0, description="rows written")
    rows_removed: int = Field(default=0, description="rows deleted, replaced ones included")
    bytes_written: int = Field(default=0, description="bytes of the files written")
    seconds: float = Field(ge=0, description="duration, waiting for a worker left out")
    snapshot_id: int | None = Field(
        default=None, description="snapshot committed; null when nothing was to be recorded"
    )
    sequence_number: int | None = Field(default=None, description="its sequence number")
    as_of: date | None = Field(default=None, description="business date of a ticked table")
    succeeded_at: AwareDatetime = Field(description="when it ended")

    def key(self) -> str:
        """The target."""
        return self.target

    def event_id(self) -> str:
        """Build and what became of it."""
        return f"{self.build_id}/succeeded"

    def event_time(self) -> AwareDatetime:
        """When it ended."""
        return self.succeeded_at


class BuildFailed(Event):
    """A build ended without a result. The table keeps its last state."""

    type: ClassVar[str] = "lakehouse.build.failed.v1"

    build_id: str = Field(description="UUIDv7 of the build")
    target: TableName = Field(description="table that was to be built")
    wave: str = Field(description="wave that the build belongs to")
    cause: Cause = Field(description="what asked: commit, reconcile, refresh or tick")
    attempt: int = Field(ge=1, description="number of failures in a row, this one included")
    error_type: str = Field(
        description="class of the error; WorkerDied when its process ended, as out of memory"
    )
    error: str = Field(description="what was wrong, for humans; of rows never more than keys")
    seconds: float = Field(ge=0, description="duration, waiting for a worker left out")
    will_retry: bool = Field(
        description="false when it waits for the next commit or a longer pause"
    )
    next_attempt_at: AwareDatetime | None = Field(
        default=None, description="when it is tried again at the earliest"
    )
    failed_at: AwareDatetime = Field(description="when it ended")

    def key(self) -> str:
        """The target."""
        return self.target

    def event_id(self) -> str:
        """Build and what became of it."""
        return f"{self.build_id}/failed"

    def event_time(self) -> AwareDatetime:
        """When it ended."""
        return self.failed_at
