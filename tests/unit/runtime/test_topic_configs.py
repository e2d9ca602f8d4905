"""What bootstrap makes of a topic that exists: as declared, but nothing waiting expires by it."""

import pytest

from shared.contracts.topics import COMMITS
from shared.runtime.topic_bootstrap import wanted_configs
from shared.sources.topics import TOPICS

DISPUTES = TOPICS["stripe.disputes"]
DECLARED = DISPUTES.configs()["retention.ms"]


@pytest.mark.parametrize("kept", ["-1", str(2 * int(DECLARED))])
def test_a_vendor_topic_that_keeps_longer_goes_on_to_do_so(kept: str) -> None:
    wanted = wanted_configs(DISPUTES, {"retention.ms": kept, "cleanup.policy": "compact"})
    assert wanted == {**DISPUTES.configs(), "retention.ms": kept}


@pytest.mark.parametrize("present", [{}, {"retention.ms": "1000"}, {"retention.ms": DECLARED}])
def test_one_that_keeps_shorter_is_corrected(present: dict[str, str]) -> None:
    assert wanted_configs(DISPUTES, present) == DISPUTES.configs()


def test_the_platforms_own_topics_are_as_declared() -> None:
    assert wanted_configs(TOPICS[COMMITS], {"retention.ms": "-1"}) == TOPICS[COMMITS].configs()
