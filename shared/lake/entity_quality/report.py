"""The report of a quality check, for programs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from shared.lake.entity_quality.checks import Checked, Status, check, coverage
from shared.lake.entity_quality.figures import Ask, Figures, figures
from shared.lake.entity_quality.sources import INDEX, SOURCES
from shared.lake.query import Pin, query, tables_named
from shared.lake.reader import LakeReader
from shared.runtime.errors import NotFound
from shared.tables.registry import TABLES


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


def check_entities(lake: LakeReader, *, quick: bool = False) -> Report:
    """Check the entity index against the staged records.

    Raises:
        NotFound: there is no entity index.
        Unavailable: catalog or object store do not answer.
    """
    present = _pinned(lake)
    if INDEX not in present:
        raise NotFound(
            f"there is no {INDEX}: no entities were resolved yet",
            "the check has something to look at when that table is built",
        )
    at = datetime.now(UTC)
    return Report(figures(_asking(lake, present), present, quick=quick), at, quick=quick)


def _pinned(lake: LakeReader) -> Mapping[str, Pin]:
    """The heads of those of the tables concerned that have one: all queries read the same."""
    found = {}
    for name in (INDEX, *(source.table for source in SOURCES)):
        if name not in TABLES:
            continue
        try:
            head = lake.table(name).metadata.current_snapshot_id
        except NotFound:
            continue
        if head is not None:
            found[name] = Pin(snapshot_id=head)
    return found


def _asking(lake: LakeReader, pins: Mapping[str, Pin]) -> Ask:
    def ask(sql: str) -> list[tuple[Any, ...]]:
        named = {name: pins[name] for name in tables_named(sql)}
        with query(lake, sql, pins=named) as result:
            return list(result.rows())

    return ask
