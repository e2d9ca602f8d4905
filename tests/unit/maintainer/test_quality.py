"""The check of the entity index as a job: what it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from services.maintainer import quality
from services.maintainer.config import MaintainerSettings
from services.maintainer.quality import check, in_words
from shared.contracts.entity_quality import EntityQuality
from shared.lake.entity_quality import heads as heads_of
from shared.lake.entity_quality import report
from shared.lake.entity_quality.figures import Duplicate, Figures, SourceFigures
from shared.lake.entity_quality.sources import INDEX, SOURCES
from shared.lake.maintenance.compaction import Status
from shared.runtime.errors import Unavailable

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC)
SHOPIFY = SOURCES[0].table
SOME = Figures(
    9,
    8,
    1,
    (
        SourceFigures("shopify_customers", True, 10, 8, 8),
        SourceFigures("stripe_customers", True, 0, 0, 0),
        SourceFigures("hubspot_contacts", staged=False),
    ),
    1,
    (Duplicate("shopify_customers", "7", 2, ("U-1", "U-2")),),
)
FINE = Figures(10, 10, 0, (SourceFigures("shopify_customers", True, 10, 10, 10),))


def found(figures: Figures) -> EntityQuality:
    return report.Report(figures, NOON, quick=False).told()


class Catalog:
    """Heads of tables; a table that is not named is not there."""

    def __init__(self, heads: Mapping[str, int]) -> None:
        self._heads = heads

    def tables(self, names: Any) -> dict[str, Any]:
        return {
            name: SimpleNamespace(metadata=SimpleNamespace(current_snapshot_id=self._heads[name]))
            if name in self._heads
            else None
            for name in names
        }


@pytest.fixture
def lake(monkeypatch: pytest.MonkeyPatch) -> Callable[[Mapping[str, int]], None]:
    """Puts tables into the lake, all of them declared."""

    def made(heads: Mapping[str, int]) -> None:
        declared = dict.fromkeys([INDEX, *(each.table for each in SOURCES)])
        monkeypatch.setattr(heads_of, "TABLES", declared)
        monkeypatch.setattr(quality, "LakeReader", lambda _: Catalog(heads))

    return made


def test_before_there_is_an_index_the_job_has_nothing_to_do_and_says_so(
    lake: Callable[[Mapping[str, int]], None],
) -> None:
    lake({SHOPIFY: 1})
    done = check(MaintainerSettings(), lambda: False)
    assert (done.status, done.quality) == (Status.SKIPPED, None)
    assert done.reason.startswith(f"there is no {INDEX}: no entities were resolved yet")
    assert "not staged yet: hubspot_contacts, stripe_customers" in done.reason
    assert "shopify_customers" not in done.reason


def test_a_check_tells_its_verdict_why_and_what_is_not_staged(
    lake: Callable[[Mapping[str, int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake({INDEX: 1, SHOPIFY: 2})
    monkeypatch.setattr(report, "figures", lambda *_, quick: SOME)
    done = check(MaintainerSettings(), lambda: False)
    assert done.status is Status.SUCCESS
    assert done.quality is not None
    assert done.quality.status == "critical"
    assert done.reason == (
        "critical: shopify_customers_coverage is 80, to be held to 95, duplicate_mappings is 1, "
        "to be held to 0; not staged yet: hubspot_contacts"
    )
    assert in_words(found(FINE)) == "healthy"


def test_what_travels_has_no_samples_of_rows() -> None:
    told = found(SOME).model_dump_json()
    assert "duplicate_mappings" in told
    assert "U-1" not in told


def test_a_worker_that_stops_gives_the_check_up_before_the_next_query(
    lake: Callable[[Mapping[str, int]], None],
) -> None:
    lake({INDEX: 1, SHOPIFY: 2})
    assert check(MaintainerSettings(), lambda: True).interrupted


def test_a_store_that_does_not_answer_is_a_failure_and_no_zero(
    lake: Callable[[Mapping[str, int]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    lake({INDEX: 1, SHOPIFY: 2})

    def query(*_: Any, **__: Any) -> None:
        raise Unavailable("the object store does not answer")

    monkeypatch.setattr(report, "query", query)
    with pytest.raises(Unavailable):
        check(MaintainerSettings(), lambda: False)
