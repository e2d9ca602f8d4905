"""What the figures of the entity index mean."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from shared.lake.entity_quality.checks import Level, Status, check, percentage
from shared.lake.entity_quality.figures import Duplicate, Figures, SourceFigures

HEALTHY = Figures(
    mappings=200,
    unified=150,
    shared=50,
    sources=(
        SourceFigures("shopify_customers", True, 100, 100, 100),
        SourceFigures("stripe_customers", True, 100, 95, 90),
        SourceFigures("ga4_sessions", staged=False),
    ),
    cardinality={1: 100, 2: 50},
    match_types={"exact_email": 50, "new_entity": 150},
)


def names(level: Level, figures: Figures, *, quick: bool = False) -> list[str]:
    return [each.name for each in check(figures, quick=quick).metrics if each.status is level]


def test_an_index_that_has_everybody_once_is_healthy() -> None:
    found = check(HEALTHY)

    assert found.status is Status.HEALTHY
    assert found.issues == ()


def test_ninety_five_per_cent_are_enough_and_less_is_a_warning() -> None:
    less = SourceFigures("stripe_customers", True, 10_000, 9_499, 9_000)
    found = check(replace(HEALTHY, sources=(HEALTHY.sources[0], less)))

    assert found.status is Status.WARNING
    (metric,) = [each for each in found.metrics if each.name == "stripe_customers_coverage"]
    assert (metric.value, metric.threshold) == (Decimal("94.99"), Decimal("95.0"))
    (issue,) = found.issues
    assert (issue.type, issue.source, issue.count) == ("orphaned_records", "stripe_customers", 501)


def test_a_source_without_records_and_one_that_is_not_staged_are_not_judged() -> None:
    nothing = SourceFigures("hubspot_contacts", staged=True)

    assert check(replace(HEALTHY, sources=(*HEALTHY.sources, nothing))).status is Status.HEALTHY


def test_few_entities_of_several_sources_are_a_warning() -> None:
    assert names(Level.WARNING, replace(HEALTHY, shared=7)) == ["cross_source_match_rate"]
    assert names(Level.WARNING, replace(HEALTHY, shared=8)) == []


def test_of_one_source_nothing_can_match_across_sources() -> None:
    assert check(replace(HEALTHY, shared=0, sources=HEALTHY.sources[:1])).status is Status.HEALTHY


def test_a_record_with_two_rows_is_critical_whatever_they_say() -> None:
    twice = Duplicate("shopify_customers", "7", 2, ("U-1",))
    torn = Duplicate("shopify_customers", "8", 2, ("U-1", "U-2"))
    found = check(replace(HEALTHY, duplicated=2, duplicates=(twice, torn)))

    assert found.status is Status.CRITICAL
    (issue,) = found.issues
    assert (issue.type, issue.count) == ("duplicate_mappings", 2)
    assert "1 belong to several unified ids" in issue.message
    assert [each["source_id"] for each in issue.samples] == ["7", "8"]


def test_an_error_outweighs_a_warning() -> None:
    bad = replace(HEALTHY, shared=0, duplicated=1, duplicates=(Duplicate("x", "1", 2, ("U",)),))

    assert check(bad).status is Status.CRITICAL


def test_a_quick_look_computes_its_verdict() -> None:
    assert check(replace(HEALTHY, shared=0), quick=True).status is Status.WARNING
    assert check(HEALTHY, quick=True).status is Status.HEALTHY
    assert {each.name for each in check(HEALTHY, quick=True).metrics} == {
        "total_mappings",
        "unique_unified_ids",
        "cross_source_match_rate",
    }


def test_an_empty_index_beside_staged_records_is_a_warning() -> None:
    empty = Figures(0, 0, 0, (SourceFigures("shopify_customers", True, 5, 0, 0),))
    found = check(empty)

    assert found.status is Status.WARNING
    assert [each.count for each in found.issues] == [5]


@pytest.mark.parametrize(
    ("status", "code"), [(Status.HEALTHY, 0), (Status.WARNING, 1), (Status.CRITICAL, 2)]
)
def test_the_exit_code_says_the_verdict(status: Status, code: int) -> None:
    assert status.exit_code == code


def test_shares_are_rounded_half_up() -> None:
    assert percentage(1, 16) == Decimal("6.25")
    assert percentage(1, 800) == Decimal("0.13")
    assert percentage(0, 0) == Decimal(0)
