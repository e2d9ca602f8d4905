"""What transformer answers at ``GET /plan``: what would be built now, and why.

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
