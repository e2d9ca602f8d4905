"""What is told of spooling: when it began, and once when it ended."""

from services.ingest.spool.episode import QUIET_S, Episodes
from shared.contracts.spool import SpoolChanged


def test_an_episode_begins_with_the_first_record_and_ends_when_all_was_sent() -> None:
    told: list[SpoolChanged] = []
    episodes = Episodes("host/0000", told.append)
    assert not episodes.look(0.0, 0, 0)
    episodes.spooled(100.0, "away")
    episodes.spooled(101.0, "still away")
    episodes.refused()
    assert not episodes.look(102.0, 2, 5000)
    episodes.replayed(2)
    assert not episodes.look(110.0, 0, 0)
    assert episodes.look(110.0 + QUIET_S, 0, 0)
    assert episodes.since is None
    began, ended = told
    assert (began.change, began.reason, began.records) == ("began", "away", 0)
    assert (ended.change, ended.reason, ended.began_at) == ("ended", "away", began.began_at)
    assert (ended.records, ended.replayed, ended.refused, ended.peak_bytes) == (2, 2, 1, 5000)
    assert ended.seconds == 10.0, "the quiet time is no part of it"
    assert began.event_id() != ended.event_id()


def test_a_slow_broker_does_not_flicker() -> None:
    told: list[SpoolChanged] = []
    episodes = Episodes("host/0000", told.append)
    for second in range(10):
        episodes.spooled(second, "slow")
        assert not episodes.look(second + QUIET_S / 2, 0, 0)
    assert episodes.look(20.0, 0, 0)
    assert [event.change for event in told] == ["began", "ended"]


def test_the_next_episode_counts_anew() -> None:
    told: list[SpoolChanged] = []
    episodes = Episodes("host/0000", told.append)
    for start in (0.0, 100.0):
        episodes.spooled(start, "away", records=3)
        episodes.look(start + 1, 0, 0)
        episodes.look(start + 1 + QUIET_S, 0, 0)
    assert [event.records for event in told] == [0, 3, 0, 3]
