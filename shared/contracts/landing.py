"""How often rows come to landing tables, as alerters have learned it from their commits."""

from __future__ import annotations

from typing import ClassVar

from pydantic import AwareDatetime, Field

from shared.contracts.envelope import rfc3339
from shared.contracts.event import Event, TableName


class LandingLearned(Event):
    """What is known of the times at which a landing table got rows.

    Alerters share it, so that one that has just begun knows as much as those that have seen a week.
    """

    type: ClassVar[str] = "lakehouse.landing.learned.v1"

    table: TableName = Field(description="landing table")
    first_at: AwareDatetime = Field(description="first commit with rows that anybody saw")
    last_at: AwareDatetime = Field(description="last one")
    times: int = Field(ge=0, description="how many there were")
    gaps: dict[int, tuple[float, float]] = Field(
        default_factory=dict,
        description="hours of the last week, since the epoch: the shortest and the longest time "
        "without rows that ended in each, in seconds",
    )
    learned_at: AwareDatetime = Field(description="when this was all that was known")

    def key(self) -> str:
        """The table, beside what else alert-states holds."""
        return f"learned/{self.table}"

    def event_id(self) -> str:
        """The table, and when it was learned."""
        return f"{self.table}/{rfc3339(self.learned_at)}"

    def event_time(self) -> AwareDatetime:
        """When this was all that was known."""
        return self.learned_at
