"""Whose rules are evaluated when: with a group, without one, and while it deals anew."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from services.alerter.alert_metrics import AlertMetrics
from services.alerter.evaluation.evaluation import Change, Evaluation
from services.alerter.evaluation.judging import Judge
from services.alerter.evaluation.recording import Recording
from services.alerter.evaluation.standing import Standing
from services.alerter.group.dealing import Dealing
from services.alerter.group.ownership import EVERYTHING, Share, last_share
from services.alerter.journal.journal import Journal
from services.alerter.journal.lines import Kept
from shared.alerting.events import alert_of
from shared.alerting.rule import Rules
from shared.alerting.store import SeriesStore
from shared.contracts.alerts import AlertChanged
from shared.runtime.metrics import Instruments
from tests.unit.alerter.example_rules import (
    DOWN,
    FILES,
    LAG,
    LAGGING,
    MANY_FILES,
    UP,
    Said,
    lag,
    rules,
)

ALL = rules(LAGGING, MANY_FILES, DOWN)
HALVES = [Share(frozenset({0, 1}), 3), Share(frozenset({2}), 3)]
WITHIN_S = 20.0


class Desk:
    """An alerter without pages, clients and receivers."""

    def __init__(self, directory: Path, ruleset: Rules = ALL) -> None:
        self.rules = ruleset
        self.journal = Journal(directory)
        self.standing = Standing()
        self.read = asyncio.Event()
        self.found = asyncio.Event()
        self.disk = asyncio.Event()
        self.disk.set()
        self.asked = 0
        self.recording = Recording(
            self.journal,
            self.standing,
            AlertMetrics(Instruments("alerter")),
            lambda: None,
            "test",
            lambda: datetime.now(UTC).timestamp(),
        )
        store = SeriesStore()
        self.lag = Said(**{LAG: lag(500)})
        self.evaluation = Evaluation(
            Judge(store, self.standing),
            store,
            [self.lag, Said(**{FILES: {}}), Said(**{UP: {}})],
            self._record,
            lambda seconds: None,
        )
        self.dealing = Dealing(
            self.evaluation,
            self.recording,
            self.journal,
            self.standing,
            self._read_on,
            lambda: self.rules,
            lambda: None,
            patience_s=0.05,
        )

    @property
    def told(self) -> list[AlertChanged]:
        """Changes that wait for a broker."""
        return [
            entry.event
            for entry in self.journal.state.unpublished
            if isinstance(entry, Kept) and isinstance(entry.event, AlertChanged)
        ]

    async def _record(self, changes: Sequence[Change]) -> None:
        self.found.set()
        await self.disk.wait()
        await self.recording.changed(changes)

    async def _read_on(self) -> None:
        self.asked += 1
        await self.read.wait()


def alerter(
    directory: Path, scenario: Callable[[Desk], Coroutine[Any, Any, None]], ruleset: Rules = ALL
) -> None:
    """Run a scenario on a running alerter; its journal stays in the directory."""

    async def run() -> None:
        desk = Desk(directory, ruleset)
        await desk.dealing.rules_changed()
        task = asyncio.create_task(desk.evaluation.run())
        try:
            async with asyncio.timeout(WITHIN_S):
                await scenario(desk)
        finally:
            await desk.dealing.stop()
            task.cancel()
            await asyncio.wait({task})
            await desk.journal.close()

    asyncio.run(run())


async def until(holds: Callable[[], bool]) -> None:
    while not holds():  # noqa: ASYNC110 - any condition
        await asyncio.sleep(0.002)


def test_every_rule_is_of_one_share() -> None:
    first, second = (each.of(ALL) for each in HALVES)
    assert first | second == set(ALL)
    assert not first & second


def test_rules_of_the_last_time_tell_the_partitions_and_so_the_new_rules() -> None:
    for share in HALVES:
        assert last_share(share.of(ALL)).of(ALL) == share.of(ALL)
    assert last_share(None) == last_share(()) == EVERYTHING


def test_a_rule_is_evaluated_once_what_was_said_of_it_has_been_read(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: desk.asked == 1)
        assert not desk.evaluation.owned
        desk.read.set()
        await until(lambda: bool(desk.told))
        assert desk.evaluation.owned == set(ALL)
        assert [each.rule for each in desk.told] == ["Lagging"]
        await until(lambda: desk.journal.owned is not None)

    alerter(tmp_path, scenario)


def test_an_error_in_what_was_said_leaves_no_rule_without_an_alerter(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        def broken() -> None:
            raise RuntimeError

        desk.read.wait = broken  # type: ignore[method-assign, assignment]
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: desk.evaluation.owned == set(ALL))

    alerter(tmp_path, scenario)


def test_rules_that_stay_are_evaluated_meanwhile(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.read.set()
        mine = next(each for each in HALVES if "Lagging" in each.of(ALL))
        desk.dealing.dealt(mine)
        await until(lambda: desk.dealing.known)
        desk.read.clear()
        desk.dealing.dealing()
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: desk.asked == 2)
        assert desk.evaluation.owned == mine.of(ALL)
        passes = desk.evaluation.passes
        desk.evaluation.changed([LAG])
        await until(lambda: desk.evaluation.passes > passes)
        desk.read.set()
        await until(lambda: desk.evaluation.owned == set(ALL))

    alerter(tmp_path, scenario)


def test_groups_are_told_once_what_was_told_of_them_has_been_read(tmp_path: Path) -> None:
    """Whoever gets partitions gets groups, even where no rule is of these."""

    async def scenario(desk: Desk) -> None:
        desk.read.set()
        desk.dealing.dealt(HALVES[0])
        await until(lambda: desk.dealing.known)
        desk.read.clear()
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: desk.asked == 2)
        group = next(f"table={n}" for n in range(99) if HALVES[1].owns(f"table={n}"))
        assert desk.dealing.teller == HALVES[0].owns
        desk.read.set()
        await until(lambda: desk.dealing.teller == EVERYTHING.owns)
        assert EVERYTHING.owns(group)

    texts = {next(iter(rules(text))): text for text in (LAGGING, MANY_FILES, DOWN)}
    only = next(text for name, text in texts.items() if HALVES[0].owns(name))
    alerter(tmp_path, scenario, rules(only))


def test_nobody_is_told_while_the_group_deals_but_not_for_long(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        assert desk.dealing.teller is None
        desk.read.set()
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: desk.dealing.teller is not None)
        desk.dealing.dealing()
        assert desk.dealing.teller is None
        await until(lambda: desk.dealing.teller == EVERYTHING.owns)

    alerter(tmp_path, scenario)


def test_without_a_group_all_rules_are_ours_or_those_of_the_last_time(tmp_path: Path) -> None:
    async def alone(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: desk.dealing.known)
        assert desk.asked == 0, "there is nobody to be read"

    async def first(desk: Desk) -> None:
        await alone(desk)
        assert desk.evaluation.owned == set(ALL)
        desk.read.set()
        desk.dealing.dealt(HALVES[1])
        await until(lambda: desk.evaluation.owned == HALVES[1].of(ALL))
        await until(lambda: desk.journal.owned == tuple(sorted(HALVES[1].of(ALL))))

    async def second(desk: Desk) -> None:
        await alone(desk)
        assert desk.evaluation.owned == HALVES[1].of(ALL)

    alerter(tmp_path, first)
    alerter(tmp_path, second)


def test_a_group_that_deals_for_ever_stops_nothing(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.read.set()
        desk.dealing.dealt(EVERYTHING)
        await until(lambda: bool(desk.told))
        desk.dealing.dealing()
        desk.lag.vector[LAG] = lag(0)
        desk.evaluation.changed([LAG])
        await until(lambda: len(desk.told) == 2)
        assert desk.told[-1].state == "resolved"

    alerter(tmp_path, scenario)


def test_a_restart_goes_on_where_it_was(tmp_path: Path) -> None:
    async def fires(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: bool(desk.told))

    async def resolves(desk: Desk) -> None:
        desk.standing.keep(map(alert_of, desk.journal.board.alerts.values()))
        desk.dealing.without_group(0)
        passes = desk.evaluation.passes
        await until(lambda: desk.evaluation.passes > passes)
        assert len(desk.told) == 1, "it is not told again"
        desk.lag.vector[LAG] = lag(0)
        desk.evaluation.changed([LAG])
        await until(lambda: len(desk.told) == 2)
        assert desk.told[1].state == "resolved"

    alerter(tmp_path, fires)
    alerter(tmp_path, resolves)


@pytest.mark.parametrize(
    ("becomes", "end"),
    [
        (rules(MANY_FILES, DOWN), "rule_removed"),
        (rules(LAGGING.replace("warning", "critical"), MANY_FILES, DOWN), "rule_changed"),
    ],
)
def test_a_rule_that_goes_or_changes_its_labels_ends_its_alerts(
    tmp_path: Path, becomes: Rules, end: str
) -> None:
    async def scenario(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: bool(desk.told))
        desk.rules = becomes
        await desk.dealing.rules_changed()
        [fired, over, *_] = desk.told
        assert (over.state, over.ended_by) == ("resolved", end)
        assert over.fingerprint == fired.fingerprint
        assert over.transition == fired.transition + 1
        if end == "rule_changed":
            await until(lambda: len(desk.told) == 3)
            assert (desk.told[2].state, desk.told[2].severity) == ("firing", "critical")
            assert desk.told[2].transition == over.transition + 1

    alerter(tmp_path, scenario)


def test_another_threshold_leaves_an_alert_as_it_is(tmp_path: Path) -> None:
    async def scenario(desk: Desk) -> None:
        desk.dealing.without_group(0)
        await until(lambda: bool(desk.told))
        desk.rules = rules(LAGGING.replace("100", "200"), MANY_FILES, DOWN)
        passes = desk.evaluation.passes
        await desk.dealing.rules_changed()
        desk.evaluation.changed([LAG])
        await until(lambda: desk.evaluation.passes > passes)
        assert len(desk.told) == 1
        desk.rules = rules(LAGGING.replace("100", "1000"), MANY_FILES, DOWN)
        await desk.dealing.rules_changed()
        desk.evaluation.changed([LAG])
        await until(lambda: len(desk.told) == 2)
        assert desk.told[1].ended_by == "condition_false"

    alerter(tmp_path, scenario)


@pytest.mark.parametrize(
    "becomes", [rules(MANY_FILES, DOWN), rules(LAGGING.replace("warning", "critical"))]
)
def test_what_is_being_recorded_when_rules_change_is_ended_all_the_same(
    tmp_path: Path, becomes: Rules
) -> None:
    async def scenario(desk: Desk) -> None:
        desk.disk.clear()
        desk.dealing.without_group(0)
        await desk.found.wait()
        desk.rules = becomes
        reloading = asyncio.create_task(desk.dealing.rules_changed())
        await asyncio.sleep(0)
        desk.disk.set()
        await reloading
        await until(lambda: len(desk.told) >= 2)
        fired, over = desk.told[:2]
        assert (fired.state, fired.severity, over.state) == ("firing", "warning", "resolved")
        assert over.transition == fired.transition + 1

    alerter(tmp_path, scenario)
