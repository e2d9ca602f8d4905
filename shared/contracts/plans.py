"""What transformer and maintainer answer at ``GET /plan``: what would be done now, and why.

Not an event: it is true for the moment of the question.
"""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from shared.contracts.event import Contract, TableName


class PlannedSource(Contract):
    """One input of a table: what was read of it, and where it stands."""

    recorded: int | None = Field(description="snapshot read last; null before the first build")
    head: int | None = Field(description="its newest snapshot; null when it has none")


class PlannedBuild(Contract):
    """What a derived table needs now."""

    target: TableName = Field(description="the table")
    mode: Literal["nothing", "incremental", "full"] = Field(description="how it would be built")
    reason: str = Field(default="", description="why in this mode, in words")
    sources: dict[TableName, PlannedSource] = Field(
        default_factory=dict, description="every input by its table"
    )
    state: str = Field(
        default="", description="what is being done about it: building, waiting to be tried again…"
    )


class Plans(Contract):
    """The whole answer."""

    planned_at: AwareDatetime = Field(description="when the tables were looked at")
    tables: tuple[PlannedBuild, ...] = Field(description="in the order of building")


class PlannedJob(Contract):
    """One job that a table might need."""

    job: str = Field(description="compact, expire, manifests or restamp")
    due: bool = Field(description="whether it would be done now")
    reason: str = Field(default="", description="why, or why not")
    partition: str = Field(default="", description="whose files; empty for the whole table")
    files: int = Field(default=0, description="files that it would replace or delete")
    bytes: int = Field(default=0, description="their size")


class PlannedMaintenance(Contract):
    """What a look at a table found."""

    table: TableName = Field(description="the table")
    looked_at: AwareDatetime | None = Field(
        default=None, description="when it was looked at; null: not yet"
    )
    data_files: int = Field(default=0, description="live data files")
    small_files: int = Field(default=0, description="those that are small")
    delete_files: int = Field(default=0, description="live delete files")
    live_bytes: int = Field(default=0, description="size of the data files")
    snapshots: int = Field(default=0, description="retained snapshots")
    manifests: int = Field(default=0, description="manifests of the head")
    jobs: tuple[PlannedJob, ...] = Field(default=(), description="what is due first")
    error: str = Field(default="", description="why it could not be looked at")
    state: str = Field(default="", description="what is being done about it")


class MaintenancePlans(Contract):
    """What maintainer answers at ``GET /plan``: the last looks at its own tables."""

    planned_at: AwareDatetime = Field(description="when it was asked")
    tables: tuple[PlannedMaintenance, ...] = Field(description="by name")
