"""Time in which nobody looked does not count for what is pending; others may have looked."""

from __future__ import annotations

from datetime import timedelta

import pytest

from services.alerter.evaluation.resuming import unseen
from services.alerter.group.ownership import Share
from tests.support.notifications import BEGAN, alert

NAMES = ("KafkaConsumerLagHigh", "TooManySnapshots", "MinIODown", "PipelineStale")
PENDING = [alert(name, state="pending", transition=1) for name in NAMES]
HALVES = [Share(frozenset({0, 1}), 3), Share(frozenset({2}), 3)]


@pytest.mark.parametrize("share", HALVES)
def test_only_alerts_of_rules_that_it_had_went_unseen(share: Share) -> None:
    mine = share.of(NAMES)
    assert 0 < len(mine) < len(NAMES)
    found = unseen(PENDING, mine, 60)
    assert {each.rule for each in found} == mine
    assert {each.active_at for each in found} == {BEGAN + timedelta(seconds=60)}


def test_without_any_rules_before_all_went_unseen_and_only_what_is_pending_counts() -> None:
    firing = alert("MinIODown", table="a")
    assert {each.rule for each in unseen([*PENDING, firing], None, 60)} == set(NAMES)
    assert firing not in unseen([firing], None, 60)
