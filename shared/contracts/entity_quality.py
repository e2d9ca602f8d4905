"""The report of a check of the entity index: how much of it there is, and what is wrong with it."""

from __future__ import annotations

from typing import Literal

from pydantic import AwareDatetime, Field

from shared.contracts.event import Contract

Verdict = Literal["healthy", "warning", "critical"]


class QualityMetric(Contract):
    """One figure, judged or not."""

    name: str = Field(description="for example cross_source_match_rate")
    value: float = Field(description="the figure")
    threshold: float | None = Field(
        default=None, description="what it is held to; null: it is not judged"
    )
    status: Literal["info", "warning", "error"] = Field(description="how bad it is")
    description: str = Field(default="", description="what is counted")


class SourceQuality(Contract):
    """One source of records that are somebody."""

    source: str = Field(description="what the index calls it")
    staged: bool = Field(description="whether its staged table is there; if not, all else is 0")
    total_records: int = Field(default=0, description="distinct ids that are staged")
    mapped_records: int = Field(default=0, description="those of them that the index has")
    orphaned_records: int = Field(default=0, description="those that it does not have")
    coverage_pct: float | None = Field(
        default=None, description="per cent of the ids that the index has; null where there is none"
    )
    unique_unified_ids: int = Field(default=0, description="unified ids that they belong to")


class QualityIssue(Contract):
    """Something to be looked into."""

    type: str = Field(description="orphaned_records or duplicate_mappings")
    source: str | None = Field(default=None, description="whose records, where it is one source")
    count: int = Field(description="how many")
    message: str = Field(description="in words; never a row's values")


class EntityQuality(Contract):
    """The whole report, without samples: these stay with who may read the tables."""

    timestamp: AwareDatetime = Field(description="when the tables were asked")
    status: Verdict = Field(description="by the worst figure")
    quick: bool = Field(default=False, description="only totals were asked for")
    total_entity_mappings: int = Field(description="rows of the index")
    total_unified_ids: int = Field(description="distinct unified ids")
    total_cross_source_matches: int = Field(description="those with records of several sources")
    metrics: tuple[QualityMetric, ...] = Field(default=(), description="figures and their levels")
    source_stats: tuple[SourceQuality, ...] = Field(default=(), description="every source")
    issues: tuple[QualityIssue, ...] = Field(default=(), description="what is wrong")

    @property
    def duplicate_mappings(self) -> int:
        """Records with more than one row in the index; a whole check tells of them if any."""
        return sum(each.count for each in self.issues if each.type == "duplicate_mappings")
