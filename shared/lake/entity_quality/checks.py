"""From figures to findings and a verdict. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum
from typing import Any

from shared.lake.entity_quality.figures import Figures, SourceFigures

LEAST_SHARED = Decimal("5.0")
"""Per cent of unified ids that records of several sources should belong to."""

LEAST_COVERAGE = Decimal("95.0")
"""Per cent of a source's staged records that the index should have."""

SAMPLES = 5


class Level(StrEnum):
    """How bad one figure is."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Status(StrEnum):
    """The verdict; the exit code of the command is its place here."""

    HEALTHY = "healthy"
    WARNING = "warning"
    CRITICAL = "critical"

    @property
    def exit_code(self) -> int:
        """0, 1 or 2."""
        return list(Status).index(self)


@dataclass(frozen=True, slots=True)
class Metric:
    """One figure; ``threshold`` is ``None`` where it is not judged."""

    name: str
    value: Decimal
    threshold: Decimal | None
    status: Level
    description: str


@dataclass(frozen=True, slots=True)
class Issue:
    """Something to be looked into.

    Attributes:
        type: ``orphaned_records`` or ``duplicate_mappings``.
        source: whose records they are, where it is one source.
        count: how many.
        message: in words.
        samples: some of them.
    """

    type: str
    count: int
    message: str
    source: str | None = None
    samples: tuple[dict[str, Any], ...] = ()


@dataclass(frozen=True, slots=True)
class Checked:
    """Findings, and the verdict that follows from the worst of them."""

    metrics: tuple[Metric, ...]
    issues: tuple[Issue, ...] = field(default=())

    @property
    def status(self) -> Status:
        """Critical with an error, a warning with a warning, healthy otherwise."""
        levels = {each.status for each in self.metrics}
        if Level.ERROR in levels:
            return Status.CRITICAL
        return Status.WARNING if Level.WARNING in levels else Status.HEALTHY


def check(found: Figures, *, quick: bool = False) -> Checked:
    """Judge figures.

    Args:
        found: as :func:`~shared.lake.entity_quality.figures.figures` gives them.
        quick: they hold totals only; the verdict is of these.
    """
    metrics = [*_totals(found)]
    if quick:
        return Checked(tuple(metrics))
    staged = [each for each in found.sources if each.staged]
    metrics += [each for source in staged for each in _coverage(source)]
    metrics += _duplicates(found)
    metrics += [
        Metric(
            f"cardinality_{'4+' if records == 4 else records}",
            Decimal(found.cardinality.get(records, 0)),
            None,
            Level.INFO,
            "unified ids with so many records",
        )
        for records in (1, 2, 3, 4)
    ]
    metrics += [
        Metric(f"match_method_{name}", Decimal(rows), None, Level.INFO, "rows matched this way")
        for name, rows in found.match_types.items()
    ]
    return Checked(tuple(metrics), tuple(_issues(found, staged)))


def coverage(source: SourceFigures) -> Decimal | None:
    """Per cent of the staged records that the index has; ``None`` where there are none."""
    return percentage(source.mapped, source.records) if source.records else None


def percentage(part: int, whole: int) -> Decimal:
    """Per cent with two decimals, rounded half up; 0 of nothing."""
    if not whole:
        return Decimal(0)
    return (Decimal(100 * part) / whole).quantize(Decimal("0.01"), ROUND_HALF_UP)


def _totals(found: Figures) -> Iterable[Metric]:
    info = Level.INFO
    yield Metric("total_mappings", Decimal(found.mappings), None, info, "rows of the index")
    yield Metric("unique_unified_ids", Decimal(found.unified), None, info, "distinct unified ids")
    rate = percentage(found.shared, found.unified)
    what = "per cent of unified ids with records of two sources or more"
    if sum(each.staged for each in found.sources) < 2:
        # Of one source alone nothing can match across sources.
        yield Metric("cross_source_match_rate", rate, None, info, f"{what}; one source is staged")
        return
    level = Level.WARNING if rate < LEAST_SHARED else info
    yield Metric("cross_source_match_rate", rate, LEAST_SHARED, level, what)


def _coverage(source: SourceFigures) -> Iterable[Metric]:
    share = coverage(source)
    if share is not None and share < LEAST_COVERAGE:
        yield Metric(
            f"{source.source}_coverage",
            share,
            LEAST_COVERAGE,
            Level.WARNING,
            "per cent of staged records that the index has",
        )


def _duplicates(found: Figures) -> Iterable[Metric]:
    if found.duplicated:
        yield Metric(
            "duplicate_mappings",
            Decimal(found.duplicated),
            Decimal(0),
            Level.ERROR,
            "records with more than one row in the index",
        )


def _issues(found: Figures, staged: Iterable[SourceFigures]) -> Iterable[Issue]:
    for source in staged:
        share, orphaned = coverage(source), source.records - source.mapped
        if orphaned and share is not None and share < LEAST_COVERAGE:
            yield Issue(
                "orphaned_records",
                orphaned,
                f"{orphaned} staged records of {source.source} are not in the index",
                source=source.source,
            )
    if found.duplicated:
        several = sum(len(each.unified_ids) > 1 for each in found.duplicates)
        yield Issue(
            "duplicate_mappings",
            found.duplicated,
            f"{found.duplicated} records have more than one row; of the "
            f"{len(found.duplicates)} looked at, {several} belong to several unified ids",
            samples=tuple(
                {
                    "source": each.source,
                    "source_id": each.source_id,
                    "rows": each.rows,
                    "unified_ids": list(each.unified_ids),
                }
                for each in found.duplicates[:SAMPLES]
            ),
        )
