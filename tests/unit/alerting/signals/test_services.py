"""What is deliberately not run is not missed."""

from __future__ import annotations

import pytest

from shared.alerting.signals.every import following
from shared.alerting.signals.freshness import MISSED, STALENESS, WAVE_AGE
from shared.alerting.signals.services import ALL, EVERY_SERVICE, expected_services
from shared.contracts.topics import COMMITS, TABLES
from tests.unit.alerting.signals import histories
from tests.unit.alerting.signals.histories import NOON, RAW, TOPIC, at, landed


def test_services_are_named_with_commas_and_every_one_is_expected_by_itself() -> None:
    assert expected_services(EVERY_SERVICE) == set(ALL)
    assert expected_services("ingest, stream_writer,alerter") == {
        "ingest",
        "stream_writer",
        "alerter",
    }


@pytest.mark.parametrize("text", ["", " , ", "ingest,transfomer"])
def test_a_name_that_is_none_or_no_name_at_all_is_refused(text: str) -> None:
    """A typing error must not silence what watches over services."""
    with pytest.raises(ValueError, match="there are alerter, ingest, maintainer"):
        expected_services(text)


@pytest.mark.parametrize("built", [True, False])
def test_nobody_waits_for_derived_tables_where_nobody_is_to_build_them(*, built: bool) -> None:
    found = following(histories.TABLES, [TOPIC], built=built)
    for topic in (COMMITS, TABLES):
        found.caught_up(topic)
    found.event(COMMITS, landed(1, 100, oldest_received_at=at(0)))
    vectors = {n: v for source in found.all for n, v in source.vectors(NOON).items()}
    waiting = {each for vector in (vectors[STALENESS], vectors[WAVE_AGE]) for each in vector}
    assert bool(waiting) is built
    assert any(("table", RAW) in series for series in vectors[MISSED]), "landing is awaited"
