"""One check of the entity index, and its report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from shared.contracts.entity_quality import EntityQuality
from shared.lake.entity_quality.checks import Checked, Status, check, coverage
from shared.lake.entity_quality.figures import Figures, figures
from shared.lake.entity_quality.heads import heads
from shared.lake.query import Pin, query, tables_named
from shared.lake.reader import LakeReader


class Stopped(Exception):
    """Raised when a check was told to end before it had."""


class Report:
    """What was found at a moment.

    Attributes:
        at: when the tables were asked.
        quick: whether only the totals were.
        figures: what they hold.
        checked: what that means.
    """

    def __init__(self, found: Figures, at: datetime, *, quick: bool) -> None:
        self.at = at
        self.quick = quick
        self.figures = found
        self.checked: Checked = check(found, quick=quick)

    @property
    def status(self) -> Status:
        """The verdict."""
        return self.checked.status

    def told(self) -> EntityQuality:
        """All of it but samples, as events carry it."""
        return EntityQuality.model_validate(self.as_json())

    def as_json(self) -> dict[str, Any]:
        """Names and nesting are those that consumers of the report know."""
        found = self.figures
        return {
            "timestamp": self.at.isoformat(),
            "status": str(self.status),
            "quick": self.quick,
            "total_entity_mappings": found.mappings,
            "total_unified_ids": found.unified,
            "total_cross_source_matches": found.shared,
            "metrics": [
                {
                    "name": each.name,
                    "value": float(each.value),
                    "threshold": None if each.threshold is None else float(each.threshold),
                    "status": str(each.status),
                    "description": each.description,
                }
                for each in self.checked.metrics
            ],
            "source_stats": [
                {
                    "source": each.source,
                    "staged": each.staged,
                    "total_records": each.records,
                    "mapped_records": each.mapped,
                    "orphaned_records": each.records - each.mapped,
                    "coverage_pct": None if (share := coverage(each)) is None else float(share),
                    "unique_unified_ids": each.unified,
                }
                for each in found.sources
                if not self.quick or not each.staged
            ],
            "issues": [
                {
                    "type": each.type,
                    **({} if each.source is None else {"source": each.source}),
                    "count": each.count,
                    **({"samples": list(each.samples)} if each.samples else {}),
                    "message": each.message,
                }
                for each in self.checked.issues
            ],
        }


def check_entities(
    lake: LakeReader,
    *,
    quick: bool = False,
    threads: int | None = None,
    stop: Callable[[], bool] = lambda: False,
) -> Report:
    """Check the entity index against the staged records.

    Args:
        lake: where the tables are.
        quick: totals only.
        threads: that queries may use; all cores when not said.
        stop: asked before every query.

    Raises:
        NoEntities: there is no entity index.
        Stopped: ``stop`` said so.
        Unavailable: catalog or object store do not answer.
    """
    present = heads(lake)
    at = datetime.now(UTC)

    def ask(sql: str) -> list[tuple[Any, ...]]:
        if stop():
            raise Stopped
        named = {name: Pin(snapshot_id=present[name]) for name in tables_named(sql)}
        with query(lake, sql, pins=named, threads=threads) as result:
            return list(result.rows())

    return Report(figures(ask, present, quick=quick), at, quick=quick)
