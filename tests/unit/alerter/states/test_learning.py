"""A rule that moves finds what its last owner knew of normal silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.alerter.journal.journal import Journal
from services.alerter.states.alert_states import AlertStates
from services.alerter.states.learning import Learning
from shared.alerting.series import labels
from shared.alerting.signals.silence import EXPECTED, SILENCE, Silence
from shared.contracts.event import Event
from shared.contracts.landing import LandingLearned
from shared.contracts.topics import COMMITS, TABLES
from tests.unit.alerter.states.test_alert_states import record
from tests.unit.alerting.signals.histories import BEGAN, RAW, commit
from tests.unit.alerting.signals.histories import TABLES as DECLARED

KEY = labels(table=RAW)
HOUR = 3600.0


class Alerter:
    """One that learns, and tells."""

    def __init__(self, *, owns: bool = True) -> None:
        self.silence = Silence(DECLARED)
        self.told: list[Event] = []
        self.now = 0.0
        self.learning = Learning(self.silence, self._keep, lambda _key: owns, lambda: self.now)

    async def _keep(self, event: Event) -> None:
        self.told.append(event)

    def saw(self, times: list[float]) -> None:
        for at in times:
            self.silence.event(commit(RAW, int(at) + 1, at))
            self.now = BEGAN.timestamp() + at
        for topic in (COMMITS, TABLES):
            self.silence.caught_up(topic)

    def expected(self) -> float | None:
        return self.silence.vectors(self.now)[EXPECTED].get(KEY)


ARRIVALS = [day * 24 * HOUR + hour * HOUR for day in range(7) for hour in (*range(8, 20),)]


@pytest.mark.asyncio
async def test_who_begins_knows_what_is_normal_as_others_do() -> None:
    elder, younger = Alerter(), Alerter()
    elder.saw(ARRIVALS)
    younger.saw(ARRIVALS[-5:])
    younger.now = elder.now
    assert younger.expected() is None, "an alert would be over for it, and none begin"
    await elder.learning.share()
    (event,) = elder.told
    assert isinstance(event, LandingLearned)
    younger.learning.heard(event)
    assert younger.expected() == elder.expected() is not None
    await elder.learning.share()
    assert len(elder.told) == 1, "it is said once"


@pytest.mark.asyncio
async def test_it_may_be_heard_before_the_first_commit_but_counts_from_there() -> None:
    elder, younger = Alerter(), Alerter()
    elder.saw(ARRIVALS)
    await elder.learning.share()
    (event,) = elder.told
    assert isinstance(event, LandingLearned)
    younger.learning.heard(event)
    assert not younger.silence.vectors(elder.now)[SILENCE], "the table may be dropped since"
    younger.saw(ARRIVALS[-5:])
    assert younger.expected() == elder.expected()
    younger.silence.gone(RAW)
    assert not younger.silence.vectors(elder.now)[SILENCE]


@pytest.mark.asyncio
async def test_one_alerter_tells_of_a_table_and_none_that_has_not_read_what_there_is() -> None:
    another, early = Alerter(owns=False), Alerter()
    another.saw(ARRIVALS)
    for at in ARRIVALS:
        early.silence.event(commit(RAW, int(at) + 1, at))
    await another.learning.share()
    await early.learning.share()
    assert another.told == early.told == []


@pytest.mark.asyncio
async def test_what_was_learned_comes_with_the_states_of_alerts_and_changes_none(
    tmp_path: Path,
) -> None:
    elder, younger = Alerter(), Alerter()
    elder.saw(ARRIVALS)
    await elder.learning.share()
    news: list[Event | None] = []
    journal = Journal(tmp_path)
    states = AlertStates(journal, news.append, younger.learning.heard)
    states.on_record(record(elder.told[0]))
    states.read_to_the_end()
    states.on_record(record(elder.told[0]))
    younger.saw(ARRIVALS[-5:])
    assert (younger.expected(), news) == (elder.expected(), [])
    assert await states.say_again([]) == 0
    await journal.close()
